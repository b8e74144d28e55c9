/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"
#include "store-folder.h"
#include "store-sample.h"
#include "suite.h"

#define DB "exposured.db"
#define ROUNDS 150

/* A file as a test has it in memory. */
struct bytes {
        unsigned char *data;
        size_t size;
};

static struct bytes load(const char *path) {
        struct bytes bytes = {};
        FILE *f = fopen(path, "re");
        struct stat st;

        ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
        ck_assert_int_ge(fstat(fileno(f), &st), 0);
        bytes.size = (size_t) st.st_size;
        bytes.data = malloc(bytes.size + 1);
        ck_assert_ptr_nonnull(bytes.data);
        ck_assert_uint_eq(fread(bytes.data, 1, bytes.size, f), bytes.size);
        fclose(f);
        return bytes;
}

static struct bytes load_entry(const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);

        return load(path);
}

static void bytes_free(struct bytes *bytes) {
        free(bytes->data);
}

/* Leaves nothing in the folder but these. */
static void restart(const struct bytes *db, size_t db_size, const struct bytes *log, size_t log_size) {
        temp_free(folder);
        folder = temp_new();
        temp_write_bytes(folder, DB, db->data, db_size);
        if (log)
                temp_write_bytes(folder, DB "-wal", log->data, log_size);
}

static void put_batch(struct store *store, unsigned n) {
        struct store_baseline baseline = sample_baseline("counted.service", n);
        char number[16];

        (void) snprintf(number, sizeof(number), "%u", n);
        begin(store);
        put_event(store, n, "regressed", "counted.service");
        ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        ck_assert_int_eq(store_put_text(store, "count", number), 0);
        commit(store);
}

/* A database that was closed well. */
static struct bytes make_closed(void) {
        struct store *store = open_as(folder, STORE_CREATED);

        fill(store);
        for (unsigned i = 100; i < 140; i++)
                put_batch(store, i);
        store_close(store);
        return load_entry(DB);
}

/* One whose process died, with so many batches in the log. */
static void make_killed(unsigned n, struct bytes *ret_db, struct bytes *ret_log) {
        int status;
        pid_t pid;

        store_close(open_as(folder, STORE_CREATED));
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                /* Static, so that it is no leak where it ends. */
                static struct store *store;

                store = open_as(folder, STORE_OPENED);
                for (unsigned i = 1; i <= n; i++)
                        put_batch(store, i);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        *ret_db = load_entry(DB);
        *ret_log = load_entry(DB "-wal");
}

/* Opens whatever is there, and takes it into use. */
static enum store_opened open_and_use(void) {
        enum store_opened opened = 99;
        struct store *store = NULL;
        int r;

        r = store_open(&store, folder, &opened, NULL);
        ck_assert_msg(r == 0, "cannot open: %s", strerror(-r));
        if (opened == STORE_SET_ASIDE)
                put_batch(store, 1);
        store_close(store);
        return opened;
}

START_TEST(truncated) {
        _cleanup_(bytes_free) struct bytes whole = make_closed();

        for (size_t size = 0; size < whole.size; size += 4096) {
                restart(&whole, size, NULL, 0);
                ck_assert_msg(open_and_use() == STORE_SET_ASIDE, "cut to %zu", size);
                store_close(open_as(folder, STORE_OPENED));
        }
}
END_TEST

struct counted {
        unsigned n, max;
};

static int count_event(void *userdata, const struct store_event *event) {
        struct counted *counted = userdata;
        unsigned long id = strtoul(event->id, NULL, 16);

        counted->n++;
        if (id > counted->max)
                counted->max = (unsigned) id;
        return 0;
}

static int check_baseline(void *userdata, const struct store_baseline *baseline) {
        ck_assert_uint_eq(baseline->taken - 1000000, *(unsigned *) userdata);
        return 0;
}

/* Whole batches, from the first on: how many. */
static unsigned count_batches(struct store *store) {
        _cleanup_(freep) char *text = NULL;
        struct counted counted = {};

        ck_assert_int_eq(store_each_event(store, NULL, NULL, SIZE_MAX, count_event, &counted), 0);
        ck_assert_uint_eq(counted.n, counted.max);
        ck_assert_int_eq(store_get_text(store, "count", &text), 0);
        ck_assert_uint_eq(counted.n, text ? strtoul(text, NULL, 10) : 0);
        ck_assert_int_eq(store_each_baseline(store, check_baseline, &counted.n), 0);
        return counted.n;
}

/* What a power cut leaves of the log: a beginning of it, whole batches alone count. */
START_TEST(log_is_cut) {
        _cleanup_(bytes_free) struct bytes db = {}, log = {};
        unsigned last = 0;

        make_killed(20, &db, &log);
        for (size_t size = 0; size <= log.size; size += random_below(4096)) {
                struct store *store;
                unsigned n;

                restart(&db, db.size, &log, size);
                store = open_as(folder, STORE_OPENED);
                n = count_batches(store);
                ck_assert_uint_ge(n, last);
                last = n;
                store_close(store);
        }
        restart(&db, db.size, &log, log.size);
        open_and_use();
        struct store *store = open_as(folder, STORE_OPENED);
        ck_assert_uint_eq(count_batches(store), 20);
        store_close(store);
}
END_TEST

START_TEST(log_is_garbled) {
        _cleanup_(bytes_free) struct bytes db = {}, log = {};

        make_killed(20, &db, &log);
        for (int i = 0; i < ROUNDS / 3; i++) {
                size_t at = random_below(log.size);
                unsigned char was = log.data[at];
                struct store *store;

                log.data[at] ^= (unsigned char) (1 + random_below(255));
                restart(&db, db.size, &log, log.size);
                store = open_as(folder, STORE_OPENED);
                (void) count_batches(store);
                store_close(store);
                log.data[at] = was;
        }
}
END_TEST

/* Reads and changes everything; what fails has to say that the database is damaged. */
static void assert_survives(struct store *store) {
        static const struct store_limits limits = { .events_max = 10, .baselines_max = 1 };
        struct store_baseline baseline = sample_baseline("new.service", 1);
        struct store_event event = sample_event(5000, "regressed", FILL_UNIT);
        struct counted counted = {};
        int r;

        r = store_each_event(store, NULL, NULL, 1000, count_event, &counted);
        ck_assert_msg(r == 0 || r == -EUCLEAN, "%s", strerror(-r));
        r = store_each_event(store, FILL_UNIT, NULL, 1000, count_event, &counted);
        ck_assert_msg(r == 0 || r == -EUCLEAN, "%s", strerror(-r));
        r = store_begin(store);
        if (r >= 0)
                r = store_put_baseline(store, &baseline);
        if (r >= 0)
                r = store_put_event(store, &event);
        if (r >= 0)
                r = store_remove_baseline(store, FILL_UNIT);
        if (r >= 0)
                r = store_commit(store);
        store_rollback(store);
        ck_assert_msg(r == 0 || r == -EUCLEAN || r == -EEXIST, "%s", strerror(-r));
        for (int i = 0; i < 10 && r >= 0; i++)
                r = store_prune(store, &limits);
        ck_assert_msg(r >= 0 || r == -EUCLEAN || r == -EEXIST, "%s", strerror(-r));
}

/* Within a page. Zeros in place of numbers are numbers: what is opened is not always what was put. */
START_TEST(truncated_anywhere) {
        _cleanup_(bytes_free) struct bytes whole = make_closed();

        for (int i = 0; i < ROUNDS; i++) {
                size_t size = i % 2 ? random_below(whole.size) : whole.size - 1 - random_below(4095);
                enum store_opened opened;
                struct store *store;

                restart(&whole, size, NULL, 0);
                ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
                ck_assert_msg(opened == STORE_SET_ASIDE || size > whole.size - 4096, "cut to %zu", size);
                assert_survives(store);
                store_close(store);
        }
}
END_TEST

START_TEST(bytes_are_flipped) {
        _cleanup_(bytes_free) struct bytes whole = make_closed();
        unsigned n_aside = 0;

        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(freep) unsigned char *copy = malloc(whole.size);
                struct bytes garbled = { copy, whole.size };
                enum store_opened opened = 99;
                struct store *store = NULL;

                ck_assert_ptr_nonnull(copy);
                memcpy(copy, whole.data, whole.size);
                for (uint64_t k = 1 + random_below(8); k > 0; k--)
                        copy[random_below(whole.size)] = (unsigned char) random_next();
                restart(&garbled, garbled.size, NULL, 0);
                ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
                n_aside += opened == STORE_SET_ASIDE;
                assert_survives(store);
                store_close(store);
        }
        ck_assert_uint_gt(n_aside, 0);
}
END_TEST

/* Pages of another content, as a disk may give: also of pages that are valid elsewhere. */
START_TEST(pages_are_swapped) {
        _cleanup_(bytes_free) struct bytes whole = make_closed();
        size_t n_pages = whole.size / 4096;

        for (int i = 0; i < ROUNDS / 3; i++) {
                _cleanup_(freep) unsigned char *copy = malloc(whole.size);
                struct bytes garbled = { copy, whole.size };
                struct store *store = NULL;
                enum store_opened opened;

                ck_assert_ptr_nonnull(copy);
                memcpy(copy, whole.data, whole.size);
                memcpy(copy + 4096 * (1 + random_below(n_pages - 1)),
                       whole.data + 4096 * random_below(n_pages), 4096);
                restart(&garbled, garbled.size, NULL, 0);
                ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
                assert_survives(store);
                store_close(store);
        }
}
END_TEST

/* Nothing of what a damaged database has is changed, its log neither. */
START_TEST(damaged_is_kept_as_it_was) {
        _cleanup_(bytes_free) struct bytes db = {}, log = {};
        unsigned n_aside = 0;

        make_killed(2, &db, &log);
        for (size_t page = 1; page < db.size / 4096; page++) {
                _cleanup_(bytes_free) struct bytes db_aside = {}, log_aside = {};
                _cleanup_(freep) char *aside = NULL, *aside_log = NULL;
                _cleanup_(freep) unsigned char *was = malloc(4096);
                enum store_opened opened;
                struct store *store;

                memcpy(was, db.data + page * 4096, 4096);
                memset(db.data + page * 4096, 0xff, 4096);
                restart(&db, db.size, &log, log.size);
                ck_assert_int_eq(store_open(&store, folder, &opened, &aside), 0);
                store_close(store);
                if (opened == STORE_SET_ASIDE) {
                        n_aside++;
                        ck_assert_int_gt(asprintf(&aside_log, "%s-wal", aside), 0);
                        db_aside = load(aside);
                        log_aside = load(aside_log);
                        ck_assert_uint_eq(db_aside.size, db.size);
                        ck_assert_mem_eq(db_aside.data, db.data, db.size);
                        ck_assert_uint_eq(log_aside.size, log.size);
                        ck_assert_mem_eq(log_aside.data, log.data, log.size);
                }
                memcpy(db.data + page * 4096, was, 4096);
        }
        /* those that are in the log are whole again */
        ck_assert_uint_gt(n_aside, 0);
        ck_assert_uint_lt(n_aside, db.size / 4096 - 1);
}
END_TEST

/* Takes all guards out of the schema, so that anything can be in a row. */
static void make_lax(void) {
        static const char *const guards[][2] = {
                { " STRICT, WITHOUT", " WITHOUT" }, { " STRICT", "" }, { " NOT NULL", "" },
                { " TEXT", " BLOB" }, { " INTEGER", " BLOB" },
                { " BLOB PRIMARY KEY", " INTEGER PRIMARY KEY" },
        };
        struct store *store = open_as(folder, STORE_CREATED);

        fill(store);
        store_close(store);
        for (size_t i = 0; i < ELEMENTSOF(guards); i++) {
                _cleanup_(freep) char *sql = NULL;

                ck_assert_int_gt(asprintf(&sql, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql ="
                                          " replace(sql, '%s', '%s') WHERE type = 'table'",
                                          guards[i][0], guards[i][1]), 0);
                tamper(folder, sql);
        }
}

/* What somebody did to one row, and how often it is met in a dump. */
static const struct {
        const char *sql;
        unsigned bad_rows;
} edits[] = {
        { "UPDATE baseline SET unit = '' WHERE row = 1", 1 },
        { "UPDATE baseline SET unit = x'61' WHERE row = 1", 1 },
        { "UPDATE baseline SET unit = NULL WHERE row = 1", 1 },
        { "UPDATE baseline SET unit = hex(zeroblob(128)) WHERE row = 1", 1 },
        { "UPDATE baseline SET unit = CAST(x'ff' AS TEXT) WHERE row = 1", 1 },
        { "UPDATE baseline SET unit = CAST(x'610062' AS TEXT) WHERE row = 1", 1 },
        { "UPDATE baseline SET taken = -1 WHERE row = 1", 1 },
        { "UPDATE baseline SET taken = 1.5 WHERE row = 1", 1 },
        { "UPDATE baseline SET taken = 'now' WHERE row = 1", 1 },
        { "UPDATE baseline SET taken = NULL WHERE row = 1", 1 },
        { "UPDATE baseline SET exposure = 101 WHERE row = 1", 1 },
        { "UPDATE baseline SET exposure = -1 WHERE row = 1", 1 },
        { "UPDATE baseline SET sum = x'00' WHERE row = 1", 1 },
        { "UPDATE baseline SET facts = 'PrivateTmp=perhaps' WHERE row = 1", 1 },
        { "UPDATE baseline SET facts = hex(zeroblob(20000)) WHERE row = 1", 1 },
        { "UPDATE baseline SET facts = 7 WHERE row = 1", 1 },
        { "UPDATE baseline SET settled = 'UMask=9' WHERE row = 1", 1 },
        { "UPDATE baseline SET composite = 2 WHERE row = 1", 1 },
        { "UPDATE baseline SET gone = NULL WHERE row = 1", 1 },
        { "UPDATE baseline SET checks = 'UMask=255' WHERE row = 1", 1 },
        { "UPDATE baseline SET checks = NULL WHERE row = 1", 1 },
        { "UPDATE baseline SET model_version = x'00' WHERE row = 1", 1 },
        { "UPDATE baseline SET files_signature = 'x' WHERE row = 1", 1 },
        { "DELETE FROM seen WHERE baseline = 1", 1 },
        { "UPDATE seen SET time = 'x' WHERE baseline = 1", 1 },
        { "UPDATE regression SET id = 'x' WHERE row = 1", 1 },
        { "UPDATE regression SET since = -9 WHERE row = 1", 1 },
        { "UPDATE regression SET checks = 'UMask=1' WHERE row = 1", 1 },
        { "UPDATE acceptance SET until = 'x' WHERE row = 1", 1 },
        { "UPDATE acceptance SET facts = 'x' WHERE row = 1", 1 },
        { "UPDATE acceptance SET systemd_version = NULL WHERE row = 1", 1 },
        { "UPDATE acceptance SET checks = 'UMask=255' WHERE row = 1", 1 },
        { "UPDATE file SET path = NULL WHERE row = 1", 1 },
        { "UPDATE file SET path = x'' WHERE row = 1", 1 },
        { "UPDATE file SET path = 'text' WHERE row = 1", 1 },
        { "UPDATE file SET path = zeroblob(5) WHERE row = 1", 1 },
        { "UPDATE file SET target = zeroblob(5000) WHERE row = 1", 1 },
        { "UPDATE file SET content = 4711 WHERE row = 1", 1 },
        { "UPDATE content SET content = x'610061'", 1 },
        { "UPDATE content SET content = NULL", 1 },
        { "UPDATE file SET mtime = 'x' WHERE row = 1", 1 },
        { "UPDATE event SET id = 'x' WHERE row = 2", 2 }, /* told among all and among the unannounced */
        { "UPDATE event SET event = 'two words' WHERE row = 2", 2 },
        { "UPDATE event SET event = NULL WHERE row = 2", 2 },
        { "UPDATE event SET unit = NULL WHERE row = 2", 2 },
        { "UPDATE event SET time = -1 WHERE row = 2", 2 },
        { "UPDATE event SET before = 1000 WHERE row = 2", 2 },
        { "UPDATE event SET after = 'x' WHERE row = 2", 2 },
        { "UPDATE event SET uid = 4294967296 WHERE row = 2", 2 },
        { "UPDATE event SET reason = hex(zeroblob(600)) WHERE row = 2", 2 },
        { "UPDATE event SET until = NULL WHERE row = 2", 2 },
        { "UPDATE event_unit SET unit = '' WHERE event = 2", 2 },
        { "UPDATE event_unit SET before = -1 WHERE event = 2", 2 },
        { "UPDATE event_unit SET checks = 'UMask=0 900' WHERE event = 2", 2 },
        { "UPDATE event_unit SET own_checks = 'UMask=0 900' WHERE event = 2", 2 },
        { "UPDATE event_unit SET rated = 101 WHERE event = 2", 2 },
        { "UPDATE event_cause SET path = x'00' WHERE event = 2", 2 },
        { "UPDATE event_cause SET change = 'Changed' WHERE event = 2", 2 },
        { "UPDATE event_cause SET time = NULL WHERE event = 2", 2 },
        { "UPDATE event_cause SET lines = replace(hex(zeroblob(600)), '0', char(10)) WHERE event = 2", 2 },
        { "UPDATE event_cause SET lines = hex(zeroblob(40000)) WHERE event = 2", 2 },
        { "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)"
          " INSERT INTO event_cause SELECT 2, i, '/', 'changed', 0, NULL FROM n", 2 },
        /* these are as good as any other */
        { "UPDATE baseline SET facts = '' WHERE row = 1", 0 },
        { "UPDATE baseline SET checks = 'NoSuchCheck=9999' WHERE row = 1", 0 },
        { "UPDATE event SET before = NULL, after = NULL WHERE row = 2", 0 },
        { "UPDATE event_unit SET own_checks = '', rated = NULL WHERE event = 2", 0 },
        { "UPDATE event_unit SET rated = 7 WHERE event = 2", 0 },
        { "DELETE FROM event_unit WHERE event = 2", 0 },
        { "INSERT INTO event_unit VALUES (77, 0, 'alpha.service', 1, 1, '', NULL, NULL)", 0 },
};

START_TEST(bad_rows_are_passed_over) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        struct store *store;
        uint64_t met;

        make_lax();
        store = open_as(folder, STORE_OPENED);
        before = dump(store, FILL_UNIT);
        ck_assert_uint_eq(store_bad_rows(store), 0);
        store_close(store);

        tamper(folder, edits[_i].sql);
        store = open_as(folder, STORE_OPENED);
        after = dump(store, FILL_UNIT);
        met = store_bad_rows(store);
        ck_assert_msg(met == edits[_i].bad_rows, "%s: %lu", edits[_i].sql, (unsigned long) met);
        ck_assert_msg(met == 0 || strlen(after) < strlen(before), "%s: nothing is missing", edits[_i].sql);
        /* the rows beside it are there */
        ck_assert_ptr_nonnull(strstr(after, "baseline beta.service"));
        ck_assert_ptr_nonnull(strstr(after, "regression beta.service"));
        ck_assert_ptr_nonnull(strstr(after, "event 00000000000000000000000000000001"));
        store_close(store);
}
END_TEST

START_TEST(bad_text_is_none) {
        struct store *store;
        char *value = NULL;

        make_lax();
        tamper(folder, "UPDATE text SET value = x'00'");
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(store_get_text(store, "systemd-version", &value), 0);
        ck_assert_ptr_null(value);
        ck_assert_uint_eq(store_bad_rows(store), 1);
        store_close(store);
}
END_TEST

START_TEST(bad_rows_do_not_count) {
        struct counted counted = {};
        struct store *store;

        make_lax();
        tamper(folder, "UPDATE event SET time = 'x' WHERE row = 2");
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(store_each_event(store, NULL, NULL, 1, count_event, &counted), 0);
        ck_assert_uint_eq(counted.n, 1);
        ck_assert_uint_eq(counted.max, 1);
        ck_assert_int_eq(store_get_event(store, sample_id(2), count_event, &counted), 0);
        ck_assert_uint_eq(store_bad_rows(store), 2);
        store_close(store);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-damage");
        TCase *tcase = tcase_create("damage");

        random_start();
        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, folder_setup, folder_teardown);
        tcase_add_test(tcase, truncated);
        tcase_add_test(tcase, truncated_anywhere);
        tcase_add_test(tcase, log_is_cut);
        tcase_add_test(tcase, log_is_garbled);
        tcase_add_test(tcase, bytes_are_flipped);
        tcase_add_test(tcase, pages_are_swapped);
        tcase_add_test(tcase, damaged_is_kept_as_it_was);
        tcase_add_loop_test(tcase, bad_rows_are_passed_over, 0, ELEMENTSOF(edits));
        tcase_add_test(tcase, bad_rows_do_not_count);
        tcase_add_test(tcase, bad_text_is_none);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
