/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "internal.h"
#include "row.h"
#include "valid.h"

/* The contents that a unit's files had, to be dropped where nobody else has them. */
struct contents {
        int64_t *rows;
        size_t n;
};

static void contents_done(struct contents *contents) {
        free(contents->rows);
}

static int contents_get(struct store *store, const char *unit, struct contents *ret) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        r = statement_start(store, STATEMENT_FILE_CONTENTS, VALUES(
                                    value_text(unit), value_number(STORE_FILES_MAX)), &stmt);
        if (r < 0)
                return r;
        while ((r = statement_step(stmt)) > 0) {
                if (!ret->rows) {
                        ret->rows = calloc(STORE_FILES_MAX, sizeof(ret->rows[0]));
                        if (!ret->rows)
                                return -ENOMEM;
                }
                if (ret->n == STORE_FILES_MAX)
                        return -EUCLEAN;
                ret->rows[ret->n++] = sqlite3_column_int64(stmt, 0);
        }
        return r;
}

static int contents_remove_unshared(struct store *store, const struct contents *contents) {
        for (size_t i = 0; i < contents->n; i++) {
                int r;

                r = statement_run(store, STATEMENT_CONTENT_REMOVE, VALUES(
                                          value_number((uint64_t) contents->rows[i])));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* FNV-1a: only to find candidates, which are compared. */
static uint64_t content_hash(const char *content) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (; *content; content++)
                hash = (hash ^ (unsigned char) *content) * UINT64_C(0x100000001b3);
        return hash;
}

/* The row of that content, which is added where there is none. */
static int content_put(struct store *store, const char *content, int64_t *ret_row) {
        uint64_t hash = content_hash(content);
        int r;

        r = statement_get_number(store, STATEMENT_CONTENT_FIND, VALUES(
                                         value_number(hash), value_blob(content)), ret_row);
        if (r < 0)
                return store_fail(store, r);
        if (r > 0)
                return 0;
        r = statement_run(store, STATEMENT_CONTENT_PUT, VALUES(value_number(hash), value_blob(content)));
        if (r >= 0)
                *ret_row = sqlite3_last_insert_rowid(store->db);
        return r;
}

static int file_put(struct store *store, const char *unit, const struct store_file *file) {
        struct value content = value_null();
        int64_t row;
        int r;

        if (file->content) {
                r = content_put(store, file->content, &row);
                if (r < 0)
                        return r;
                content = value_number((uint64_t) row);
        }
        return statement_run(store, STATEMENT_FILE_PUT, VALUES(
                                     value_text(unit),
                                     value_blob(file->path),
                                     value_blob(file->target),
                                     content,
                                     value_number(file->mtime_nsec),
                                     value_number(file->inode),
                                     value_number(file->size)));
}

static bool bounded(const char *text, size_t max) {
        return strlen(text) <= max;
}

static bool file_is_valid(const struct store_file *file) {
        return file->path && *file->path && bounded(file->path, STORE_PATH_MAX) &&
                (!file->target || bounded(file->target, STORE_PATH_MAX)) &&
                (!file->content || bounded(file->content, STORE_CONTENT_MAX));
}

int store_put_files(struct store *store, const char *unit, const struct store_file *files, size_t n_files) {
        _cleanup_(contents_done) struct contents contents = {};
        int r;

        if (!valid_name(unit, STORE_UNIT_MAX) || n_files > STORE_FILES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n_files; i++)
                if (!file_is_valid(files + i))
                        return -EINVAL;
        r = store_changing(store);
        if (r < 0)
                return r;
        r = contents_get(store, unit, &contents);
        if (r < 0)
                return store_fail(store, r);
        r = statement_run(store, STATEMENT_FILE_REMOVE, VALUES(value_text(unit)));
        for (size_t i = 0; r >= 0 && i < n_files; i++)
                r = file_put(store, unit, files + i);
        return r < 0 ? r : contents_remove_unshared(store, &contents);
}

int store_forget_files(struct store *store, const char *unit) {
        return store_put_files(store, unit, NULL, 0);
}

static void file_read(struct row *row, void *ret) {
        struct store_file *file = ret;
        bool without_content;

        *file = (struct store_file) {};
        file->path = row_bytes_or_null(row, STORE_PATH_MAX);
        file->target = row_bytes_or_null(row, STORE_PATH_MAX);
        file->content = row_bytes_or_null(row, STORE_CONTENT_MAX);
        file->mtime_nsec = row_bits(row);
        file->inode = row_bits(row);
        file->size = row_bits(row);
        without_content = row_number(row, 1);
        if (!file->path || *file->path == '\0' || !file->content != without_content)
                row_fail(row, -EBADMSG);
}

int store_each_file(struct store *store, const char *unit, store_file_fn fn, void *userdata) {
        int64_t at = INT64_MIN;

        if (!valid_name(unit, STORE_UNIT_MAX))
                return -EINVAL;
        for (;;) {
                _cleanup_(arena_done) struct arena arena = {};
                struct store_file file;
                int r;

                r = row_next(store, STATEMENT_FILE_NEXT, unit, &at, &arena, file_read, &file);
                if (r <= 0)
                        return r;
                r = fn(userdata, &file);
                if (r < 0)
                        return r;
        }
}
