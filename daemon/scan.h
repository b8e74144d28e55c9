/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "reader.h"
#include "unit.h"

/*
 * Scan: decides what systemd is asked, and when. It keeps the table of units equal to what is
 * loaded: membership comes from systemd's list alone, never from counting its signals.
 */
struct scan_ops {
        /* A unit was read; the reading is the scan's, take from it what is wanted. */
        void (*unit_read)(void *userdata, struct unit *unit, struct reading *reading);
        /* unit->stale is different. */
        void (*unit_stale)(void *userdata, struct unit *unit);
        /* It is loaded no more; after this it is taken out of the table and freed. */
        void (*unit_gone)(void *userdata, struct unit *unit);
        /* What began then (monotonic, µs) was cut off before it had ended, and begins again now. */
        void (*sweep_restarted)(void *userdata, uint64_t began, uint64_t now);
        /* Every unit was read, or tried, that was loaded when the sweep began. */
        void (*sweep_done)(void *userdata, uint64_t duration_usec);
        /* Something of scan_state() is different. */
        void (*state_changed)(void *userdata);
};

struct scan;

/* The table is the caller's and outlives the scan; the scan adds to it and takes out of it. */
int scan_new(struct scan **ret, sd_event *event, struct unit_table *table, unsigned units_max,
             const struct scan_ops *ops, void *userdata);

/* Takes NULL, returns NULL. */
struct scan *scan_free(struct scan *scan);

/* From now on systemd may be asked through the reader: everything is read. NULL: it may not. */
void scan_set_reader(struct scan *scan, struct reader *reader);

/* Does what can be done now: there may be room in the reader again. */
void scan_advance(struct scan *scan);

/* The earliest moment at which what is read now can have changed; monotonic, µs. */
uint64_t scan_change_began(const struct scan *scan);

/* For units that are not in the table yet. */
void scan_set_units_max(struct scan *scan, unsigned units_max);

/* Asks for all units to be read again. */
void scan_sweep(struct scan *scan);

/* systemd said that it loaded a unit, or dropped it: what is true has to be asked. */
void scan_unit_loaded(struct scan *scan, const char *name);
void scan_unit_removed(struct scan *scan, const char *name);

/* The state of a unit changed: of interest only for one that was not loaded before. */
void scan_unit_changed(struct scan *scan, const char *name);

/* A unit's settings may have changed without a word of systemd. */
void scan_read_again(struct scan *scan, const char *name);

/* For reader_ops. */
void scan_unit_listed(struct scan *scan, const char *name, bool loaded);
void scan_list_ended(struct scan *scan, int error);
void scan_read_ended(struct scan *scan, const char *name, enum read_result result, struct reading *reading,
                     const char *problem);

struct scan_state {
        bool sweeping;          /* a sweep is wanted or under way */
        bool failed;            /* the last list could not be had; it is tried again */
        unsigned n_stale;       /* units that could not be read since they may have changed */
        bool overflow;          /* more units than may be kept */
        uint64_t sweeps;        /* so many ended */
};
const struct scan_state *scan_state(const struct scan *scan);
