/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "text.h"

void report(const char *format, ...) {
        _cleanup_free_ char *sentence = NULL, *escaped = NULL;
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(&sentence, format, arguments);
        va_end(arguments);
        if (r < 0)
                sentence = NULL;
        else
                escaped = text_escape(sentence, streq(nl_langinfo(CODESET), "UTF-8"));
        fprintf(stderr, "%s\n", escaped ?: "Out of memory.");
}

int report_errno(int error, const char *what) {
        report("%s: %s.", what, strerror(-error));
        return error;
}
