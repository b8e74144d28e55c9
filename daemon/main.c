/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "config.h"
#include "log.h"
#include "manager.h"
#include "memory.h"

#define EXIT_USAGE 2

DEFINE_CLEANUP(struct manager *, manager_free)

static void help(void) {
        (void) printf("exposured [OPTIONS...]\n\n"
                      "Keeps the exposure of every service, and tells when one becomes weaker.\n\n"
                      "  -h --help      Show this help\n"
                      "     --version   Show the version\n"
                      "     --system    Watch the system's services (the default)\n"
                      "     --user      Watch the services of the calling user\n\n"
                      "See exposured(8) and exposured.conf(5).\n");
}

/* Returns 1 to go on, else 0 or -EINVAL. */
static int parse_options(int argc, char **argv, enum scope *ret_scope) {
        enum { OPTION_VERSION = 0x100, OPTION_SYSTEM, OPTION_USER };
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPTION_VERSION },
                { "system", no_argument, NULL, OPTION_SYSTEM },
                { "user", no_argument, NULL, OPTION_USER },
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        help();
                        return 0;
                case OPTION_VERSION:
                        (void) printf("exposured %s\n", PROJECT_VERSION);
                        return 0;
                case OPTION_SYSTEM:
                        *ret_scope = SCOPE_SYSTEM;
                        break;
                case OPTION_USER:
                        *ret_scope = SCOPE_USER;
                        break;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                (void) fprintf(stderr, "%s: unexpected argument '%s', none is taken.\n", argv[0], argv[optind]);
                return -EINVAL;
        }
        return 1;
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) source;
        (void) info;
        manager_exit(userdata, 0);
        return 0;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) source;
        (void) info;
        manager_reload(userdata);
        return 0;
}

static int set_up_signals(sd_event *event, struct manager *manager) {
        int r;

        r = sd_event_add_signal(event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, on_end, manager);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGINT | SD_EVENT_SIGNAL_PROCMASK, on_end, manager);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP | SD_EVENT_SIGNAL_PROCMASK, on_hangup, manager);
        return r;
}

static int run(enum scope scope) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        _cleanup_(manager_freep) struct manager *manager = NULL;
        int r;

        r = sd_event_default(&event);
        if (r >= 0)
                r = manager_new(&manager, event, scope);
        if (r >= 0)
                r = set_up_signals(event, manager);
        if (r < 0)
                return log_errno(LOG_ERR, r, "Cannot start");
        return manager_run(manager);
}

int main(int argc, char **argv) {
        enum scope scope = SCOPE_SYSTEM;
        int r;

        memory_set_up();
        log_open();
        r = parse_options(argc, argv, &scope);
        if (r <= 0)
                return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        return run(scope) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
