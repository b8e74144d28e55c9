/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-folder.h"
#include "store-sample.h"
#include "store/database.h"
#include "store/internal.h"
#include "store/schema.h"
#include "suite.h"

#define DB "exposured.db"

static mode_t mode_of(const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);
        struct stat st;

        ck_assert_msg(lstat(path, &st) >= 0, "%s: %s", path, strerror(errno));
        return st.st_mode & 07777;
}

static bool exists(const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);
        struct stat st;

        return lstat(path, &st) >= 0;
}

static unsigned count_entries(const char *prefix) {
        DIR *dir = opendir(folder);
        const struct dirent *entry;
        unsigned n = 0;

        ck_assert_ptr_nonnull(dir);
        while ((entry = readdir(dir)))
                n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        closedir(dir);
        return n;
}

static char *read_file(const char *path, size_t *ret_size) {
        FILE *f = fopen(path, "re");
        struct stat st;
        char *bytes;

        ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
        ck_assert_int_ge(fstat(fileno(f), &st), 0);
        *ret_size = (size_t) st.st_size;
        bytes = malloc(*ret_size + 1);
        ck_assert_ptr_nonnull(bytes);
        ck_assert_uint_eq(fread(bytes, 1, *ret_size, f), *ret_size);
        fclose(f);
        return bytes;
}

static void make_filled(void) {
        struct store *store = open_as(folder, STORE_CREATED);

        fill(store);
        store_close(store);
}

/* What happens to a store that is there and works. */
static void assert_works(struct store *store) {
        struct store_baseline baseline = sample_baseline("works.service", 1);
        _cleanup_(freep) char *text = NULL;

        begin(store);
        ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        commit(store);
        text = dump(store, NULL);
        ck_assert_ptr_nonnull(strstr(text, "baseline works.service"));
}

static void assert_error(int error) {
        enum store_opened opened = 99;
        struct store *store = NULL;
        char *aside = NULL;

        ck_assert_int_eq(store_open(&store, folder, &opened, &aside), error);
        ck_assert_ptr_null(store);
        ck_assert_ptr_null(aside);
        ck_assert_int_eq(opened, 99);
}

static const mode_t umasks[] = { 0, 022, 0777 };

START_TEST(only_its_owner_reads_it) {
        bool root = geteuid() == 0;
        struct store *store;

        /* as one who is held by modes */
        if (root) {
                ck_assert_int_ge(chown(folder, 65534, 65534), 0);
                ck_assert_int_ge(seteuid(65534), 0);
        }
        umask(umasks[_i]);
        store = open_as(folder, STORE_CREATED);
        fill(store);
        ck_assert_uint_eq(mode_of(DB), 0600);
        ck_assert_uint_eq(mode_of(DB "-wal"), 0600);
        ck_assert_uint_eq(mode_of(DB "-shm"), 0600);
        store_close(store);
        umask(022);
        ck_assert_uint_eq(count_entries(DB), 1);
        if (root)
                ck_assert_int_ge(seteuid(0), 0);
}
END_TEST

START_TEST(mode_is_put_right) {
        _cleanup_(freep) char *path = temp_path(folder, DB);
        struct store *store;

        make_filled();
        ck_assert_int_ge(chmod(path, 0664), 0);
        store = open_as(folder, STORE_OPENED);
        assert_works(store);
        ck_assert_uint_eq(mode_of(DB), 0600);
        ck_assert_uint_eq(mode_of(DB "-wal"), 0600);
        store_close(store);
}
END_TEST

START_TEST(what_a_connection_is_like) {
        static const struct {
                const char *pragma;
                int64_t value;
        } expected[] = {
                { "PRAGMA application_id", SCHEMA_APPLICATION_ID },
                { "PRAGMA synchronous", 2 },
                { "PRAGMA foreign_keys", 1 },
                { "PRAGMA trusted_schema", 0 },
                { "PRAGMA mmap_size", 0 },
                { "PRAGMA cache_size", -256 },
                { "PRAGMA temp_store", 2 },
                { "PRAGMA cell_size_check", 1 },
                { "PRAGMA wal_autocheckpoint", 256 },
                { "PRAGMA journal_size_limit", 1048576 },
                { "PRAGMA busy_timeout", 100 },
        };
        struct store *store = open_as(folder, STORE_CREATED);
        _cleanup_(freep) char *mode = NULL;
        int value;

        fill(store);
        /* also after the one thing that changes one of them */
        ck_assert_int_eq(store_mark_announced(store, sample_id(2)), 0);
        ck_assert_int_eq(store_mark_announced(store, sample_id(3)), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                int64_t number = -1;

                (void) database_get_number(store->db, expected[i].pragma, &number);
                ck_assert_msg(number == expected[i].value, "%s: %ld", expected[i].pragma, (long) number);
        }
        ck_assert_int_eq(database_get_text(store->db, "PRAGMA journal_mode", &mode), 0);
        ck_assert_str_eq(mode, "wal");
        ck_assert_int_eq(sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &value), SQLITE_OK);
        ck_assert_int_eq(value, 1);
        store_close(store);
}
END_TEST

START_TEST(no_folder) {
        char *parent = folder;

        folder = temp_path(parent, "nowhere");
        assert_error(-ENOENT);
        temp_write(parent, "nowhere", "");
        assert_error(-ENOTDIR);
        free(folder);
        folder = parent;
}
END_TEST

START_TEST(folder_may_be_a_link) {
        _cleanup_(freep) char *link = temp_path(folder, "link");
        struct store *store;

        temp_mkdir(folder, "private/state");
        temp_symlink(folder, "link", "private/state");
        store = open_as(link, STORE_CREATED);
        fill(store);
        store_close(store);
        store_close(open_as(link, STORE_OPENED));
        ck_assert(exists("private/state/" DB));
}
END_TEST

static const char *const planted[] = { "", "-wal", "-journal", "-shm" };

START_TEST(planted_link_is_not_followed) {
        _cleanup_(freep) char *entry = NULL, *victim = temp_path(folder, "victim"), *bytes = NULL;
        size_t size;

        /* beside a database or none; to a file that exists, or to one that would be made */
        const char *suffix = planted[_i % 4];
        bool beside = _i / 4 % 2, to_file = _i / 8;

        ck_assert_int_gt(asprintf(&entry, DB "%s", suffix), 0);
        if (beside && *suffix)
                make_filled();
        if (to_file)
                temp_write(folder, "victim", "keep me");
        temp_symlink(folder, entry, victim);
        assert_error(-ELOOP);

        ck_assert_int_eq(exists("victim"), to_file);
        if (to_file) {
                bytes = read_file(victim, &size);
                ck_assert_uint_eq(size, 7);
        }
        ck_assert_uint_eq(count_entries(DB ".aside"), 0);
        temp_remove(folder, entry);
        store_close(open_as(folder, exists(DB) ? STORE_OPENED : STORE_CREATED));
}
END_TEST

/* A link that comes after the daemon looked: SQLite does not follow it either. */
START_TEST(sqlite_follows_no_link) {
        _cleanup_(freep) char *path = temp_path(folder, DB);
        sqlite3 *db = NULL;

        make_filled();
        temp_rename(folder, DB, "elsewhere");
        temp_symlink(folder, DB, "elsewhere");
        ck_assert_int_eq(database_open(&db, path), -ELOOP);
        ck_assert_int_eq(database_open_read_only(&db, path), -ELOOP);
        ck_assert_ptr_null(db);
}
END_TEST

static void plant_text(void) {
        temp_write(folder, DB, "This is no database, but somebody's text.\n");
}

static void plant_empty(void) {
        temp_write(folder, DB, "");
}

static void plant_header(void) {
        temp_write_bytes(folder, DB, "SQLite format 3", 16);
}

static void plant_foreign(void) {
        tamper(folder, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
}

static void plant_other_application(void) {
        make_filled();
        tamper(folder, "PRAGMA application_id=7");
}

static void plant_no_version(void) {
        make_filled();
        tamper(folder, "PRAGMA user_version=0");
}

static void plant_negative_version(void) {
        make_filled();
        tamper(folder, "PRAGMA user_version=-1");
}

static void plant_table_missing(void) {
        make_filled();
        tamper(folder, "DROP TABLE acceptance");
}

static void plant_column_missing(void) {
        make_filled();
        tamper(folder, "ALTER TABLE event DROP COLUMN reason");
}

static void plant_trigger(void) {
        make_filled();
        tamper(folder, "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM regression; END");
}

static void plant_view(void) {
        make_filled();
        tamper(folder, "ALTER TABLE text RENAME TO other; CREATE VIEW text AS SELECT * FROM other");
}

static void plant_nothing_in_it(void) {
        tamper(folder, "PRAGMA application_id=1163415631; PRAGMA user_version=1");
}

static void plant_other_encoding(void) {
        tamper(folder, "PRAGMA encoding='UTF-16'; CREATE TABLE text (key, value)");
}

static const struct {
        const char *name;
        void (*plant)(void);
} strangers[] = {
        { "text", plant_text },
        { "empty", plant_empty },
        { "header", plant_header },
        { "foreign", plant_foreign },
        { "other-application", plant_other_application },
        { "no-version", plant_no_version },
        { "negative-version", plant_negative_version },
        { "table-missing", plant_table_missing },
        { "column-missing", plant_column_missing },
        { "trigger", plant_trigger },
        { "view", plant_view },
        { "nothing-in-it", plant_nothing_in_it },
        { "other-encoding", plant_other_encoding },
};

START_TEST(stranger_is_set_aside) {
        _cleanup_(freep) char *path = temp_path(folder, DB), *before = NULL, *after = NULL, *aside = NULL;
        size_t size, size_after;
        struct store *store;

        strangers[_i].plant();
        before = read_file(path, &size);
        store = open_set_aside(folder, STORE_SET_ASIDE, &aside);
        assert_works(store);
        store_close(store);
        store_close(open_as(folder, STORE_OPENED));

        after = read_file(aside, &size_after);
        ck_assert_uint_eq(size, size_after);
        ck_assert_msg(memcmp(before, after, size) == 0, "%s was changed", strangers[_i].name);
        /* SQLite may have made a log and an index before it knew */
        ck_assert_uint_le(count_entries(DB ".aside-"), 3);
}
END_TEST

START_TEST(what_is_no_file_is_set_aside) {
        _cleanup_(freep) char *aside = NULL;
        struct stat st;

        if (_i == 0)
                temp_write(folder, DB "/within", "");
        else
                temp_mkfifo(folder, DB);
        store_close(open_set_aside(folder, STORE_SET_ASIDE, &aside));
        ck_assert_int_ge(lstat(aside, &st), 0);
        ck_assert(_i == 0 ? S_ISDIR(st.st_mode) : S_ISFIFO(st.st_mode));
}
END_TEST

START_TEST(newer_is_set_aside) {
        _cleanup_(freep) char *aside = NULL, *path = temp_path(folder, DB);

        make_filled();
        tamper(folder, "PRAGMA user_version=1000; CREATE TABLE later (a)");
        store_close(open_set_aside(folder, STORE_NEWER, &aside));
        store_close(open_as(folder, STORE_OPENED));

        /* and what was set aside can be put back */
        tamper(folder, "PRAGMA user_version=3");
        ck_assert_int_ge(rename(aside, path), 0);
        tamper(folder, "PRAGMA user_version=3");
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

START_TEST(its_log_goes_with_it) {
        _cleanup_(freep) char *aside = NULL, *log = NULL;

        plant_text();
        temp_write(folder, DB "-wal", "log");
        temp_write(folder, DB "-shm", "memory");
        temp_write(folder, DB "-journal", "journal");
        store_close(open_set_aside(folder, STORE_SET_ASIDE, &aside));
        ck_assert_int_gt(asprintf(&log, "%s-wal", aside), 0);
        ck_assert_int_eq(access(log, F_OK), 0);
        ck_assert_uint_eq(count_entries(DB ".aside-"), 4);
        ck_assert_uint_eq(count_entries(DB), 5);
}
END_TEST

START_TEST(log_of_no_database_is_set_aside) {
        _cleanup_(freep) char *aside = NULL;

        temp_write(folder, DB "-wal", "log");
        store_close(open_set_aside(folder, STORE_SET_ASIDE, &aside));
        ck_assert_str_eq(aside + strlen(aside) - 4, "-wal");
        ck_assert_int_eq(access(aside, F_OK), 0);
}
END_TEST

START_TEST(no_more_than_eight) {
        _cleanup_(freep) char *path = temp_path(folder, DB), *bytes = NULL;
        size_t size;

        for (int i = 0; i < 8; i++) {
                if (i > 0)
                        temp_remove(folder, DB);
                plant_text();
                store_close(open_as(folder, STORE_SET_ASIDE));
        }
        temp_remove(folder, DB);
        plant_text();
        assert_error(-EEXIST);
        assert_error(-EEXIST);
        bytes = read_file(path, &size);
        ck_assert_int_eq(strncmp(bytes, "This is no database", 19), 0);
        ck_assert_uint_eq(count_entries(DB), 9);
}
END_TEST

START_TEST(half_made_is_made_again) {
        temp_write(folder, DB ".new", "half");
        temp_write(folder, DB ".new-journal", "half");
        store_close(open_as(folder, STORE_CREATED));
        ck_assert_uint_eq(count_entries(DB), 1);
}
END_TEST

START_TEST(name_of_new_one_is_taken_by_a_link) {
        temp_write(folder, "victim", "keep me");
        temp_symlink(folder, DB ".new", "victim");
        store_close(open_as(folder, STORE_CREATED));
        ck_assert(exists("victim"));
        ck_assert(!exists(DB ".new"));
}
END_TEST

START_TEST(file_is_taken_away) {
        struct store *store;

        make_filled();
        store = open_as(folder, STORE_OPENED);
        temp_rename(folder, DB, "taken");
        ck_assert_int_eq(store_begin(store), -ESTALE);
        temp_write(folder, DB, "another");
        ck_assert_int_eq(store_begin(store), -ESTALE);
        temp_remove(folder, DB);
        temp_rename(folder, "taken", DB);
        assert_works(store);
        store_close(store);
}
END_TEST

START_TEST(somebody_else_has_it_locked) {
        struct store_baseline baseline = sample_baseline("works.service", 1);
        _cleanup_(freep) char *path = temp_path(folder, DB);
        struct store *store;
        sqlite3 *db;

        make_filled();
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(store_begin(store), -EBUSY);
        ck_assert_int_eq(store_mark_announced(store, sample_id(2)), -EBUSY);
        ck_assert_int_eq(store_put_baseline(store, &baseline), -EINVAL);
        ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        assert_works(store);
        store_close(store);

        ck_assert_int_eq(database_run(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT"), 0);
        assert_error(-EBUSY);
        ck_assert_uint_eq(count_entries(DB ".aside-"), 0);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

static int version_of(sqlite3 *db) {
        int64_t version = -1;

        ck_assert_int_eq(database_get_number(db, "PRAGMA user_version", &version), 0);
        return (int) version;
}

static int64_t number_of(sqlite3 *db, const char *sql) {
        int64_t number = -1;

        ck_assert_int_eq(database_get_number(db, sql, &number), 0);
        return number;
}

START_TEST(older_schema_is_brought_up) {
        static const char *const migrations[] = {
                "this is not run again", "nor this", "nor that",
                "ALTER TABLE baseline ADD COLUMN note TEXT; CREATE TABLE second (a TEXT) STRICT",
                "UPDATE baseline SET note = unit; INSERT INTO second VALUES ('b')",
        };
        _cleanup_(freep) char *path = temp_path(folder, DB);
        sqlite3 *db;

        make_filled();
        ck_assert_int_eq(database_open(&db, path), 0);
        ck_assert_int_eq(schema_migrate(db, migrations, 3), 0);
        ck_assert_int_eq(version_of(db), 3);
        ck_assert_int_eq(schema_migrate(db, migrations, 5), 0);
        ck_assert_int_eq(version_of(db), 5);
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM baseline WHERE note = unit"), 2);
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM second"), 1);
        ck_assert_int_eq(schema_migrate(db, migrations, 5), 0);
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM second"), 1);
        db = database_close(db);
}
END_TEST

/* What an event did to a unit was one list of checks, and what an acceptance kept were facts. */
START_TEST(first_schema_is_brought_up) {
        struct store *store;

        make_filled();
        tamper(folder, "ALTER TABLE event_unit DROP COLUMN rated; ALTER TABLE event_unit DROP COLUMN own_checks;"
                       "ALTER TABLE acceptance DROP COLUMN checks; PRAGMA user_version=1");
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(number_of(store->db, "SELECT count(*) FROM event_unit WHERE own_checks IS NULL"),
                         number_of(store->db, "SELECT count(*) FROM event_unit"));
        ck_assert_int_eq(number_of(store->db, "SELECT count(*) FROM acceptance WHERE checks IS NULL"), 2);
        ck_assert_int_eq(store_each_acceptance(store, ignore_acceptance, NULL), 0);
        ck_assert_int_eq(store_bad_rows(store), 0);
        ck_assert_int_eq(version_of(store->db), 3);
        store_close(store);
}
END_TEST

START_TEST(migration_is_whole_or_not_at_all) {
        static const char *const migrations[] = {
                "", "", "", "CREATE TABLE half (a TEXT) STRICT; DELETE FROM baseline",
                "CREATE TABLE half (a TEXT) STRICT",
        };
        _cleanup_(freep) char *path = temp_path(folder, DB);
        sqlite3 *db;

        make_filled();
        ck_assert_int_eq(database_open(&db, path), 0);
        ck_assert_int_eq(schema_migrate(db, migrations, 5), -EUCLEAN);
        ck_assert_int_eq(version_of(db), 3);
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
        ck_assert_int_eq(number_of(db, "SELECT count(*) FROM baseline"), 2);
        db = database_close(db);
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

START_TEST(name_of_what_was_set_aside_need_not_be_asked_for) {
        enum store_opened opened;
        struct store *store;

        plant_text();
        ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
        ck_assert_int_eq(opened, STORE_SET_ASIDE);
        ck_assert_ptr_null(store_close(store));
        ck_assert_ptr_null(store_close(NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-open");
        TCase *tcase = tcase_create("open");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, folder_setup, folder_teardown);
        tcase_add_loop_test(tcase, only_its_owner_reads_it, 0, ELEMENTSOF(umasks));
        tcase_add_test(tcase, mode_is_put_right);
        tcase_add_test(tcase, what_a_connection_is_like);
        tcase_add_test(tcase, no_folder);
        tcase_add_test(tcase, folder_may_be_a_link);
        tcase_add_loop_test(tcase, planted_link_is_not_followed, 0, 4 * ELEMENTSOF(planted));
        tcase_add_test(tcase, sqlite_follows_no_link);
        tcase_add_loop_test(tcase, stranger_is_set_aside, 0, ELEMENTSOF(strangers));
        tcase_add_loop_test(tcase, what_is_no_file_is_set_aside, 0, 2);
        tcase_add_test(tcase, newer_is_set_aside);
        tcase_add_test(tcase, its_log_goes_with_it);
        tcase_add_test(tcase, log_of_no_database_is_set_aside);
        tcase_add_test(tcase, no_more_than_eight);
        tcase_add_test(tcase, half_made_is_made_again);
        tcase_add_test(tcase, name_of_new_one_is_taken_by_a_link);
        tcase_add_test(tcase, file_is_taken_away);
        tcase_add_test(tcase, somebody_else_has_it_locked);
        tcase_add_test(tcase, older_schema_is_brought_up);
        tcase_add_test(tcase, first_schema_is_brought_up);
        tcase_add_test(tcase, migration_is_whole_or_not_at_all);
        tcase_add_test(tcase, name_of_what_was_set_aside_need_not_be_asked_for);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
