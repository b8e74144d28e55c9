/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "memory.h"
#include "store-folder.h"
#include "store-sample.h"
#include "suite.h"

#define DB "exposured.db"

static int try_to_open(void *userdata) {
        _cleanup_(freep) char *aside = NULL;
        struct store *store = NULL;
        enum store_opened opened;
        int r;

        (void) userdata;
        r = store_open(&store, folder, &opened, &aside);
        store_close(store);
        return r;
}

START_TEST(creating) {
        ck_assert_uint_gt(memory_fail_each(try_to_open, NULL), 5);
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

START_TEST(opening) {
        store_close(open_as(folder, STORE_CREATED));
        ck_assert_uint_gt(memory_fail_each(try_to_open, NULL), 3);
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

START_TEST(setting_aside) {
        temp_write(folder, DB, "no database");
        ck_assert_uint_gt(memory_fail_each(try_to_open, NULL), 3);
        store_close(open_as(folder, STORE_OPENED));
}
END_TEST

static int try_to_put(void *userdata) {
        static const struct check_change worse[] = { { CHECK_PRIVATE_TMP, 0, 1 } };
        static const struct store_event_unit units[] = { { .unit = "a.service" }, { .unit = "b.service" } };
        static const struct store_file files[] = { { .path = "/a", .content = "a" }, { .path = "/b" } };
        struct store_baseline baseline = sample_baseline("a.service", 1);
        struct store_event event = sample_event(7, "regressed", "t@.service");
        struct store_regression regression = {
                .unit = "a.service", .id = sample_id(1), .checks = worse, .n_checks = 1,
        };
        struct store_acceptance acceptance = { .unit = "a", .id = sample_id(1), .systemd_version = "" };
        struct store *store = userdata;
        int r;

        event.units = units;
        event.n_units = 2;
        r = store_begin(store);
        if (r >= 0)
                r = store_put_baseline(store, &baseline);
        if (r >= 0)
                r = store_put_files(store, "a.service", files, 2);
        if (r >= 0)
                r = store_put_files(store, "a.service", files, 1);
        if (r >= 0)
                r = store_put_event(store, &event);
        if (r >= 0)
                r = store_put_regression(store, &regression);
        if (r >= 0)
                r = store_put_acceptance(store, &acceptance);
        store_rollback(store);
        return r;
}

static int try_to_read(void *userdata) {
        _cleanup_(freep) char *text = NULL;
        struct store *store = userdata;
        int r;

        r = store_each_baseline(store, ignore_baseline, NULL);
        if (r >= 0)
                r = store_each_regression(store, ignore_regression, NULL);
        if (r >= 0)
                r = store_each_acceptance(store, ignore_acceptance, NULL);
        if (r >= 0)
                r = store_each_file(store, FILL_UNIT, ignore_file, NULL);
        if (r >= 0)
                r = store_each_event(store, NULL, NULL, 9, ignore_event, NULL);
        if (r >= 0)
                r = store_get_text(store, "systemd-version", &text);
        return r;
}

static int try_to_prune(void *userdata) {
        static const struct store_limits limits = { .events_max = 99, .baselines_max = 1 };

        return store_prune(userdata, &limits);
}

START_TEST(using) {
        struct store *store = open_as(folder, STORE_CREATED);

        fill(store);
        ck_assert_uint_gt(memory_fail_each(try_to_read, store), 10);
        ck_assert_uint_gt(memory_fail_each(try_to_put, store), 6);
        ck_assert_uint_gt(memory_fail_each(try_to_prune, store), 1);
        ck_assert_uint_eq(store_bad_rows(store), 0);
        store_close(store);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-memory");
        TCase *tcase = tcase_create("memory");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, folder_setup, folder_teardown);
        tcase_add_test(tcase, creating);
        tcase_add_test(tcase, opening);
        tcase_add_test(tcase, setting_aside);
        tcase_add_test(tcase, using);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
