/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "config.h"
#include "report.h"

#define EXIT_USAGE 2
/* Bytes. */
#define LARGE_SIZE (32 * 1024)

static void help(void) {
        (void) printf("exposure-notify [OPTIONS...]\n\n"
                      "Shows a notification when a service becomes weaker.\n\n"
                      "  -h --help      Show this help\n"
                      "     --version   Show the version\n\n"
                      "See exposure-notify(1).\n");
}

/* Returns 1 to go on, else 0 or -EINVAL. */
static int parse_options(int argc, char **argv) {
        enum { OPTION_VERSION = 0x100 };
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPTION_VERSION },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case OPTION_VERSION:
                        (void) printf("exposure-notify %s\n", PROJECT_VERSION);
                        return 0;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                report("Unexpected argument '%s', none is taken.", argv[optind]);
                return -EINVAL;
        }
        return 1;
}

static int run(void) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(agent_freep) struct agent *agent = NULL;
        int r = sd_event_default(&event);

        /* Without a handler, they end the loop. */
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
        if (r >= 0)
                r = agent_new(&agent, event);
        return r < 0 ? r : sd_event_loop(event);
}

int main(int argc, char **argv) {
        int r;

        setlocale(LC_CTYPE, "");
        /* A long answer is given back as soon as it was read, however many of them there are. */
        (void) mallopt(M_MMAP_THRESHOLD, LARGE_SIZE);
        r = parse_options(argc, argv);
        if (r <= 0)
                return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        return run() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
