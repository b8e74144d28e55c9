/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "config.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

/*
 * A standard stream that was closed must not become the connection to the bus. Opened for the wrong
 * direction, so that using it still fails.
 */
static int reserve_standard_streams(void) {
        static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };

        for (int fd = 0; fd < 3; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
                        return -EBADF;
        return 0;
}

static enum status finish(struct output *output, enum status status) {
        int r = output_finish(output);

        output_done(output);
        if (r >= 0)
                return status;
        /* Who closed the pipe has seen enough and needs no sentence. */
        if (r != -EPIPE)
                report_errno(r, "Cannot write the output");
        return STATUS_FAILURE;
}

static enum status run(int argc, char **argv) {
        const struct verb *verb;
        struct options options;
        struct output output;
        int r;

        if (options_parse(&options, argc, argv) < 0)
                return STATUS_USAGE;

        r = output_init(&output, &options);
        if (r < 0) {
                report_errno(r, "Cannot set up the output");
                return STATUS_FAILURE;
        }

        if (options.help)
                return finish(&output, verb_help(&options, &output, NULL));
        if (options.version) {
                fprintf(output.stream, "exposurectl %s\n", PROJECT_VERSION);
                return finish(&output, STATUS_DONE);
        }

        verb = verb_find(argv + optind);
        if (!verb || options_check_verb(&options, verb->name) < 0) {
                output_done(&output);
                return STATUS_USAGE;
        }
        return finish(&output, verb->run(&options, &output, argv + optind + (argv[optind] != NULL)));
}

int main(int argc, char **argv) {
        if (argc < 1 || reserve_standard_streams() < 0)
                return STATUS_FAILURE;

        /* Characters and their widths only: numbers, dates and messages stay as they are. */
        setlocale(LC_CTYPE, "");
        signal(SIGPIPE, SIG_IGN);
        return run(argc, argv);
}
