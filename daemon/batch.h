/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <exposured/assessment.h>

#include "store/store.h"
#include "event.h"
#include "ledger.h"

/*
 * Batch: what is kept in one transaction. Filled in the event loop, run in the archive's thread,
 * where the causes are found, and taken apart in the event loop again.
 */

/* What is to be kept of one entry. */
struct item {
        char *key;
        char *files_key;                /* whose files it had before; NULL: its own */
        bool told;                      /* there is something to tell */
        enum event_type type;
        char **units;                   /* that were hit in the same way */
        struct difference difference;
        uint8_t before, after;
        bool open;                      /* a regression is open afterwards */
        uint64_t since;                 /* of the regression; realtime, µs */

        /* As it is afterwards. */
        bool keep;                      /* baseline and files are written */
        bool gone;                      /* the unit was removed: its files are forgotten */
        struct facts baseline, settled;
        struct assessment composite;
        bool is_composite;
        uint64_t taken, seen, files_signature;
        uint64_t until;                 /* an acceptance ends then, and this baseline comes back; 0: none */
        struct facts before_acceptance;
        char acceptance_id[EVENT_ID_SIZE];
        char *fragment_path;
        char **drop_in_paths;

        struct event *event;            /* set by the run: what tells it */
        size_t n_added;                 /* of the units, in the event */
        bool complete;                  /* the event has all there is to tell of it */
};

/* One who waits until a batch is kept. Told once: 0, why it could not be kept, or -ECANCELED at the end. */
struct batch_wait {
        void (*fn)(struct batch_wait *wait, int result);
        struct batch_wait *next;
};

#define MODEL_VERSION_SIZE 40U

struct batch {
        struct item *items;
        size_t n_items, n_allocated;
        struct event **events;          /* what is told: given ones first, then those that the run makes */
        size_t n_events;
        char *systemd_version;
        uint8_t new_unit_exposure_max;  /* tenths: a new unit above it is told as an alert */
        bool manager_changed;           /* systemd is another one since the last batch */
        bool announced;                 /* the events were told already */
        bool private;                   /* only the user hears of it whose files these are */
        bool unread;                    /* what the store holds is not known: nothing is written over it */
        bool old_model;                 /* what another model does is still to be told: it is not noted yet */
        char *policy;                   /* to be noted, see policy-text.h; NULL: it is as it was */
        char model_version[MODEL_VERSION_SIZE]; /* what was judged by */
        struct event *upgrade;          /* that event, borrowed: it is one of the events too */
        struct batch_wait *waits;       /* borrowed */
};

struct batch *batch_new(const char *systemd_version, bool private);
/* Who waits still is told -ECANCELED. Takes NULL, returns NULL. */
struct batch *batch_free(struct batch *batch);
DEFINE_CLEANUP(struct batch *, batch_free)

/* An empty item for this key; valid until the next one is added. NULL: out of memory. */
struct item *batch_add(struct batch *batch, const char *key);

/* The last one for this key, or NULL. */
struct item *batch_find(const struct batch *batch, const char *key);

/* Drops the items and events beyond so many. */
void batch_cut(struct batch *batch, size_t n_items, size_t n_events);

/* Where the unit's files are. 0 or -ENOMEM. */
int item_take_paths(struct item *item, const struct unit *unit);

/* What is written of the entry, as it is now. */
void item_take_entry(struct item *item, struct entry *entry);

/* The open regression too, as it was told before. */
void item_take_regression(struct item *item, const struct entry *entry);

/* References the event. */
int batch_add_event(struct batch *batch, struct event *event);

/* Tells all who wait what came of it. */
void batch_end_waits(struct batch *batch, int result);

/* Whether all that is to be told is in an event. Memory that ran out may have kept it from that; run it again. */
bool batch_is_complete(const struct batch *batch);

/*
 * Finds causes, makes events of items that have the same one, and writes all. For archive_submit().
 * The events are there afterwards even where writing failed.
 */
int batch_run(struct store *store, void *data);
