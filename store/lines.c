/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "lines.h"

bool span_equal(struct span span, const char *text) {
        return strncmp(span.at, text, span.length) == 0 && text[span.length] == '\0';
}

int line_next(const char **text, struct span *ret_name, struct span *ret_value) {
        const char *line = *text, *equals, *end;

        if (*line == '\0')
                return 0;
        end = strchrnul(line, '\n');
        equals = memchr(line, '=', (size_t) (end - line));
        if (!equals)
                return -EBADMSG;
        *ret_name = (struct span) { line, (size_t) (equals - line) };
        *ret_value = (struct span) { equals + 1, (size_t) (end - equals - 1) };
        *text = *end ? end + 1 : end;
        return 1;
}

bool word_next(struct span *span, struct span *ret_word) {
        const char *space;

        while (span->length > 0 && *span->at == ' ') {
                span->at++;
                span->length--;
        }
        if (span->length == 0)
                return false;
        space = memchr(span->at, ' ', span->length);
        *ret_word = (struct span) { span->at, space ? (size_t) (space - span->at) : span->length };
        span->at += ret_word->length;
        span->length -= ret_word->length;
        return true;
}

int number_read(struct span span, unsigned base, uint64_t max, uint64_t *ret) {
        static const char digits[] = "0123456789abcdef";
        uint64_t number = 0;

        if (span.length == 0)
                return -EBADMSG;
        for (size_t i = 0; i < span.length; i++) {
                const char *digit = memchr(digits, span.at[i], base);
                uint64_t value;

                if (!digit)
                        return -EBADMSG;
                value = (uint64_t) (digit - digits);
                if (value > max || number > (max - value) / base)
                        return -EBADMSG;
                number = number * base + value;
        }
        *ret = number;
        return 0;
}
