/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <exposured/assessment.h>
#include <exposured/facts.h>

#include "strv.h"

/* The longest name that systemd gives a unit, with its end. */
#define UNIT_NAME_SIZE 256U

struct entry;

/* A loaded service unit and what is known of it. */
struct unit {
        char *name;
        char *fragment_path;    /* NULL where there is none */
        char **drop_in_paths;
        struct facts facts;
        const struct model *model;      /* by which the facts are assessed; the manager's */
        struct entry *entry;            /* what is remembered of it; the ledger's */
        uint64_t files_signature;       /* of what it was read from */
        uint8_t exposure;               /* of the facts, tenths */
        uint8_t told_baseline;          /* what the bus was told of its entry */
        bool told_regressed;
        uint64_t unsettled;             /* monotonic, µs: since when it has not settled */
        uint64_t changed;               /* monotonic, µs: when what is not told yet began; 0: nothing is */
        uint64_t since;         /* realtime, µs: the checks have not changed from then on */
        uint64_t last_read;     /* realtime, µs */
        bool assessed : 1;      /* facts and exposure are there; only then it is shown */
        bool stale : 1;         /* may have changed, and could not be read since */
        bool unproven : 1;      /* may have changed, and was not read since */
        bool queued : 1;        /* waits to be read */
        bool reading : 1;       /* is being read */
        bool read_again : 1;    /* once that has ended */
        bool doubtful : 1;      /* the manager said something of it: is it loaded still? */
        bool asked : 1;         /* the list that is being read answers for it */
        bool listed : 1;        /* seen in that list */
        bool dirty : 1;         /* to be read if it is */
        struct unit *queue_next;
};

struct unit *unit_new(const char *name);

/* Takes NULL, returns NULL. */
struct unit *unit_free(struct unit *unit);

/* Whether the name is that of a service unit: valid to systemd, no template, ends in ".service". */
bool unit_name_is_service(const char *name);

/*
 * The same for a template: "foo@.service". Its instance that stands for it is put into instance,
 * as systemd-analyze does.
 */
bool unit_name_is_template(const char *name);
int unit_name_instantiate(const char *template, char instance[static UNIT_NAME_SIZE]);

/* The template of an instance: "foo@bar.service" is one of "foo@.service". False where it is none. */
bool unit_name_template(const char *name, char template[static UNIT_NAME_SIZE]);

/* Whether systemd-run made the name up: such a unit does not come again. */
bool unit_name_is_passing(const char *name);

/* Whether a file of its settings is this unit's alone, and not its template's or all units'. */
bool unit_has_own_files(const struct unit *unit);

/* Units sorted by name. Owns them. */
struct unit_table {
        struct unit **units;
        size_t n_units, n_allocated;
};

/* Frees all units. Takes NULL. */
void unit_table_done(struct unit_table *table);

/* The unit of that name, or NULL. */
struct unit *unit_table_get(const struct unit_table *table, const char *name);

/* The unit of that name, new if need be. NULL: out of memory. */
struct unit *unit_table_add(struct unit_table *table, const char *name);

/* Takes it out without freeing it. */
void unit_table_take(struct unit_table *table, const struct unit *unit);
