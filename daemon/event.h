/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exposured/assessment.h>
#include <exposured/macro.h>

#include "store/store.h"
#include "cause.h"

/* What happened. Each is a signal of the Manager interface and a word in the client's output. */
enum event_type {
        EVENT_REGRESSED,
        EVENT_IMPROVED,
        EVENT_CHANGED,
        EVENT_APPEARED,
        EVENT_GONE,
        EVENT_ACCEPTED,
        EVENT_MODEL,
        _EVENT_TYPE_MAX,
};

#define EVENT_ID_SIZE 33U

/*
 * How an event hit one unit. Where the model changed, checks are what that did; if the unit's settings
 * changed too, rated is the exposure between the two, and own_checks are what the settings did.
 */
struct event_unit {
        char *unit;
        uint8_t before, after;          /* exposure, tenths */
        struct check_change *checks;
        size_t n_checks;
        bool changed;                   /* what follows is set */
        uint8_t rated;                  /* tenths */
        struct check_change *own_checks;
        size_t n_own_checks;
};

/* Something that was, or is about to be, told: the same in the signal, the journal and the history. */
struct event {
        unsigned n_ref;
        enum event_type type;
        char id[EVENT_ID_SIZE];
        uint64_t time;                  /* realtime, µs */
        char *unit;                     /* the unit or template it is about; "" for the model */
        uint8_t before, after;          /* exposure of the unit that was hit worst, tenths */
        struct event_unit *units;       /* the one hit worst first */
        size_t n_units;
        struct causes causes;
        char *systemd_version;
        uint32_t uid;                   /* who accepted; UINT32_MAX: nobody */
        char *reason;
        uint64_t until;                 /* an acceptance ends then; 0: never */
        bool met;                       /* by a walk through the ledger, in which it is open; the ledger's */
};

/* With an id of its own and no units. NULL: out of memory. */
struct event *event_new(enum event_type type, const char *unit, const char *systemd_version);
struct event *event_ref(struct event *event);
/* Takes NULL, returns NULL. */
struct event *event_unref(struct event *event);
DEFINE_CLEANUP(struct event *, event_unref)

/* Adds a unit; the one hit worst is kept first. 0 or -ENOMEM. */
int event_add_unit(struct event *event, const char *unit, uint8_t before, uint8_t after,
                   const struct check_change *checks, size_t n_checks);

/*
 * To an event of the model: the settings of a unit, which may be hit already, changed at the same time.
 * before is its exposure under the new model. 0 or -ENOMEM.
 */
int event_add_change(struct event *event, const char *unit, uint8_t before, uint8_t after,
                     const struct check_change *checks, size_t n_checks);

/* Of an event of the model. */
struct event_counts {
        size_t n_rated;                 /* units that the model alone rates differently */
        size_t n_changed;               /* units whose settings changed */
        size_t n_weaker;                /* of those, with checks that got worse */
        size_t n_stronger;              /* of those, with better ones and no worse */
};
struct event_counts event_count(const struct event *event);

/* "regressed" and so on; the D-Bus member. -1 where there is no such event. */
const char *event_type_to_string(enum event_type type);
const char *event_type_to_member(enum event_type type);
int event_type_from_string(const char *text);

/*
 * To the store and back; model_version: what was judged by, or NULL. event_from_store() gives NULL where memory is out
 * or the type is unknown.
 */
int event_store(struct store *store, const struct event *event, const char *model_version);
struct event *event_from_store(const struct store_event *stored);
