/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "internal.h"
#include "row.h"
#include "valid.h"

void row_fail(struct row *row, int error) {
        if (row->error == 0)
                row->error = error;
}

/* Copies what the column holds; NULL and an error where it is none of that type. */
static const char *copy_column(struct row *row, int type, size_t max) {
        int i = row->column++;
        const void *data;
        size_t length;
        char *copy;

        if (sqlite3_column_type(row->stmt, i) != type) {
                row_fail(row, -EBADMSG);
                return NULL;
        }
        data = type == SQLITE_BLOB ? sqlite3_column_blob(row->stmt, i) : sqlite3_column_text(row->stmt, i);
        length = (size_t) sqlite3_column_bytes(row->stmt, i);
        if (!data && (type == SQLITE_TEXT || length > 0)) {
                row_fail(row, -ENOMEM);
                return NULL;
        }
        if (length > max || (length > 0 && memchr(data, '\0', length))) {
                row_fail(row, -EBADMSG);
                return NULL;
        }
        copy = arena_copy(row->arena, data, length);
        if (!copy)
                row_fail(row, -ENOMEM);
        return copy;
}

static bool skip_null(struct row *row) {
        if (sqlite3_column_type(row->stmt, row->column) != SQLITE_NULL)
                return false;
        row->column++;
        return true;
}

const char *row_text(struct row *row, size_t max) {
        const char *text = copy_column(row, SQLITE_TEXT, max);

        if (!text)
                return "";
        if (!valid_utf8(text, strlen(text)))
                row_fail(row, -EBADMSG);
        return text;
}

const char *row_text_or_null(struct row *row, size_t max) {
        return skip_null(row) ? NULL : row_text(row, max);
}

const char *row_bytes_or_null(struct row *row, size_t max) {
        return skip_null(row) ? NULL : copy_column(row, SQLITE_BLOB, max);
}

uint64_t row_bits(struct row *row) {
        int i = row->column++;

        if (sqlite3_column_type(row->stmt, i) != SQLITE_INTEGER) {
                row_fail(row, -EBADMSG);
                return 0;
        }
        return (uint64_t) sqlite3_column_int64(row->stmt, i);
}

/* What is negative is far beyond any max. */
uint64_t row_number(struct row *row, uint64_t max) {
        uint64_t number = row_bits(row);

        if (number <= max)
                return number;
        row_fail(row, -EBADMSG);
        return 0;
}

uint64_t row_number_or(struct row *row, uint64_t max, uint64_t otherwise) {
        return skip_null(row) ? otherwise : row_number(row, max);
}

uint8_t row_exposure(struct row *row) {
        return (uint8_t) row_number_or(row, 100, STORE_NO_EXPOSURE);
}

const char *row_id(struct row *row) {
        const char *id = row_text(row, ID_LENGTH);

        if (!valid_id(id))
                row_fail(row, -EBADMSG);
        return id;
}

/* 1 with *at moved on, 0 at the end, -EBADMSG for a bad row, likewise with *at moved on. */
static int next_or_bad(struct store *store, enum statement id, const char *unit, int64_t *at,
                       struct arena *arena, row_read_fn read, void *ret) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        struct row row;
        int r;

        r = statement_start(store, id, (const struct value[]) {
                                    value_number((uint64_t) *at), value_text(unit) }, unit ? 2 : 1, &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        if (r <= 0)
                return r;
        /* What is out of order would never end. */
        if (sqlite3_column_int64(stmt, 0) <= *at)
                return -EUCLEAN;
        *at = sqlite3_column_int64(stmt, 0);
        row = (struct row) { .stmt = stmt, .arena = arena, .column = 1 };
        read(&row, ret);
        return row.error < 0 ? row.error : 1;
}

int row_next(struct store *store, enum statement id, const char *unit, int64_t *at, struct arena *arena,
             row_read_fn read, void *ret) {
        int r;

        while ((r = next_or_bad(store, id, unit, at, arena, read, ret)) == -EBADMSG)
                store->bad_rows++;
        return r;
}
