/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake-reader.h"
#include "fake-timer.h"
#include "scan.h"
#include "suite.h"

/* A fixture: a scan with a reader that answers when the test says so, and what it told. */

#define SETTLE (20 * USEC_PER_MSEC)
#define PROOF (10 * USEC_PER_SEC)

struct scan_fixture {
        struct unit_table units;
        struct scan *scan;
        struct reader reader;
        char **read, **gone;    /* names that were told */
        unsigned n_stale, n_sweeps, n_restarted, n_state;
        uint64_t duration;      /* of the last sweep */
};
extern struct scan_fixture t;

void scan_set_up(void);
void scan_tear_down(void);

/* Answers the list that is under way with these loaded units, up to NULL. */
void list_names(const char *const *names);
#define LIST(...) list_names((const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

/* Ends the read of a unit. */
void end_read(const char *name, enum read_result result);

/* Reads whatever is wanted, until nothing is. */
void read_all(void);

/* What was told so far, and the numbers, are as if nothing had happened. */
void forget(void);

/* A scan that has swept these units, and rested. */
void start_names(const char *const *names);
#define START(...) start_names((const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

/* The list that is under way asks for just these, in any order. */
void asked_names(const char *const *names);
#define ASKED(...) asked_names((const char *const[]) { __VA_ARGS__, NULL })
