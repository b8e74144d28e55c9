/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <exposured/macro.h>

#include "style.h"

/* What may happen to a column where the terminal is too narrow. */
enum shrink {
        SHRINK_NEVER,
        SHRINK_ELIDE,   /* dots replace the middle of what does not fit */
        SHRINK_WRAP,    /* the text goes on in the next line */
};

struct column {
        const char *title;
        bool right;             /* aligned to the right */
        enum shrink shrink;
};

struct table;

/*
 * A table of text cells, filled from left to right and row by row. The columns must outlive it.
 * table_free() takes NULL and returns NULL.
 */
int table_new(const struct column *columns, size_t n_columns, bool utf8, struct table **ret);
struct table *table_free(struct table *table);

/*
 * Adds a cell. The text is copied, and made safe for a terminal. A failure sticks: table_print()
 * returns it too.
 */
int table_add(struct table *table, enum style style, const char *text);

/* The columns of a terminal that it takes in full, headers included or not. */
size_t table_width(const struct table *table, bool header);

/* Fitted into output->columns. Returns 0 or a negative errno. */
int table_print(const struct table *table, const struct output *output, bool header);

DEFINE_CLEANUP(struct table *, table_free)
