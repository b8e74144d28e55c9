/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "database.h"
#include "schema.h"

/*
 * Numbers are signed in SQLite: what needs all 64 bits (signatures, inodes, sums) is kept as the signed
 * number of the same bits. Exposure is in tenths, NULL where there is none. Facts and checks are texts
 * as codec.h has them.
 */
const char *const schema_migrations[] = {
        "CREATE TABLE text (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

        "CREATE TABLE baseline ("
        " row INTEGER PRIMARY KEY, unit TEXT NOT NULL UNIQUE, systemd_version TEXT NOT NULL,"
        " model_version TEXT, taken INTEGER NOT NULL, facts TEXT NOT NULL, settled TEXT,"
        " checks TEXT NOT NULL, composite INTEGER NOT NULL, gone INTEGER NOT NULL,"
        " exposure INTEGER NOT NULL, sum INTEGER NOT NULL, total INTEGER NOT NULL,"
        " files_signature INTEGER NOT NULL) STRICT;"

        /* Apart from the baseline, as it changes often and the baseline is large. */
        "CREATE TABLE seen ("
        " baseline INTEGER PRIMARY KEY REFERENCES baseline (row) ON DELETE CASCADE,"
        " time INTEGER NOT NULL) STRICT;"
        "CREATE INDEX seen_time ON seen (time);"

        "CREATE TABLE content (row INTEGER PRIMARY KEY, hash INTEGER NOT NULL, content BLOB NOT NULL) STRICT;"
        "CREATE INDEX content_hash ON content (hash);"

        "CREATE TABLE file ("
        " row INTEGER PRIMARY KEY, unit TEXT NOT NULL, path BLOB NOT NULL, target BLOB,"
        " content INTEGER REFERENCES content (row), mtime INTEGER NOT NULL, inode INTEGER NOT NULL,"
        " size INTEGER NOT NULL) STRICT;"
        "CREATE INDEX file_unit ON file (unit);"
        "CREATE INDEX file_content ON file (content);"

        "CREATE TABLE event ("
        " row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL, unit TEXT NOT NULL,"
        " time INTEGER NOT NULL, before INTEGER, after INTEGER, systemd_version TEXT NOT NULL,"
        " model_version TEXT, uid INTEGER, reason TEXT, until INTEGER NOT NULL,"
        " lesser INTEGER NOT NULL, announced INTEGER NOT NULL) STRICT;"
        "CREATE INDEX event_time ON event (time);"
        "CREATE INDEX event_lesser ON event (lesser) WHERE lesser = 1;"
        "CREATE INDEX event_unannounced ON event (announced) WHERE announced = 0;"

        /* Position -1: who the event is about where that is none of the units it hit. */
        "CREATE TABLE event_unit ("
        " event INTEGER NOT NULL REFERENCES event (row) ON DELETE CASCADE, position INTEGER NOT NULL,"
        " unit TEXT NOT NULL, before INTEGER, after INTEGER, checks TEXT NOT NULL,"
        " PRIMARY KEY (event, position)) STRICT, WITHOUT ROWID;"
        "CREATE UNIQUE INDEX event_unit_unit ON event_unit (unit, event);"

        "CREATE TABLE event_cause ("
        " event INTEGER NOT NULL REFERENCES event (row) ON DELETE CASCADE, position INTEGER NOT NULL,"
        " path TEXT NOT NULL, change TEXT NOT NULL, time INTEGER NOT NULL, lines TEXT,"
        " PRIMARY KEY (event, position)) STRICT, WITHOUT ROWID;"

        "CREATE TABLE regression ("
        " row INTEGER PRIMARY KEY, unit TEXT NOT NULL UNIQUE, id TEXT NOT NULL, since INTEGER NOT NULL,"
        " checks TEXT NOT NULL) STRICT;"
        "CREATE INDEX regression_id ON regression (id);"

        "CREATE TABLE acceptance ("
        " row INTEGER PRIMARY KEY, unit TEXT NOT NULL UNIQUE, id TEXT NOT NULL, until INTEGER NOT NULL,"
        " facts TEXT NOT NULL, systemd_version TEXT NOT NULL, model_version TEXT) STRICT;"
        "CREATE INDEX acceptance_id ON acceptance (id);",

        /* Of a unit whose settings changed together with the model: its exposure between the two, its checks. */
        ("ALTER TABLE event_unit ADD COLUMN rated INTEGER;"
         "ALTER TABLE event_unit ADD COLUMN own_checks TEXT;"),

        /* Of a baseline that comes back and that no facts alone stand for. */
        "ALTER TABLE acceptance ADD COLUMN checks TEXT;",
};

const size_t schema_n_migrations = ELEMENTSOF(schema_migrations);

/* As the format of SQLite's files has it. */
#define HEADER_MAGIC "SQLite format 3"
#define HEADER_APPLICATION_ID 68

bool schema_recognize(const unsigned char header[static SCHEMA_HEADER_SIZE]) {
        uint32_t id = 0;

        for (size_t i = 0; i < sizeof(id); i++)
                id = id << 8 | header[HEADER_APPLICATION_ID + i];
        return memcmp(header, HEADER_MAGIC, sizeof(HEADER_MAGIC)) == 0 && id == SCHEMA_APPLICATION_ID;
}

static int set_number(sqlite3 *db, const char *pragma, size_t number) {
        char sql[64];

        (void) snprintf(sql, sizeof(sql), "PRAGMA %s=%zu", pragma, number);
        return database_run(db, sql);
}

static int migrate_from(sqlite3 *db, size_t version, const char *const *migrations, size_t n_migrations) {
        int r;

        for (; version < n_migrations; version++) {
                r = database_run(db, migrations[version]);
                if (r < 0)
                        return r;
        }
        return set_number(db, "user_version", n_migrations);
}

/* A transaction is either made whole or gone. */
static int finish(sqlite3 *db, int r) {
        if (r >= 0)
                r = database_run(db, "COMMIT");
        if (r < 0 && !sqlite3_get_autocommit(db))
                (void) database_run(db, "ROLLBACK");
        return r;
}

int schema_create(sqlite3 *db) {
        int r;

        r = database_run(db, "BEGIN EXCLUSIVE");
        if (r < 0)
                return r;
        r = migrate_from(db, 0, schema_migrations, schema_n_migrations);
        if (r >= 0)
                r = set_number(db, "application_id", SCHEMA_APPLICATION_ID);
        return finish(db, r);
}

int schema_migrate(sqlite3 *db, const char *const *migrations, size_t n_migrations) {
        int64_t version;
        int r;

        r = database_get_number(db, "PRAGMA user_version", &version);
        if (r < 0)
                return r;
        if (version <= 0)
                return -EUCLEAN;
        if ((uint64_t) version >= n_migrations)
                return 0;
        if (sqlite3_db_readonly(db, "main") != 0)
                return -EROFS;
        r = database_run(db, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        return finish(db, migrate_from(db, (size_t) version, migrations, n_migrations));
}

/* 1 where it is sound, 0 where not. */
static int check_once(sqlite3 *db) {
        _cleanup_(freep) char *verdict = NULL;
        int r;

        r = database_get_text(db, "PRAGMA quick_check(1)", &verdict);
        return r < 0 ? r : streq(verdict, "ok");
}

/* SQLite calls it damage, too, what could not be read. */
static int check_integrity(sqlite3 *db) {
        int r, k;

        r = check_once(db);
        if (r != 0)
                return r;
        k = database_read_all(db);
        return k < 0 ? k : check_once(db);
}

static int examine(sqlite3 *db, enum schema_state *ret) {
        int64_t id, version, foreign;
        int r;

        r = database_get_number(db, "PRAGMA application_id", &id);
        if (r >= 0)
                r = database_get_number(db, "PRAGMA user_version", &version);
        if (r >= 0)
                r = database_get_number(db, "SELECT count(*) FROM sqlite_schema"
                                            " WHERE type IN ('trigger', 'view')", &foreign);
        if (r < 0)
                return r;
        if (id != SCHEMA_APPLICATION_ID || version <= 0 || foreign != 0) {
                *ret = SCHEMA_DAMAGED;
                return 0;
        }
        if ((uint64_t) version > schema_n_migrations) {
                *ret = SCHEMA_NEWER;
                return 0;
        }
        r = check_integrity(db);
        if (r >= 0)
                *ret = r > 0 ? SCHEMA_FINE : SCHEMA_DAMAGED;
        return r < 0 ? r : 0;
}

int schema_examine(sqlite3 *db, enum schema_state *ret) {
        int r;

        r = examine(db, ret);
        if (r != -EUCLEAN)
                return r;
        *ret = SCHEMA_DAMAGED;
        return 0;
}
