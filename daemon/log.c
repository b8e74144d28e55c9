/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in the source an entry was written says nothing to its readers. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <systemd/sd-journal.h>

#include "log.h"
#include "utf8.h"

#define LINE_MAX_BYTES 2048

/* What a log is: the one thing a process has just one of. */
static struct {
        int max_level;
        bool journal;
} log_state = { .max_level = LOG_INFO };

/* $JOURNAL_STREAM names the device and inode of the stream that the journal gave us (systemd.exec(5)). */
void log_open(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;
        char *end;

        if (!stream || fstat(STDERR_FILENO, &st) < 0)
                return;
        device = strtoull(stream, &end, 10);
        inode = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
        log_state.journal = *end == '\0' && st.st_dev == device && st.st_ino == inode;
}

void log_set_max_level(int level) {
        log_state.max_level = level;
}

/* It may quote what others wrote. */
static void log_text(int level, const char *text) {
        char clean[LINE_MAX_BYTES];

        utf8_clean(text, clean, sizeof(clean));
        if (log_state.journal)
                (void) sd_journal_send("MESSAGE=%s", clean, "PRIORITY=%i", level, NULL);
        else
                (void) fprintf(stderr, "%s\n", clean);
}

void log_line(int level, const char *format, ...) {
        char text[LINE_MAX_BYTES];
        va_list ap;

        if (level > log_state.max_level)
                return;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        log_text(level, text);
}

int log_errno(int level, int error, const char *format, ...) {
        char text[LINE_MAX_BYTES];
        va_list ap;
        int n;

        if (level > log_state.max_level)
                return error;
        va_start(ap, format);
        n = vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        if (n >= 0 && (size_t) n < sizeof(text))
                (void) snprintf(text + n, sizeof(text) - n, ": %s", strerror(-error));
        log_text(level, text);
        return error;
}

int log_fields(const struct iovec *fields, unsigned n_fields) {
        static const char prefix[] = "MESSAGE=";

        if (log_state.journal)
                return sd_journal_sendv(fields, (int) n_fields);
        if (n_fields > 0 && fields[0].iov_len > sizeof(prefix) - 1)
                (void) fprintf(stderr, "%.*s\n", (int) (fields[0].iov_len - (sizeof(prefix) - 1)),
                               (const char *) fields[0].iov_base + sizeof(prefix) - 1);
        return 0;
}
