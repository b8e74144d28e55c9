/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "environment.h"
#include "options.h"
#include "pager.h"

#define DEFAULT_COLUMNS 80
#define MAX_COLUMNS 10000

static bool terminal_is(const char *kind) {
        const char *term = getenv("TERM");

        return term && streq(term, kind);
}

static bool wants_colors(bool terminal) {
        const char *no_color = getenv("NO_COLOR"), *colors = getenv("SYSTEMD_COLORS");
        int forced = environment_boolean("SYSTEMD_COLORS");

        if (forced >= 0)
                return forced;
        if (colors && (streq(colors, "16") || streq(colors, "256")))
                return true;
        return terminal && !(no_color && *no_color) && getenv("TERM") && !terminal_is("dumb");
}

static bool wants_emoji(bool utf8) {
        int forced = environment_boolean("SYSTEMD_EMOJI");

        if (forced >= 0)
                return forced;
        return utf8 && !terminal_is("dumb") && !terminal_is("linux");
}

static unsigned terminal_columns(void) {
        const char *value = getenv("COLUMNS");
        struct winsize size;
        char *end;

        if (value && *value >= '0' && *value <= '9') {
                unsigned long columns = strtoul(value, &end, 10);

                if (*end == '\0' && columns > 0 && columns <= MAX_COLUMNS)
                        return (unsigned) columns;
        }
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                return size.ws_col;
        return DEFAULT_COLUMNS;
}

static int open_stream(struct output *output) {
        output->stream = open_memstream(&output->buffer, &output->size);
        return output->stream ? 0 : -errno;
}

int output_init(struct output *output, const struct options *options) {
        bool terminal = isatty(STDOUT_FILENO), utf8 = streq(nl_langinfo(CODESET), "UTF-8");

        *output = (struct output) {
                .terminal = terminal,
                .utf8 = utf8,
                .emoji = wants_emoji(utf8),
                .colors = wants_colors(terminal),
                .columns = terminal && !options->full ? terminal_columns() : 0,
                .fd = STDOUT_FILENO,
        };
        return open_stream(output);
}

void output_done(struct output *output) {
        if (!output)
                return;
        if (output->stream)
                (void) fclose(output->stream);
        free(output->buffer);
        *output = (struct output) { .fd = -1 };
}

void output_page(struct output *output, const struct options *options) {
        if (!output->terminal || !options->pager || output->pager > 0 || terminal_is("dumb"))
                return;
        pager_open(output->utf8, &output->pager, &output->fd);
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EAGAIN) {
                        struct pollfd wait = { .fd = fd, .events = POLLOUT };

                        if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                                return -errno;
                } else if (n < 0 && errno != EINTR)
                        return -errno;
                else if (n > 0) {
                        data += n;
                        size -= (size_t) n;
                }
        }
        return 0;
}

/* Closes the stream, which is what makes it tell of failures and of its size. */
static int take_stream(struct output *output) {
        bool failed = ferror(output->stream);
        int r = fclose(output->stream) == 0 ? 0 : -errno;

        output->stream = NULL;
        return r == 0 && failed ? -ENOMEM : r;
}

int output_flush(struct output *output) {
        int r = take_stream(output);

        if (r >= 0)
                r = write_all(output->fd, output->buffer, output->size);
        free(output->buffer);
        output->buffer = NULL;
        if (r >= 0)
                r = open_stream(output);
        return r;
}

int output_finish(struct output *output) {
        int r = output->stream ? output_flush(output) : 0;

        if (output->pager > 0) {
                pager_close(output->pager, output->fd);
                output->pager = 0;
                return r == -EPIPE ? 0 : r;
        }
        if (close(output->fd) < 0 && r >= 0 && errno != EBADF)
                return -errno;
        return r;
}
