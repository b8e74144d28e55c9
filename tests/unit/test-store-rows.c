/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sqlite3.h>

#include "store-fixture.h"
#include "suite.h"

static void reopen(void) {
        store = store_close(store);
        store = open_as(folder, STORE_OPENED);
}

static void assert_same_after_reopening(const char *files_of) {
        _cleanup_(freep) char *before = dump(store, files_of), *after = NULL;

        reopen();
        after = dump(store, files_of);
        ck_assert_str_eq(before, after);
}

/* A text of so many letters; the caller's. */
static char *letters(size_t n) {
        char *text = malloc(n + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', n);
        text[n] = '\0';
        return text;
}

static int copy_baseline(void *userdata, const struct store_baseline *baseline) {
        struct store_baseline *copy = userdata;

        *copy = *baseline;
        copy->unit = strdup(baseline->unit);
        copy->systemd_version = strdup(baseline->systemd_version);
        copy->model_version = baseline->model_version ? strdup(baseline->model_version) : NULL;
        return 0;
}

static void assert_only_baseline(const struct store_baseline *expected) {
        struct store_baseline found = {};

        ck_assert_int_eq(store_each_baseline(store, copy_baseline, &found), 0);
        ck_assert_ptr_nonnull(found.unit);
        ck_assert_str_eq(found.unit, expected->unit);
        ck_assert_str_eq(found.systemd_version, expected->systemd_version);
        ck_assert_pstr_eq(found.model_version, expected->model_version);
        ck_assert_uint_eq(found.taken, expected->taken);
        ck_assert_uint_eq(found.seen, expected->seen);
        ck_assert(facts_equal(&found.facts, &expected->facts));
        ck_assert(facts_equal(&found.settled, &expected->settled));
        ck_assert_int_eq(found.composite, expected->composite);
        ck_assert_int_eq(found.gone, expected->gone);
        ck_assert(assessment_equal(&found.assessment, &expected->assessment));
        ck_assert_uint_eq(found.files_signature, expected->files_signature);
        free((char *) found.unit);
        free((char *) found.systemd_version);
        free((char *) found.model_version);
}

static void put_baseline(const struct store_baseline *baseline) {
        begin(store);
        ck_assert_int_eq(store_put_baseline(store, baseline), 0);
        commit(store);
}

START_TEST(baseline_comes_back) {
        struct store_baseline baseline = sample_baseline("a.service", 5);

        put_baseline(&baseline);
        assert_only_baseline(&baseline);
        assert_same_after_reopening(NULL);

        /* a new one takes the place of the old one */
        for (unsigned n = 6; n < 12; n++) {
                baseline = sample_baseline("a.service", n);
                put_baseline(&baseline);
                assert_only_baseline(&baseline);
        }
        assert_same_after_reopening(NULL);
}
END_TEST

START_TEST(baseline_is_touched) {
        struct store_baseline baseline = sample_baseline("a.service", 5);

        put_baseline(&baseline);
        begin(store);
        ck_assert_int_eq(store_touch_baseline(store, "a.service", 99999999), 0);
        ck_assert_int_eq(store_touch_baseline(store, "nobody.service", 99999999), 0);
        commit(store);
        baseline.seen = 99999999;
        assert_only_baseline(&baseline);
}
END_TEST

static int count(void *userdata) {
        (*(int *) userdata)++;
        return 0;
}

static int count_baseline(void *userdata, const struct store_baseline *baseline) {
        (void) baseline;
        return count(userdata);
}

static int count_file(void *userdata, const struct store_file *file) {
        (void) file;
        return count(userdata);
}

static int count_regression(void *userdata, const struct store_regression *regression) {
        (void) regression;
        return count(userdata);
}

static int count_acceptance(void *userdata, const struct store_acceptance *acceptance) {
        (void) acceptance;
        return count(userdata);
}

static void assert_counts(int baselines, int files, int regressions, int acceptances) {
        int n[4] = {};

        ck_assert_int_eq(store_each_baseline(store, count_baseline, n), 0);
        ck_assert_int_eq(store_each_file(store, FILL_UNIT, count_file, n + 1), 0);
        ck_assert_int_eq(store_each_regression(store, count_regression, n + 2), 0);
        ck_assert_int_eq(store_each_acceptance(store, count_acceptance, n + 3), 0);
        ck_assert_int_eq(n[0], baselines);
        ck_assert_int_eq(n[1], files);
        ck_assert_int_eq(n[2], regressions);
        ck_assert_int_eq(n[3], acceptances);
}

START_TEST(rows_are_removed) {
        fill(store);
        assert_counts(2, 2, 2, 2);

        begin(store);
        ck_assert_int_eq(store_remove_baseline(store, FILL_UNIT), 0);
        ck_assert_int_eq(store_remove_baseline(store, FILL_UNIT), 0);
        commit(store);
        assert_counts(1, 0, 2, 2);

        begin(store);
        ck_assert_int_eq(store_remove_regression(store, FILL_UNIT), 0);
        ck_assert_int_eq(store_remove_regression(store, "nobody.service"), 0);
        ck_assert_int_eq(store_remove_acceptance(store, "beta.service"), 0);
        ck_assert_int_eq(store_remove_acceptance(store, FILL_UNIT), 0);
        commit(store);
        assert_counts(1, 0, 1, 0);
        assert_same_after_reopening(NULL);
}
END_TEST

START_TEST(everything_comes_back) {
        _cleanup_(freep) char *text = NULL;

        fill(store);
        assert_same_after_reopening(FILL_UNIT);
        text = dump(store, FILL_UNIT);
        ck_assert_ptr_nonnull(strstr(text, "regression alpha.service 00000000000000000000000000000001 1\n"
                                     " PrivateTmp 0 1\n Delegate 0 1\n"));
        ck_assert_ptr_nonnull(strstr(text, "acceptance beta.service 00000000000000000000000000000002 2 257 "
                                     "(none)\n"));
        ck_assert_ptr_nonnull(strstr(text, "file /etc/systemd/system/x.service (none) [Service]\n 1 0 0\n"
                                     "file /etc/systemd/system/y.service x.service (none) 0 "
                                     "18446744073709551615 0\n"));
        ck_assert_ptr_nonnull(strstr(text, "unannounced 00000000000000000000000000000002\n"));
        ck_assert_ptr_null(strstr(text, "unannounced 00000000000000000000000000000001\n"));
}
END_TEST

START_TEST(regression_is_replaced) {
        static const struct check_change worse[] = { { CHECK_UMASK, 0, 5 } };
        struct store_regression regression = {
                .unit = FILL_UNIT, .id = sample_id(7), .since = 70, .checks = worse, .n_checks = 1,
        };
        _cleanup_(freep) char *text = NULL;

        fill(store);
        begin(store);
        ck_assert_int_eq(store_put_regression(store, &regression), 0);
        commit(store);
        assert_counts(2, 2, 2, 2);
        text = dump(store, NULL);
        ck_assert_ptr_nonnull(strstr(text, "regression alpha.service 00000000000000000000000000000007 70\n"
                                     " UMask 0 5\n"));
}
END_TEST

/* Asked by another connection, as an administrator would. */
static sqlite3_int64 number(const char *sql) {
        _cleanup_(freep) char *path = temp_path(folder, "exposured.db");
        sqlite3_stmt *stmt = NULL;
        sqlite3_int64 result;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
        result = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        return result;
}

START_TEST(content_is_kept_once) {
        struct store_file files[] = {
                { .path = "/a", .content = "shared" }, { .path = "/b", .content = "shared" },
                { .path = "/c", .content = "lone" }, { .path = "/d", .content = "" }, { .path = "/e" },
        };

        begin(store);
        ck_assert_int_eq(store_put_files(store, "a.service", files, 5), 0);
        ck_assert_int_eq(store_put_files(store, "b.service", files, 1), 0);
        ck_assert_int_eq(store_put_files(store, "b.service", files, 1), 0);
        commit(store);
        ck_assert_int_eq(number("SELECT count(*) FROM content"), 3);
        ck_assert_int_eq(number("SELECT count(*) FROM file"), 6);

        begin(store);
        ck_assert_int_eq(store_put_files(store, "a.service", files, 1), 0);
        commit(store);
        ck_assert_int_eq(number("SELECT count(*) FROM content"), 1);

        begin(store);
        ck_assert_int_eq(store_put_files(store, "a.service", NULL, 0), 0);
        commit(store);
        ck_assert_int_eq(number("SELECT count(*) FROM content"), 1);

        begin(store);
        ck_assert_int_eq(store_put_files(store, "b.service", files + 4, 1), 0);
        commit(store);
        ck_assert_int_eq(number("SELECT count(*) FROM content"), 0);
        ck_assert_int_eq(number("SELECT count(*) FROM file"), 1);
}
END_TEST

START_TEST(files_need_not_be_utf8) {
        struct store_file file = { .path = "/\xff", .target = "\xfe", .content = "\xc3(" };
        _cleanup_(freep) char *text = NULL;

        begin(store);
        ck_assert_int_eq(store_put_files(store, FILL_UNIT, &file, 1), 0);
        commit(store);
        text = dump(store, FILL_UNIT);
        ck_assert_str_eq(text, "file /\xff \xfe \xc3( 0 0 0\n");
}
END_TEST

START_TEST(texts) {
        char *value = (char *) "untouched";

        ck_assert_int_eq(store_get_text(store, "key", &value), 0);
        ck_assert_ptr_null(value);

        begin(store);
        ck_assert_int_eq(store_put_text(store, "key", "old"), 0);
        ck_assert_int_eq(store_put_text(store, "key", "n\xc3\xa9w"), 0);
        ck_assert_int_eq(store_put_text(store, "other", ""), 0);
        commit(store);
        reopen();
        ck_assert_int_eq(store_get_text(store, "key", &value), 0);
        ck_assert_str_eq(value, "n\xc3\xa9w");
        free(value);
        ck_assert_int_eq(store_get_text(store, "other", &value), 0);
        ck_assert_str_eq(value, "");
        free(value);
        ck_assert_int_eq(store_get_text(store, "", &value), -EINVAL);
}
END_TEST

START_TEST(rolled_back_is_nothing) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        struct store_baseline baseline = sample_baseline("gamma.service", 3);

        fill(store);
        before = dump(store, FILL_UNIT);
        begin(store);
        ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        ck_assert_int_eq(store_remove_baseline(store, FILL_UNIT), 0);
        ck_assert_int_eq(store_remove_regression(store, FILL_UNIT), 0);
        put_announced(store, 50, "improved", "gamma.service");
        store_rollback(store);
        after = dump(store, FILL_UNIT);
        ck_assert_str_eq(before, after);

        /* and what is not committed when the store is closed */
        begin(store);
        ck_assert_int_eq(store_remove_baseline(store, FILL_UNIT), 0);
        reopen();
        free(after);
        after = dump(store, FILL_UNIT);
        ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(changes_need_a_transaction) {
        struct store_baseline baseline = sample_baseline("a.service", 5);
        struct store_event event = sample_event(1, "regressed", "a.service");
        struct store_regression regression = { .unit = "a.service", .id = sample_id(1) };
        struct store_acceptance acceptance = { .unit = "a", .id = sample_id(1), .systemd_version = "" };
        _cleanup_(freep) char *text = NULL;

        ck_assert_int_eq(store_put_baseline(store, &baseline), -EINVAL);
        ck_assert_int_eq(store_touch_baseline(store, "a.service", 1), -EINVAL);
        ck_assert_int_eq(store_remove_baseline(store, "a.service"), -EINVAL);
        ck_assert_int_eq(store_put_files(store, "a.service", NULL, 0), -EINVAL);
        ck_assert_int_eq(store_put_event(store, &event), -EINVAL);
        ck_assert_int_eq(store_put_regression(store, &regression), -EINVAL);
        ck_assert_int_eq(store_remove_regression(store, "a.service"), -EINVAL);
        ck_assert_int_eq(store_put_acceptance(store, &acceptance), -EINVAL);
        ck_assert_int_eq(store_remove_acceptance(store, "a.service"), -EINVAL);
        ck_assert_int_eq(store_put_text(store, "a", "b"), -EINVAL);
        ck_assert_int_eq(store_commit(store), -EINVAL);
        store_rollback(store);
        text = dump(store, "a.service");
        ck_assert_str_eq(text, "");

        begin(store);
        ck_assert_int_eq(store_begin(store), -EINVAL);
        commit(store);
}
END_TEST

/* What was given wrong is refused before anything is written; the transaction goes on. */
START_TEST(wrong_baselines) {
        _cleanup_(freep) char *long_unit = letters(STORE_UNIT_MAX + 1);
        _cleanup_(freep) char *longest_unit = letters(STORE_UNIT_MAX);
        struct store_baseline good = sample_baseline(longest_unit, 5), bad;

        begin(store);
        bad = good, bad.unit = NULL;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.unit = "";
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.unit = long_unit;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.unit = "\xff.service";
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.systemd_version = NULL;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.taken = UINT64_MAX;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.seen = UINT64_MAX;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.assessment.exposure = 101;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.facts.user = _USER_CLASS_MAX;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        bad = good, bad.settled.umask = 01000;
        ck_assert_int_eq(store_put_baseline(store, &bad), -EINVAL);
        ck_assert_int_eq(store_touch_baseline(store, "", 1), -EINVAL);
        ck_assert_int_eq(store_touch_baseline(store, "a.service", UINT64_MAX), -EINVAL);
        ck_assert_int_eq(store_remove_baseline(store, NULL), -EINVAL);
        ck_assert_int_eq(store_put_baseline(store, &good), 0);
        commit(store);
        assert_only_baseline(&good);
}
END_TEST

START_TEST(wrong_files) {
        _cleanup_(freep) char *long_path = letters(STORE_PATH_MAX + 1);
        _cleanup_(freep) char *longest_path = letters(STORE_PATH_MAX);
        _cleanup_(freep) char *large = letters(STORE_CONTENT_MAX + 1);
        _cleanup_(freep) char *largest = letters(STORE_CONTENT_MAX);
        struct store_file bad[] = {
                {}, { .path = "" }, { .path = long_path }, { .path = "/a", .target = long_path },
                { .path = "/a", .content = large },
        }, good = { .path = longest_path, .target = longest_path, .content = largest };
        int n = 0;

        begin(store);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_int_eq(store_put_files(store, FILL_UNIT, bad + i, 1), -EINVAL);
        ck_assert_int_eq(store_put_files(store, FILL_UNIT, &good, STORE_FILES_MAX + 1), -EINVAL);
        ck_assert_int_eq(store_put_files(store, FILL_UNIT, &good, 1), 0);
        commit(store);
        ck_assert_int_eq(store_each_file(store, FILL_UNIT, count_file, &n), 0);
        ck_assert_int_eq(n, 1);
        ck_assert_int_eq(store_each_file(store, "", count_file, &n), -EINVAL);
}
END_TEST

START_TEST(wrong_others) {
        static const struct check_change none[] = { { _CHECK_MAX, 0, 1 } };
        _cleanup_(freep) char *long_text = letters(16384);
        struct store_regression regression = { .unit = "a", .id = sample_id(1) }, bad_r;
        struct store_acceptance acceptance = { .unit = "a", .id = sample_id(1), .systemd_version = "1" };
        struct store_acceptance bad_a;

        begin(store);
        bad_r = regression, bad_r.id = "1";
        ck_assert_int_eq(store_put_regression(store, &bad_r), -EINVAL);
        bad_r = regression, bad_r.id = "0123456789ABCDEF0123456789ABCDEF";
        ck_assert_int_eq(store_put_regression(store, &bad_r), -EINVAL);
        bad_r = regression, bad_r.id = "0123456789abcdef0123456789abcdef0";
        ck_assert_int_eq(store_put_regression(store, &bad_r), -EINVAL);
        bad_r = regression, bad_r.since = UINT64_MAX;
        ck_assert_int_eq(store_put_regression(store, &bad_r), -EINVAL);
        bad_r = regression, bad_r.checks = none, bad_r.n_checks = 1;
        ck_assert_int_eq(store_put_regression(store, &bad_r), -EINVAL);
        bad_a = acceptance, bad_a.id = NULL;
        ck_assert_int_eq(store_put_acceptance(store, &bad_a), -EINVAL);
        bad_a = acceptance, bad_a.until = UINT64_MAX;
        ck_assert_int_eq(store_put_acceptance(store, &bad_a), -EINVAL);
        bad_a = acceptance, bad_a.systemd_version = long_text;
        ck_assert_int_eq(store_put_acceptance(store, &bad_a), -EINVAL);
        bad_a = acceptance, bad_a.facts.umask = 01000;
        ck_assert_int_eq(store_put_acceptance(store, &bad_a), -EINVAL);
        ck_assert_int_eq(store_put_text(store, "a", NULL), -EINVAL);
        ck_assert_int_eq(store_put_text(store, "a", long_text), -EINVAL);
        ck_assert_int_eq(store_put_text(store, long_text, "a"), -EINVAL);
        ck_assert_int_eq(store_remove_regression(store, ""), -EINVAL);
        ck_assert_int_eq(store_remove_acceptance(store, long_text), -EINVAL);
        ck_assert_int_eq(store_put_regression(store, &regression), 0);
        ck_assert_int_eq(store_put_acceptance(store, &acceptance), 0);
        commit(store);
        assert_counts(0, 0, 1, 1);
}
END_TEST

static int refuse_second(void *userdata, const struct store_baseline *baseline) {
        (void) baseline;
        return ++*(int *) userdata == 2 ? -ECANCELED : 1;
}

START_TEST(reading_can_be_ended) {
        int n = 0;

        begin(store);
        for (unsigned i = 0; i < 3; i++) {
                char unit[] = "x.service";
                struct store_baseline baseline;

                unit[0] = (char) ('a' + i);
                baseline = sample_baseline(unit, i);
                ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        }
        commit(store);
        ck_assert_int_eq(store_each_baseline(store, refuse_second, &n), -ECANCELED);
        ck_assert_int_eq(n, 2);
        n = 5;
        ck_assert_int_eq(store_each_baseline(store, refuse_second, &n), 0);
        ck_assert_int_eq(n, 8);
}
END_TEST

/* Removes what it is told of, reads it all again meanwhile, and looks whether what it was told stays. */
static int remove_told(void *userdata, const struct store_baseline *baseline) {
        _cleanup_(freep) char *unit = strdup(baseline->unit);
        int n = 0;

        begin(store);
        ck_assert_int_eq(store_remove_baseline(store, baseline->unit), 0);
        commit(store);
        ck_assert_int_eq(store_each_baseline(store, count_baseline, &n), 0);
        ck_assert_int_eq(n, 1 - *(int *) userdata);
        ck_assert_str_eq(unit, baseline->unit);
        return count(userdata);
}

START_TEST(readers_may_change_things) {
        int n = 0;

        fill(store);
        ck_assert_int_eq(store_each_baseline(store, remove_told, &n), 0);
        ck_assert_int_eq(n, 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-rows");
        TCase *tcase = tcase_create("rows");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, store_setup, store_teardown);
        tcase_add_test(tcase, baseline_comes_back);
        tcase_add_test(tcase, baseline_is_touched);
        tcase_add_test(tcase, rows_are_removed);
        tcase_add_test(tcase, everything_comes_back);
        tcase_add_test(tcase, regression_is_replaced);
        tcase_add_test(tcase, content_is_kept_once);
        tcase_add_test(tcase, files_need_not_be_utf8);
        tcase_add_test(tcase, texts);
        tcase_add_test(tcase, rolled_back_is_nothing);
        tcase_add_test(tcase, changes_need_a_transaction);
        tcase_add_test(tcase, wrong_baselines);
        tcase_add_test(tcase, wrong_files);
        tcase_add_test(tcase, wrong_others);
        tcase_add_test(tcase, reading_can_be_ended);
        tcase_add_test(tcase, readers_may_change_things);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
