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

#define COLUMNS_MAX 16
#define UNIT "a.service"

/* Takes away what keeps rows sensible: types, and what must be there and only once. */
static char *loosen(const char *schema) {
        static const char *const constraints[] = {
                "STRICT,", "STRICT", " NOT NULL", " UNIQUE", " TEXT", " BLOB",
                " INTEGER,", " INTEGER REFERENCES", " REFERENCES content (row)", " REFERENCES baseline (row)",
                " REFERENCES event (row)", " ON DELETE CASCADE",
        };
        char *loose = strdup(schema);

        fuzz_assert(loose);
        for (size_t i = 0; i < ELEMENTSOF(constraints); i++) {
                size_t n = strlen(constraints[i]);

                for (char *found; (found = strstr(loose, constraints[i]));)
                        /* The comma between columns stays; what began with another word is looked at later. */
                        memset(found, ' ', constraints[i][0] == ' ' && constraints[i][n - 1] == ',' ? n - 1 :
                                           strstr(constraints[i], " INTEGER REF") ? strlen(" INTEGER") : n);
        }
        return loose;
}

static struct store *database(void) {
        static struct store store;
        _cleanup_(freep) char *schema = NULL;

        if (store.db)
                return &store;
        schema = loosen(schema_migrations[0]);
        fuzz_assert(sqlite3_open(":memory:", &store.db) == SQLITE_OK);
        fuzz_assert(sqlite3_exec(store.db, schema, NULL, NULL, NULL) == SQLITE_OK);
        return &store;
}

static void run(struct store *store, const char *sql) {
        fuzz_assert(sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK);
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

static void insert_row(struct store *store, const char *table, int n_columns, struct input *input) {
        sqlite3_stmt *stmt = NULL;
        char sql[256];
        int n;

        n = snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO %s VALUES (?", table);
        for (int i = 1; i < n_columns; i++)
                n += snprintf(sql + n, sizeof(sql) - (size_t) n, ", ?");
        (void) snprintf(sql + n, sizeof(sql) - (size_t) n, ")");
        fuzz_assert(sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) == SQLITE_OK);
        for (int i = 1; i <= n_columns; i++) {
                _cleanup_(freep) char *value = input_line(input);

                bind(stmt, i, value);
        }
        /* A number that must be one and is not: then there is no such row. */
        (void) sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
}

static void insert_rows(struct store *store, struct input *input) {
        static const struct {
                const char *name;
                int n_columns;
        } tables[] = {
                { "text", 2 }, { "baseline", 14 }, { "seen", 2 }, { "content", 3 }, { "file", 8 }, { "event", 14 },
                { "event_unit", 6 }, { "event_cause", 6 }, { "regression", 5 }, { "acceptance", 7 },
        };

        while (!input_at_end(input)) {
                _cleanup_(freep) char *name = input_line(input);

                for (size_t i = 0; i < ELEMENTSOF(tables); i++)
                        if (streq(name, tables[i].name))
                                insert_row(store, name, tables[i].n_columns, input);
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
        struct store *store = database();

        if (read_text(&input))
                return 0;
        run(store, "BEGIN");
        insert_rows(store, &input);
        read_all(store);
        run(store, "ROLLBACK");
        return 0;
}
