/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "reader.h"

/*
 * What scan asks of a reader, kept for the test to look at and to answer. Link it into a test whose
 * objects would pull in the real one.
 */
#define FAKE_NAMES_MAX 1024U

struct reader {
        bool listing;
        bool list_fails;        /* the call cannot be made */
        bool full;              /* the list under way is of all units */
        char list_names[FAKE_NAMES_MAX][64];    /* else of these */
        size_t n_list_names;
        char reads[READER_CALLS_MAX][64];       /* units that are being read, the first longest */
        unsigned ids[READER_CALLS_MAX];         /* each read has another one */
        size_t n_reads;
        unsigned n_lists, n_reads_ever;
};

/* A unit is read no more. Fails the test where it is not being read. */
void fake_reader_end(struct reader *reader, const char *name);
