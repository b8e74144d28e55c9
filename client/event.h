/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/* The arguments of every signal of the manager that tells of an event. */
#define EVENT_SIGNATURE "stsasdda(stt)a(sstas)"

/* What stands for "not applicable" on the bus. */
#define EVENT_NOT_APPLICABLE 255

struct event_check {
        const char *json_field;
        uint64_t before, after; /* badness, or EVENT_NOT_APPLICABLE */
};

struct event_cause {
        const char *path, *change;
        uint64_t time;
        char **lines;           /* owned */
};

/* Something that happened to a unit. The texts are those of the message, the arrays are owned. */
struct event {
        char *kind;             /* the name of the signal in lower case; owned */
        const char *id, *unit;
        uint64_t time;          /* microseconds since 1970 */
        char **units;           /* all that the cause hit; owned */
        unsigned before, after; /* tenths */
        struct event_check *checks;
        size_t n_checks;
        struct event_cause *causes;
        size_t n_causes;
};

/*
 * Reads a signal. Returns 1, or 0 where it is none that tells of an event, or a negative errno;
 * event_done() is due in any case.
 */
int event_read(struct event *event, sd_bus_message *message);
void event_done(struct event *event);
