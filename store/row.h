/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "arena.h"
#include "statements.h"

/*
 * A row that is read column by column. What it holds is not trusted: what is of a wrong type, too long or
 * out of range is remembered as -EBADMSG in error, and gives "" or 0. Texts are copied to the arena.
 */
struct row {
        sqlite3_stmt *stmt;
        struct arena *arena;
        int column;             /* the next one */
        int error;
};

/* Each takes the next column. */
const char *row_text(struct row *row, size_t max);
const char *row_text_or_null(struct row *row, size_t max);
const char *row_bytes_or_null(struct row *row, size_t max);
uint64_t row_number(struct row *row, uint64_t max);
uint64_t row_number_or(struct row *row, uint64_t max, uint64_t otherwise);
uint64_t row_bits(struct row *row);
uint8_t row_exposure(struct row *row);
const char *row_id(struct row *row);

/* Remembers the first error. */
void row_fail(struct row *row, int error);

typedef void (*row_read_fn)(struct row *row, void *ret);

/*
 * Reads the next good row: 1, or 0 where there is none. The statement's first parameter and first column
 * are the number of the row; *at is where to go on, at first INT64_MIN. Bad ones are counted.
 */
int row_next(struct store *store, enum statement id, const char *unit, int64_t *at, struct arena *arena,
             row_read_fn read, void *ret);
