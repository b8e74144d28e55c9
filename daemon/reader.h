/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "reading.h"

/*
 * Reader: asks systemd about units, asynchronously. With more than four calls in flight a sweep is
 * no faster, but others wait longer for systemd.
 */
#define READER_CALLS_MAX 4U
/*
 * Units are read in batches of so many: first what each of them is set to, then the rest of all. With calls of a kind
 * one after the other, bus and systemd are woken less often.
 */
#define READER_UNITS_MAX 32U

/* How a read ended. */
enum read_result {
        READ_DONE,      /* the reading is complete */
        READ_REFUSED,   /* systemd answered with an error, or not in time */
        READ_INVALID,   /* the answer is not what it should be; another one will not come */
        READ_NO_MEMORY,
};

/* What is read. */
enum read_kind {
        READ_LOADED,    /* a unit that is loaded, as cheaply as can be */
        READ_LOOKUP,    /* any unit; systemd loads it for this, and Id and LoadState are read too */
        _READ_KIND_MAX,
};

struct reader_ops {
        /* One more call may be made now, until reader_has_room() is false. */
        void (*has_room)(void *userdata);
        /* One service unit of the list that was asked for. */
        void (*unit_listed)(void *userdata, const char *name, bool loaded);
        /* The list is through. error: negative errno, then the rows so far mean nothing. */
        void (*list_ended)(void *userdata, int error);
        /*
         * The reading is the reader's; take from it what is wanted. The problem is the name of an
         * error or of a property, NULL where there is none. One op for each kind.
         */
        void (*read_ended[_READ_KIND_MAX])(void *userdata, const char *name, enum read_result result,
                                           struct reading *reading, const char *problem);
};

struct reader;

int reader_new(struct reader **ret, sd_bus *bus, uint64_t timeout_usec, const struct reader_ops *ops,
               void *userdata);

/* Takes NULL, returns NULL. No op is called any more. */
struct reader *reader_free(struct reader *reader);

/* For calls made from now on, in µs. */
void reader_set_timeout(struct reader *reader, uint64_t timeout_usec);

/*
 * Asks for the loaded service units; with names only for these (at most as many as READER_NAMES_MAX).
 * -EBUSY while a list is under way, and where there is no room.
 */
#define READER_NAMES_MAX 16U
int reader_list(struct reader *reader, char *const *names);

/* Whether one more call may be made: a list, or a read. */
bool reader_has_room(struct reader *reader);

/* Reads a unit. -EBUSY where there is no room. */
int reader_read(struct reader *reader, enum read_kind kind, const char *name);

/* Drops the read of that unit and kind, if there is one; no read_ended() is called for it. */
void reader_drop(struct reader *reader, enum read_kind kind, const char *name);

/* Drops all that is under way; no op is called for it. */
void reader_cancel(struct reader *reader);

struct reader_counters {
        uint64_t calls, failed_calls, reads;
};
const struct reader_counters *reader_counters(const struct reader *reader);
