/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rows of a database that somebody else wrote. Either the first line is "facts", "badness" or "changes",
 * and the rest one text of that kind; or there are rows: a line with the name of the table, and a line for
 * each column. "i5" is a number, "n" is NULL, "b..." bytes, and anything else, "t..." as a rule, a text.
 */
#include <errno.h>

#include <exposured/macro.h>

#include "event.h"
#include "fuzz.h"
#include "input.h"
#include "snapshot.h"
#include "store/codec.h"
#include "store/internal.h"
#include "store/schema.h"
#include "store/store.h"
#include "utf8.h"

#define TABLES_MAX 16
#define COLUMNS_MAX 32
#define UNIT "a.service"

struct table {
        char name[32];
        int n_columns;
};

static struct {
        struct store store;
        struct table tables[TABLES_MAX];
        size_t n_tables;
} database;

static void run(const char *sql) {
        fuzz_assert(sqlite3_exec(database.store.db, sql, NULL, NULL, NULL) == SQLITE_OK);
}

/* The same columns, but any value is taken, or none, and any number of times. */
static void make_table(const char *name, int n_columns, const char *columns) {
        struct table *table = &database.tables[database.n_tables++];
        char sql[1024];

        fuzz_assert(database.n_tables <= TABLES_MAX && strlen(name) < sizeof(table->name));
        memcpy(table->name, name, strlen(name) + 1);
        table->n_columns = n_columns;
        fuzz_assert(n_columns <= COLUMNS_MAX);
        fuzz_assert(snprintf(sql, sizeof(sql), "CREATE TABLE %s (%s)", name, columns) < (int) sizeof(sql));
        run(sql);
}

static void make_database(void) {
        static const char sql[] =
                "SELECT t.name, count(*),"
                " group_concat(c.name || CASE c.name WHEN 'row' THEN ' INTEGER PRIMARY KEY' ELSE '' END)"
                " FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
                " GROUP BY t.name";
        sqlite3 *model = NULL;
        sqlite3_stmt *stmt = NULL;

        fuzz_assert(sqlite3_open(":memory:", &model) == SQLITE_OK && schema_create(model) == 0);
        fuzz_assert(sqlite3_open(":memory:", &database.store.db) == SQLITE_OK);
        fuzz_assert(sqlite3_prepare_v2(model, sql, -1, &stmt, NULL) == SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW)
                make_table((const char *) sqlite3_column_text(stmt, 0), sqlite3_column_int(stmt, 1),
                           (const char *) sqlite3_column_text(stmt, 2));
        fuzz_assert(database.n_tables > 0);
        (void) sqlite3_finalize(stmt);
        (void) sqlite3_close(model);
}

static void bind(sqlite3_stmt *stmt, int column, const char *value) {
        int r;

        switch (*value) {
        case 'n':
                r = sqlite3_bind_null(stmt, column);
                break;
        case 'i':
                r = sqlite3_bind_int64(stmt, column, (int64_t) strtoull(value + 1, NULL, 0));
                break;
        case 'b':
                r = sqlite3_bind_blob(stmt, column, value + 1, (int) strlen(value + 1), SQLITE_TRANSIENT);
                break;
        default:
                r = sqlite3_bind_text(stmt, column, value + (*value != '\0'), -1, SQLITE_TRANSIENT);
        }
        fuzz_assert(r == SQLITE_OK);
}

static void insert_row(const struct table *table, struct input *input) {
        sqlite3_stmt *stmt = NULL;
        char sql[256];
        int n;

        n = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s VALUES (?", table->name);
        for (int i = 1; i < table->n_columns; i++)
                n += snprintf(sql + n, sizeof(sql) - (size_t) n, ", ?");
        (void) snprintf(sql + n, sizeof(sql) - (size_t) n, ")");
        fuzz_assert(sqlite3_prepare_v2(database.store.db, sql, -1, &stmt, NULL) == SQLITE_OK);
        for (int i = 1; i <= table->n_columns; i++) {
                _cleanup_(freep) char *value = input_line(input);

                bind(stmt, i, value);
        }
        /* What cannot be the number of a row makes no row. */
        (void) sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
}

static void insert_rows(struct input *input) {
        while (!input_at_end(input)) {
                _cleanup_(freep) char *name = input_line(input);

                for (size_t i = 0; i < database.n_tables; i++)
                        if (streq(name, database.tables[i].name))
                                insert_row(&database.tables[i], input);
        }
}

static void check_text(const char *text, size_t max) {
        fuzz_assert(strlen(text) <= max && utf8_is_valid(text, strlen(text)));
}

static void check_facts(const struct facts *facts) {
        _cleanup_(freep) char *text = NULL;
        struct facts again;

        fuzz_assert(facts_write(facts, &text) == 0);
        fuzz_assert(facts_read(text, &again) == 0 && facts_equal(facts, &again));
}

static void check_changes(const struct check_change *changes, size_t n) {
        fuzz_assert(n <= _CHECK_MAX);
        for (size_t i = 0; i < n; i++)
                fuzz_assert(changes[i].check < _CHECK_MAX);
}

static int on_baseline(void *userdata, const struct store_baseline *row) {
        (void) userdata;
        check_text(row->unit, STORE_UNIT_MAX);
        check_facts(&row->facts);
        check_facts(&row->settled);
        fuzz_assert(*row->unit && row->assessment.exposure <= 100);
        return 0;
}

static int on_regression(void *userdata, const struct store_regression *row) {
        (void) userdata;
        check_text(row->unit, STORE_UNIT_MAX);
        check_changes(row->checks, row->n_checks);
        return 0;
}

static int on_acceptance(void *userdata, const struct store_acceptance *row) {
        (void) userdata;
        check_text(row->unit, STORE_UNIT_MAX);
        check_facts(&row->facts);
        return 0;
}

static int on_file(void *userdata, const struct store_file *row) {
        int r = snapshot_from_store(userdata, row);

        fuzz_assert(r == 0 || r == -EBADMSG || r == -E2BIG);
        return 0;
}

/* It can be told on the bus, where an exposure is one from 0.0 to 10.0. */
static void check_event(const struct event *event) {
        check_text(event->unit, STORE_UNIT_MAX);
        fuzz_assert(event->before <= 100 && event->after <= 100);
        for (size_t i = 0; i < event->n_units; i++) {
                check_text(event->units[i].unit, STORE_UNIT_MAX);
                check_changes(event->units[i].checks, event->units[i].n_checks);
                fuzz_assert(event->units[i].before <= 100 && event->units[i].after <= 100);
        }
        for (size_t i = 0; i < event->causes.n_causes; i++) {
                check_text(event->causes.causes[i].path, STORE_PATH_MAX);
                for (char **line = event->causes.causes[i].lines; line && *line; line++)
                        check_text(*line, STORE_LINES_SIZE_MAX);
        }
        if (event->reason)
                check_text(event->reason, STORE_REASON_MAX);
}

static int on_event(void *userdata, const struct store_event *row) {
        struct event *event = event_from_store(row);

        (void) userdata;
        if (event)
                check_event(event);
        event_unref(event);
        return 0;
}

static void read_all(struct store *store) {
        struct snapshot snapshot = {};
        char *text = NULL;

        fuzz_assert(store_each_baseline(store, on_baseline, NULL) == 0);
        fuzz_assert(store_each_regression(store, on_regression, NULL) == 0);
        fuzz_assert(store_each_acceptance(store, on_acceptance, NULL) == 0);
        fuzz_assert(store_each_file(store, UNIT, on_file, &snapshot) == 0);
        fuzz_assert(store_each_event(store, NULL, NULL, 100, on_event, NULL) == 0);
        (void) store_each_event(store, UNIT, NULL, 100, on_event, NULL);
        (void) store_each_unannounced(store, on_event, NULL);
        fuzz_assert(store_get_text(store, "systemd-version", &text) == 0);
        if (text)
                check_text(text, STORE_PATH_MAX);
        free(text);
        snapshot_done(&snapshot);
}

/* Whether the input was a text on its own. */
static bool read_text(struct input *input) {
        struct check_change changes[_CHECK_MAX];
        _cleanup_(freep) char *text = NULL;
        uint8_t badness[_CHECK_MAX];
        struct facts facts;
        size_t n;

        if (input_take(input, "facts")) {
                text = input_rest(input);
                if (facts_read(text, &facts) == 0)
                        check_facts(&facts);
        } else if (input_take(input, "badness")) {
                text = input_rest(input);
                (void) badness_read(text, badness);
        } else if (input_take(input, "changes")) {
                text = input_rest(input);
                if (changes_read(text, changes, &n) == 0)
                        check_changes(changes, n);
        } else
                return false;
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);

        if (!database.store.db)
                make_database();
        if (read_text(&input))
                return 0;
        run("BEGIN");
        insert_rows(&input);
        read_all(&database.store);
        run("ROLLBACK");
        return 0;
}
