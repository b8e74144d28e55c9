/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "direct.h"
#include "reader.h"
#include "strv.h"
#include "timer.h"

#define TIMEOUT (100 * USEC_PER_SEC)

/* A row of a list of units. */
#define ROW(name, state) name, "d", state, "active", "running", "", "/u", 0, "", "/"

/* A reader, systemd at the far end of its connection, and what the reader told. */
struct reader_fixture {
        struct direct direct;
        struct reader *reader;
        char **listed;          /* names that were listed; with "!" before those that are not loaded */
        unsigned n_lists;
        int list_error;
        char **read;            /* names that were read */
        enum read_kind kind;    /* of the last one */
        enum read_result result;
        char *problem;
        struct facts facts;
        char *id, *fragment_path;
        size_t n_drop_ins;
        bool had_room;          /* there was room for another call */
        bool told_with_room;    /* before what was read last was told */
        unsigned n_wanted;      /* units that are read when there is room */
        unsigned n_begun;       /* of them */
};

extern struct reader_fixture t;

void set_up(void);
void tear_down(void);

/* Begins to read the units that are wanted, as far as there is room. */
void begin_wanted(void *userdata);
