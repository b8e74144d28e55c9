/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include <exposured/macro.h>

struct store;

enum statement {
        STATEMENT_TEXT_PUT,
        STATEMENT_TEXT_GET,
        STATEMENT_BASELINE_PUT,
        STATEMENT_BASELINE_TOUCH,
        STATEMENT_BASELINE_REMOVE,
        STATEMENT_BASELINE_NEXT,
        STATEMENT_FILE_PUT,
        STATEMENT_FILE_REMOVE,
        STATEMENT_FILE_CONTENTS,
        STATEMENT_FILE_NEXT,
        STATEMENT_CONTENT_FIND,
        STATEMENT_CONTENT_PUT,
        STATEMENT_CONTENT_REMOVE,
        STATEMENT_REGRESSION_PUT,
        STATEMENT_REGRESSION_REMOVE,
        STATEMENT_REGRESSION_NEXT,
        STATEMENT_ACCEPTANCE_PUT,
        STATEMENT_ACCEPTANCE_REMOVE,
        STATEMENT_ACCEPTANCE_NEXT,
        STATEMENT_EVENT_PUT,
        STATEMENT_EVENT_UNIT_PUT,
        STATEMENT_EVENT_CAUSE_PUT,
        STATEMENT_EVENT_MARK,
        STATEMENT_EVENT_FIND,
        STATEMENT_EVENT_GET,
        STATEMENT_EVENT_COUNT_UNITS,
        STATEMENT_EVENT_UNITS,
        STATEMENT_EVENT_COUNT_CAUSES,
        STATEMENT_EVENT_CAUSES,
        STATEMENT_EVENT_REMOVE,
        STATEMENT_HISTORY,
        STATEMENT_HISTORY_OF_UNIT,
        STATEMENT_UNANNOUNCED,
        STATEMENT_PRUNE_COUNT_EVENTS,
        STATEMENT_PRUNE_EVENTS_OLD,
        STATEMENT_PRUNE_EVENTS_LESSER,
        STATEMENT_PRUNE_EVENTS,
        STATEMENT_PRUNE_COUNT_BASELINES,
        STATEMENT_PRUNE_BASELINES,
        STATEMENT_PRUNE_FILES,
        _STATEMENT_MAX,
};

/* A value that a statement is given, in the order of its parameters. */
struct value {
        enum {
                VALUE_NULL,
                VALUE_NUMBER,
                VALUE_TEXT,
                VALUE_BLOB,
        } type;
        int64_t number;
        const void *data;
        size_t length;
};

/* Texts are not copied: they have to stay until the statement is done. NULL is SQL's. */
struct value value_text(const char *text);
struct value value_blob(const char *bytes);
struct value value_number(uint64_t number);
struct value value_null(void);

#define VALUES(...) \
        (const struct value[]) { __VA_ARGS__ }, ELEMENTSOF(((const struct value[]) { __VA_ARGS__ }))

/* The text of a statement, for tests. */
const char *statement_sql(enum statement id);

/* Whether the schema has what every statement needs: 0, or -EUCLEAN. */
int statements_check(sqlite3 *db);

/*
 * Gives a statement with its values bound. It is the store's, and has to be let go with
 * statement_done() before it can be started again: -EBUSY.
 */
int statement_start(struct store *store, enum statement id, const struct value *values, size_t n_values,
                    sqlite3_stmt **ret);

/* 1 where there is a row, 0 at the end. */
int statement_step(sqlite3_stmt *stmt);

static inline sqlite3_stmt *statement_done(sqlite3_stmt *stmt) {
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return NULL;
}
DEFINE_CLEANUP(sqlite3_stmt *, statement_done)

/* Starts, steps once and lets go. *ret is the number in the first column. 1, or 0 where there is no row. */
int statement_get_number(struct store *store, enum statement id, const struct value *values, size_t n_values,
                         int64_t *ret);

/*
 * A change, within a transaction, that gives no rows. What fails makes the transaction fail; only
 * statement_try() lets it go on after -EEXIST.
 */
int statement_run(struct store *store, enum statement id, const struct value *values, size_t n_values);
int statement_try(struct store *store, enum statement id, const struct value *values, size_t n_values);
