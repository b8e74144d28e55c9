/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include <exposured/bus.h>

/* The arguments of every signal of the manager that tells of an event. */
#define EVENT_SIGNATURE EXPOSURED_EVENT_SIGNATURE

/* What stands for "not applicable" on the bus. */
#define EVENT_NOT_APPLICABLE 255
#define EVENT_NO_UID UINT32_MAX

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
        char *kind;             /* "regressed" and so on; owned */
        const char *id, *unit;
        uint64_t time;          /* microseconds since 1970 */
        char **units;           /* all that the cause hit; owned */
        unsigned before, after; /* tenths */
        struct event_check *checks;
        size_t n_checks;
        struct event_cause *causes;
        size_t n_causes;
        struct event_hits *hits;        /* see hits.h; owned, NULL: not asked for */

        /* Of an acceptance, in a row of the history. */
        const char *reason;     /* NULL: there is none */
        uint32_t uid;           /* EVENT_NO_UID: there is none */
        uint64_t until;         /* 0: for good */
};

/* For what reads arrays into an event. Makes room for one element more; appends the checks of a list. */
int event_grow(void *array, size_t n, size_t size);
int event_read_checks(sd_bus_message *m, struct event_check **checks, size_t *n_checks);

/*
 * Reads a signal. Returns 1, or 0 where it is none that tells of an event, or a negative errno;
 * event_done() is due in any case.
 */
int event_read(struct event *event, sd_bus_message *message);
void event_done(struct event *event);

/* Whether it tells of a new unit that is above the limit for these, and so is an alert. */
bool event_is_above_limit(const struct event *event);

typedef int (*event_fn)(const struct event *event, void *userdata);

/*
 * Calls fn for each row that ListRegressions answered, at most so many of them, one in memory at a time.
 * Returns 0, or a negative errno; that of fn ends it.
 */
int event_each_regression(sd_bus_message *answer, size_t max, event_fn fn, void *userdata);

/* Events of one or more answers, which are kept. */
struct event_list {
        struct event *events;
        size_t n_events;
        sd_bus_message **messages;
        size_t n_messages;
};

/*
 * Append what ListRegressions or GetHistory answered; of a regression the time is since when, and
 * there is no kind. Return how many there were, or a negative errno; event_list_done() is due in any
 * case.
 */
int event_list_read_regressions(struct event_list *list, sd_bus_message *answer);
int event_list_read_history(struct event_list *list, sd_bus_message *answer);
void event_list_done(struct event_list *list);
