/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "database.h"
#include "internal.h"

/* Readers of tables get the row after the one given: nothing is held open while the caller looks at it. */
static const char *const statements[_STATEMENT_MAX] = {
        [STATEMENT_TEXT_PUT] =
                "INSERT INTO text (key, value) VALUES (?1, ?2)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [STATEMENT_TEXT_GET] =
                "SELECT value FROM text WHERE key = ?1",

        [STATEMENT_BASELINE_PUT] =
                "INSERT INTO baseline (unit, systemd_version, model_version, taken, facts, settled, checks,"
                " composite, gone, exposure, sum, total, files_signature)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
                " ON CONFLICT (unit) DO UPDATE SET systemd_version = excluded.systemd_version,"
                " model_version = excluded.model_version, taken = excluded.taken, facts = excluded.facts,"
                " settled = excluded.settled, checks = excluded.checks, composite = excluded.composite,"
                " gone = excluded.gone, exposure = excluded.exposure, sum = excluded.sum,"
                " total = excluded.total, files_signature = excluded.files_signature",
        [STATEMENT_BASELINE_TOUCH] =
                "INSERT INTO seen (baseline, time) SELECT row, ?2 FROM baseline WHERE unit = ?1"
                " ON CONFLICT (baseline) DO UPDATE SET time = excluded.time",
        [STATEMENT_BASELINE_REMOVE] =
                "DELETE FROM baseline WHERE unit = ?1",
        [STATEMENT_BASELINE_NEXT] =
                "SELECT b.row, unit, systemd_version, model_version, taken, s.time, facts, settled, checks,"
                " composite, gone, exposure, sum, total, files_signature"
                " FROM baseline AS b LEFT JOIN seen AS s ON s.baseline = b.row"
                " WHERE b.row > ?1 ORDER BY b.row LIMIT 1",

        [STATEMENT_FILE_PUT] =
                "INSERT INTO file (unit, path, target, content, mtime, inode, size)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        [STATEMENT_FILE_REMOVE] =
                "DELETE FROM file WHERE unit = ?1",
        [STATEMENT_FILE_CONTENTS] =
                "SELECT content FROM file WHERE unit = ?1 AND content IS NOT NULL LIMIT ?2",
        [STATEMENT_FILE_NEXT] =
                "SELECT f.row, path, target, c.content, mtime, inode, size, f.content IS NULL"
                " FROM file AS f LEFT JOIN content AS c ON c.row = f.content"
                " WHERE f.row > ?1 AND unit = ?2 ORDER BY f.row LIMIT 1",
        [STATEMENT_CONTENT_FIND] =
                "SELECT row FROM content WHERE hash = ?1 AND content = ?2",
        [STATEMENT_CONTENT_PUT] =
                "INSERT INTO content (hash, content) VALUES (?1, ?2)",
        [STATEMENT_CONTENT_REMOVE] =
                "DELETE FROM content WHERE row = ?1"
                " AND NOT EXISTS (SELECT 1 FROM file WHERE file.content = ?1)",

        [STATEMENT_REGRESSION_PUT] =
                "INSERT INTO regression (unit, id, since, checks) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT (unit) DO UPDATE SET id = excluded.id, since = excluded.since,"
                " checks = excluded.checks",
        [STATEMENT_REGRESSION_REMOVE] =
                "DELETE FROM regression WHERE unit = ?1",
        [STATEMENT_REGRESSION_NEXT] =
                "SELECT row, unit, id, since, checks FROM regression WHERE row > ?1 ORDER BY row LIMIT 1",

        [STATEMENT_ACCEPTANCE_PUT] =
                "INSERT INTO acceptance (unit, id, until, facts, systemd_version, model_version, checks)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " ON CONFLICT (unit) DO UPDATE SET id = excluded.id, until = excluded.until,"
                " facts = excluded.facts, systemd_version = excluded.systemd_version,"
                " model_version = excluded.model_version, checks = excluded.checks",
        [STATEMENT_ACCEPTANCE_REMOVE] =
                "DELETE FROM acceptance WHERE unit = ?1",
        [STATEMENT_ACCEPTANCE_NEXT] =
                "SELECT row, unit, id, until, facts, systemd_version, model_version, checks FROM acceptance"
                " WHERE row > ?1 ORDER BY row LIMIT 1",

        [STATEMENT_EVENT_PUT] =
                "INSERT INTO event (id, event, unit, time, before, after, systemd_version, model_version,"
                " uid, reason, until, lesser, announced)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)",
        [STATEMENT_EVENT_UNIT_PUT] =
                "INSERT INTO event_unit (event, position, unit, before, after, checks, rated, own_checks)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        [STATEMENT_EVENT_CAUSE_PUT] =
                "INSERT INTO event_cause (event, position, path, change, time, lines)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        [STATEMENT_EVENT_MARK] =
                "UPDATE event SET announced = 1 WHERE id = ?1",
        [STATEMENT_EVENT_FIND] =
                "SELECT row FROM event WHERE id = ?1",
        [STATEMENT_EVENT_GET] =
                "SELECT id, event, unit, time, before, after, systemd_version, model_version, uid, reason,"
                " until FROM event WHERE row = ?1",
        [STATEMENT_EVENT_COUNT_UNITS] =
                "SELECT count(*) FROM event_unit WHERE event = ?1 AND position >= 0",
        [STATEMENT_EVENT_UNITS] =
                "SELECT unit, before, after, checks, rated, own_checks FROM event_unit"
                " WHERE event = ?1 AND position >= 0"
                " ORDER BY position LIMIT ?2",
        [STATEMENT_EVENT_COUNT_CAUSES] =
                "SELECT count(*) FROM event_cause WHERE event = ?1",
        [STATEMENT_EVENT_CAUSES] =
                "SELECT path, change, time, lines FROM event_cause WHERE event = ?1"
                " ORDER BY position LIMIT ?2",
        [STATEMENT_EVENT_REMOVE] =
                "DELETE FROM event WHERE row = ?1",

        [STATEMENT_HISTORY] =
                "SELECT row FROM event WHERE row < ?1 ORDER BY row DESC LIMIT ?2",
        [STATEMENT_HISTORY_OF_UNIT] =
                "SELECT event FROM event_unit WHERE event < ?1 AND unit = ?3 ORDER BY event DESC LIMIT ?2",
        [STATEMENT_UNANNOUNCED] =
                "SELECT row FROM event WHERE announced = 0 AND row > ?1 ORDER BY row LIMIT ?2",

        [STATEMENT_PRUNE_COUNT_EVENTS] =
                "SELECT count(*) FROM event",
        [STATEMENT_PRUNE_EVENTS_OLD] =
                "SELECT row FROM event WHERE time < ?2 AND announced <> 0"
                " AND NOT EXISTS (SELECT 1 FROM regression AS r WHERE r.id = event.id)"
                " AND NOT EXISTS (SELECT 1 FROM acceptance AS a WHERE a.id = event.id)"
                " ORDER BY time LIMIT ?1",
        [STATEMENT_PRUNE_EVENTS_LESSER] =
                "SELECT row FROM event WHERE lesser = 1 AND announced <> 0"
                " AND NOT EXISTS (SELECT 1 FROM regression AS r WHERE r.id = event.id)"
                " AND NOT EXISTS (SELECT 1 FROM acceptance AS a WHERE a.id = event.id)"
                " ORDER BY row LIMIT ?1",
        [STATEMENT_PRUNE_EVENTS] =
                "SELECT row FROM event WHERE announced <> 0"
                " AND NOT EXISTS (SELECT 1 FROM regression AS r WHERE r.id = event.id)"
                " AND NOT EXISTS (SELECT 1 FROM acceptance AS a WHERE a.id = event.id)"
                " ORDER BY row LIMIT ?1",
        [STATEMENT_PRUNE_COUNT_BASELINES] =
                "SELECT count(*) FROM seen",
        [STATEMENT_PRUNE_BASELINES] =
                "SELECT unit FROM seen JOIN baseline ON baseline.row = seen.baseline WHERE seen.time < ?2"
                " ORDER BY seen.time LIMIT ?1",
        [STATEMENT_PRUNE_FILES] =
                "SELECT DISTINCT unit FROM file"
                " WHERE NOT EXISTS (SELECT 1 FROM baseline AS b WHERE b.unit = file.unit) LIMIT ?1",
};

struct value value_text(const char *text) {
        return (struct value) {
                .type = text ? VALUE_TEXT : VALUE_NULL,
                .data = text,
                .length = text ? strlen(text) : 0,
        };
}

struct value value_blob(const char *bytes) {
        struct value value = value_text(bytes);

        if (bytes)
                value.type = VALUE_BLOB;
        return value;
}

struct value value_number(uint64_t number) {
        return (struct value) { .type = VALUE_NUMBER, .number = (int64_t) number };
}

struct value value_null(void) {
        return (struct value) { .type = VALUE_NULL };
}

const char *statement_sql(enum statement id) {
        return statements[id];
}

int statements_check(sqlite3 *db) {
        for (size_t i = 0; i < ELEMENTSOF(statements); i++) {
                sqlite3_stmt *stmt = NULL;
                int r;

                r = sqlite3_prepare_v2(db, statements[i], -1, &stmt, NULL);
                (void) sqlite3_finalize(stmt);
                if (r != SQLITE_OK)
                        return database_error(db, r);
        }
        return 0;
}

static int statement_bind(sqlite3_stmt *stmt, int i, const struct value *value) {
        switch (value->type) {
        case VALUE_NUMBER:
                return sqlite3_bind_int64(stmt, i, value->number);
        case VALUE_TEXT:
                return sqlite3_bind_text64(stmt, i, value->data, value->length, SQLITE_STATIC, SQLITE_UTF8);
        case VALUE_BLOB:
                return sqlite3_bind_blob64(stmt, i, value->data, value->length, SQLITE_STATIC);
        case VALUE_NULL:
        default:
                return sqlite3_bind_null(stmt, i);
        }
}

int statement_start(struct store *store, enum statement id, const struct value *values, size_t n_values,
                    sqlite3_stmt **ret) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        if (!store->statements[id]) {
                r = sqlite3_prepare_v3(store->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT,
                                       &store->statements[id], NULL);
                if (r != SQLITE_OK)
                        return database_error(store->db, r);
        }
        if (sqlite3_stmt_busy(store->statements[id]))
                return -EBUSY;
        stmt = store->statements[id];
        for (size_t i = 0; i < n_values; i++) {
                r = statement_bind(stmt, (int) i + 1, values + i);
                if (r != SQLITE_OK)
                        return database_error(store->db, r);
        }
        *ret = TAKE_PTR(stmt);
        return 0;
}

int statement_step(sqlite3_stmt *stmt) {
        int r = sqlite3_step(stmt);

        return r == SQLITE_ROW ? 1 : database_error(sqlite3_db_handle(stmt), r);
}

int statement_get_number(struct store *store, enum statement id, const struct value *values, size_t n_values,
                         int64_t *ret) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        r = statement_start(store, id, values, n_values, &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        if (r > 0)
                *ret = sqlite3_column_int64(stmt, 0);
        return r;
}

int statement_try(struct store *store, enum statement id, const struct value *values, size_t n_values) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        r = store_changing(store);
        if (r < 0)
                return r;
        r = statement_start(store, id, values, n_values, &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        return r < 0 && r != -EEXIST ? store_fail(store, r) : r;
}

int statement_run(struct store *store, enum statement id, const struct value *values, size_t n_values) {
        int r;

        r = statement_try(store, id, values, n_values);
        /* Only an event's id may be there already. Elsewhere the same thing was given twice. */
        return r == -EEXIST ? store_fail(store, -EINVAL) : r;
}
