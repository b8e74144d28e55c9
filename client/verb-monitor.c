/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/bus.h>

#include "bus.h"
#include "cleanup.h"
#include "event.h"
#include "hits.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "render/events.h"
#include "report.h"
#include "verbs.h"

#define BUS_DRIVER "org.freedesktop.DBus"
#define OWNER_MATCH                                                                  \
        "type='signal',sender='" BUS_DRIVER "',path='/org/freedesktop/DBus',"        \
        "interface='" BUS_DRIVER "',member='NameOwnerChanged',arg0='" EXPOSURED_BUS_NAME "'"

/* How long to wait before the bus is tried again, in microseconds; twice as long each time. */
#define FIRST_DELAY UINT64_C(50000)
#define LAST_DELAY UINT64_C(10000000)

struct monitor {
        const struct options *options;
        struct output *output;
        sd_event *event;
        sd_bus *bus;
        sd_event_source *retry;
        char *owner;            /* exposured's unique name; NULL: it is not there */
        uint64_t delay;
};

static void monitor_done(struct monitor *m) {
        sd_event_source_disable_unref(m->retry);
        sd_bus_close_unref(m->bus);
        sd_event_unref(m->event);
        free(m->owner);
}

static void notice(const struct monitor *m, const char *sentence) {
        if (!m->options->quiet)
                report("%s", sentence);
}

static int quit(struct monitor *m, enum status status) {
        return sd_event_exit(m->event, (int) status);
}

static int fail(struct monitor *m, int error, const char *what) {
        report_errno(error, what);
        return quit(m, STATUS_FAILURE);
}

static int print_event(struct monitor *m, const struct event *event) {
        _cleanup_json_ json_object *object = NULL;

        if (m->options->json == JSON_OFF) {
                event_print(event, m->output);
                return 0;
        }
        object = event_to_json(event);
        return object ? json_print(object, m->options->json, m->output->stream) : -ENOMEM;
}

/* Anybody may send a signal to us alone, whatever was subscribed to: only those of exposured count. */
static bool is_from_exposured(const struct monitor *m, sd_bus_message *message) {
        const char *sender = sd_bus_message_get_sender(message);

        return m->owner && sender && streq(sender, m->owner);
}

static int on_event(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct monitor *m = userdata;
        _cleanup_(event_done) struct event event = {};
        int r;

        (void) error;

        if (!is_from_exposured(m, message))
                return 0;
        r = event_read(&event, message);
        if (r < 0)
                report_errno(r, "Cannot read a signal of exposured");
        if (r <= 0)
                return 0;

        if (streq(event.kind, "model"))
                r = event_ask_hits(&event, m->bus);
        if (r >= 0)
                r = print_event(m, &event);
        if (r >= 0)
                r = output_flush(m->output);
        if (r == -EPIPE)
                return quit(m, STATUS_DONE);
        return r < 0 ? fail(m, r, "Cannot print an event") : 0;
}

static int set_owner(struct monitor *m, const char *owner) {
        char *copy = *owner ? strdup(owner) : NULL;

        if (*owner && !copy)
                return -ENOMEM;
        free(m->owner);
        m->owner = copy;
        return 0;
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct monitor *m = userdata;
        const char *sender = sd_bus_message_get_sender(message), *name, *before, *after;
        bool was_there = m->owner;
        int r;

        (void) error;

        if (!sender || !streq(sender, BUS_DRIVER))
                return 0;
        r = sd_bus_message_read(message, "sss", &name, &before, &after);
        if (r < 0 || !streq(name, EXPOSURED_BUS_NAME) || streq(after, m->owner ?: ""))
                return 0;

        r = set_owner(m, after);
        if (r < 0)
                return fail(m, r, "Cannot follow exposured");
        if (!m->owner)
                notice(m, "exposured left the bus; waiting for it to come back.");
        else if (!was_there)
                notice(m, "exposured is back; changes in between are not shown.");
        return 0;
}

static int retry_later(struct monitor *m) {
        int r = sd_event_source_set_time_relative(m->retry, m->delay);

        m->delay = m->delay * 2 < LAST_DELAY ? m->delay * 2 : LAST_DELAY;
        if (r >= 0)
                r = sd_event_source_set_enabled(m->retry, SD_EVENT_ONESHOT);
        return r < 0 ? fail(m, r, "Cannot wait for the bus") : 0;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        struct monitor *m = userdata;

        (void) message;
        (void) error;

        notice(m, "The connection to the bus broke; waiting for it to come back.");
        m->delay = FIRST_DELAY;
        return retry_later(m);
}

/* Finds out who exposured is on this bus, if it is there. */
static int find_owner(struct monitor *m) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *credentials = NULL;
        const char *owner;
        int r = sd_bus_get_name_creds(m->bus, EXPOSURED_BUS_NAME, SD_BUS_CREDS_UNIQUE_NAME, &credentials);

        if (r == -ENXIO)
                return set_owner(m, "");
        if (r >= 0)
                r = sd_bus_creds_get_unique_name(credentials, &owner);
        return r < 0 ? r : set_owner(m, owner);
}

static int subscribe(struct monitor *m) {
        int r = sd_bus_add_match(m->bus, NULL, OWNER_MATCH, on_owner_changed, m);

        if (r >= 0)
                r = sd_bus_match_signal(m->bus, NULL, EXPOSURED_BUS_NAME, EXPOSURED_PATH,
                                        EXPOSURED_MANAGER_INTERFACE, NULL, on_event, m);
        if (r >= 0)
                r = sd_bus_match_signal(m->bus, NULL, NULL, "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, m);
        return r;
}

static int reconnect(struct monitor *m) {
        int r;

        m->bus = sd_bus_close_unref(m->bus);
        r = bus_open(m->options, &m->bus);
        if (r >= 0)
                r = subscribe(m);
        if (r >= 0)
                r = find_owner(m);
        return r < 0 ? r : sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
}

static int on_retry(sd_event_source *source, uint64_t time, void *userdata) {
        struct monitor *m = userdata;

        (void) source;
        (void) time;

        if (reconnect(m) < 0)
                return retry_later(m);
        notice(m, m->owner ? "The bus is back, and so is exposured; changes in between are not shown."
                           : "The bus is back; waiting for exposured.");
        return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) source;
        (void) info;

        return quit(userdata, STATUS_DONE);
}

static int on_output_closed(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;

        return quit(userdata, STATUS_DONE);
}

static int set_up_loop(struct monitor *m) {
        int r = sd_event_new(&m->event);

        if (r >= 0)
                r = sd_event_add_time_relative(m->event, &m->retry, CLOCK_MONOTONIC, 0, 0, on_retry, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->retry, SD_EVENT_OFF);
        if (r < 0)
                return r;

        /* Nothing but its closing is of interest; files cannot be watched, and do not close. */
        r = sd_event_add_io(m->event, NULL, STDOUT_FILENO, 0, on_output_closed, m);
        return r == -EPERM ? 0 : r;
}

static int catch_signals(struct monitor *m) {
        sigset_t signals;
        int r;

        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
                return -errno;

        r = sd_event_add_signal(m->event, NULL, SIGINT, on_signal, m);
        return r < 0 ? r : sd_event_add_signal(m->event, NULL, SIGTERM, on_signal, m);
}

/* The first connection. exposured is started if need be; that it cannot be had ends the verb. */
static int start(struct monitor *m) {
        _cleanup_message_ sd_bus_message *properties = NULL;
        int r = bus_connect(m->options, &m->bus);

        if (r < 0)
                return r;
        r = subscribe(m);
        if (r < 0)
                return bus_report_connection(m->options, r);
        r = bus_get_properties(m->bus, m->options, &properties);
        if (r < 0)
                return r;
        r = find_owner(m);
        if (r >= 0)
                r = sd_bus_attach_event(m->bus, m->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? bus_report_connection(m->options, r) : 0;
}

enum status verb_monitor(const struct options *options, struct output *output, char **arguments) {
        _cleanup_(monitor_done) struct monitor m = {
                .options = options,
                .output = output,
                .delay = FIRST_DELAY,
        };
        int r = set_up_loop(&m);

        (void) arguments;

        if (r >= 0 && start(&m) < 0)
                return STATUS_FAILURE;
        if (r >= 0)
                r = catch_signals(&m);
        if (r >= 0) {
                notice(&m, "Waiting for changes.");
                r = sd_event_loop(m.event);
        }
        if (r < 0) {
                report_errno(r, "Cannot wait for changes");
                return STATUS_FAILURE;
        }
        return (enum status) r;
}
