/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "random.h"
#include "store-fixture.h"
#include "suite.h"

static const struct store_limits unlimited = { .events_max = SIZE_MAX, .baselines_max = SIZE_MAX };

static unsigned prune(const struct store_limits *limits) {
        unsigned steps = 0;
        int r;

        while ((r = store_prune(store, limits)) > 0)
                ck_assert_uint_lt(++steps, 1000);
        ck_assert_int_eq(r, 0);
        return steps;
}

static int add_id(void *userdata, const struct store_event *event) {
        strcat(userdata, " ");
        strcat(userdata, event->id + strspn(event->id, "0"));
        return 0;
}

static void assert_events(const char *expected) {
        char told[4096] = "";

        ck_assert_int_eq(store_each_event(store, NULL, NULL, 500, add_id, told), 0);
        ck_assert_str_eq(told, expected);
}

static int count_event(void *userdata, const struct store_event *event) {
        (void) event;
        ++*(size_t *) userdata;
        return 0;
}

static size_t count_events(void) {
        size_t n = 0;

        ck_assert_int_eq(store_each_event(store, NULL, NULL, SIZE_MAX, count_event, &n), 0);
        return n;
}

static int add_unit(void *userdata, const struct store_baseline *baseline) {
        strcat(userdata, " ");
        strcat(userdata, baseline->unit);
        return 0;
}

static void assert_baselines(const char *expected) {
        char told[65536] = "";

        ck_assert_int_eq(store_each_baseline(store, add_unit, told), 0);
        ck_assert_str_eq(told, expected);
}

START_TEST(nothing_to_do) {
        _cleanup_(freep) char *before = NULL, *after = NULL;

        ck_assert_uint_eq(prune(&unlimited), 0);
        fill(store);
        before = dump(store, FILL_UNIT);
        ck_assert_uint_eq(prune(&unlimited), 0);
        after = dump(store, FILL_UNIT);
        ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(those_that_say_least_go_first) {
        static const char *const events[] = {
                "regressed", "appeared", "improved", "gone", "accepted", "changed", "model", "appeared",
        };
        struct store_limits limits = unlimited;

        begin(store);
        for (unsigned i = 0; i < ELEMENTSOF(events); i++)
                put_announced(store, i + 1, events[i], "a.service");
        commit(store);

        limits.events_max = 7;
        prune(&limits);
        assert_events(" 8 7 6 5 4 3 1");
        limits.events_max = 5;
        prune(&limits);
        assert_events(" 8 7 5 3 1");
        limits.events_max = 3;
        prune(&limits);
        assert_events(" 7 5 3");
        limits.events_max = 0;
        prune(&limits);
        assert_events("");
}
END_TEST

START_TEST(old_ones_go) {
        struct store_limits limits = unlimited;

        begin(store);
        for (unsigned i = 1; i <= 5; i++)
                put_announced(store, i, "regressed", "a.service");
        commit(store);
        limits.events_since = 1000000003;
        prune(&limits);
        assert_events(" 5 4 3");
        limits.events_since = UINT64_MAX;
        prune(&limits);
        assert_events("");
}
END_TEST

START_TEST(what_is_open_stays) {
        struct store_limits limits = { .events_since = UINT64_MAX, .baselines_max = SIZE_MAX };
        struct store_regression regression = { .unit = "a.service", .id = sample_id(2) };
        struct store_acceptance acceptance = { .unit = "a", .id = sample_id(4), .systemd_version = "" };

        begin(store);
        for (unsigned i = 1; i <= 5; i++)
                put_announced(store, i, i == 4 ? "accepted" : "regressed", "a.service");
        put_event(store, 6, "changed", "a.service");
        ck_assert_int_eq(store_put_regression(store, &regression), 0);
        ck_assert_int_eq(store_put_acceptance(store, &acceptance), 0);
        commit(store);

        prune(&limits);
        assert_events(" 6 4 2");

        begin(store);
        ck_assert_int_eq(store_remove_regression(store, "a.service"), 0);
        commit(store);
        prune(&limits);
        assert_events(" 6 4");

        begin(store);
        ck_assert_int_eq(store_remove_acceptance(store, "a"), 0);
        commit(store);
        ck_assert_int_eq(store_mark_announced(store, sample_id(6)), 0);
        prune(&limits);
        assert_events("");
}
END_TEST

START_TEST(steps_are_small) {
        struct store_limits limits = unlimited;
        size_t before;

        begin(store);
        for (unsigned i = 1; i <= 1000; i++)
                put_announced(store, i, i % 2 ? "appeared" : "regressed", "a.service");
        commit(store);

        limits.events_max = 100;
        for (before = 1000; before > 100; ) {
                size_t after;

                ck_assert_int_eq(store_prune(store, &limits), 1);
                after = count_events();
                ck_assert_uint_lt(after, before);
                ck_assert_uint_le(before - after, 256);
                before = after;
        }
        ck_assert_int_eq(store_prune(store, &limits), 0);
        ck_assert_uint_eq(count_events(), 100);
}
END_TEST

#define WIDE 1000U

static void put_wide(unsigned n) {
        static struct store_event_unit units[WIDE];
        static char names[WIDE][16];
        struct store_event event = sample_event(n, "regressed", "");

        for (unsigned i = 0; i < WIDE; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "u%u.service", i);
                units[i] = (struct store_event_unit) { .unit = names[i] };
        }
        event.units = units;
        event.n_units = WIDE;
        ck_assert_int_eq(store_put_event(store, &event), 0);
        ck_assert_int_eq(store_mark_announced(store, event.id), 0);
}

/* Events that hit many units make a step end sooner. */
START_TEST(rows_count) {
        struct store_limits limits = unlimited;

        begin(store);
        for (unsigned i = 1; i <= 20; i++)
                put_wide(i);
        commit(store);
        limits.events_max = 0;
        ck_assert_int_eq(store_prune(store, &limits), 1);
        ck_assert_uint_ge(count_events(), 14);
        prune(&limits);
        ck_assert_uint_eq(count_events(), 0);
}
END_TEST

static void put_units(unsigned n) {
        begin(store);
        for (unsigned i = 0; i < n; i++) {
                struct store_file file = { .path = "/x", .content = "x" };
                char unit[16];
                struct store_baseline baseline;

                (void) snprintf(unit, sizeof(unit), "u%u", i);
                baseline = sample_baseline(unit, i);
                ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
                ck_assert_int_eq(store_put_files(store, unit, &file, 1), 0);
        }
        commit(store);
}

START_TEST(unseen_units_go) {
        struct store_regression regression = { .unit = "u1", .id = sample_id(1) };
        struct store_acceptance acceptance = { .unit = "u1", .id = sample_id(1), .systemd_version = "" };
        struct store_limits limits = unlimited;
        _cleanup_(freep) char *text = NULL;

        put_units(5);
        begin(store);
        ck_assert_int_eq(store_put_regression(store, &regression), 0);
        ck_assert_int_eq(store_put_acceptance(store, &acceptance), 0);
        ck_assert_int_eq(store_touch_baseline(store, "u0", 3000000), 0);
        commit(store);

        limits.baselines_since = 2000003;
        prune(&limits);
        assert_baselines(" u0 u3 u4");
        text = dump(store, "u1");
        ck_assert_ptr_null(strstr(text, " u1 "));
        ck_assert_ptr_null(strstr(text, "file"));
}
END_TEST

START_TEST(too_many_units_go) {
        struct store_limits limits = unlimited;
        _cleanup_(freep) char *text = NULL;

        put_units(100);
        begin(store);
        ck_assert_int_eq(store_touch_baseline(store, "u0", 3000000), 0);
        commit(store);
        limits.baselines_max = 3;
        ck_assert_uint_ge(prune(&limits), 3);
        assert_baselines(" u0 u98 u99");
        text = dump(store, "u99");
        ck_assert_ptr_nonnull(strstr(text, "file /x (none) x"));
}
END_TEST

START_TEST(stray_files_go) {
        struct store_file file = { .path = "/x", .content = "x" };
        _cleanup_(freep) char *text = NULL;

        put_units(1);
        begin(store);
        for (unsigned i = 0; i < 100; i++) {
                char unit[16];

                (void) snprintf(unit, sizeof(unit), "stray%u", i);
                ck_assert_int_eq(store_put_files(store, unit, &file, 1), 0);
        }
        commit(store);
        ck_assert_uint_gt(prune(&unlimited), 1);
        text = dump(store, "stray50");
        ck_assert_ptr_null(strstr(text, "file"));
        free(text);
        text = dump(store, "u0");
        ck_assert_ptr_nonnull(strstr(text, "file /x"));
}
END_TEST

START_TEST(not_within_a_transaction) {
        begin(store);
        ck_assert_int_eq(store_prune(store, &unlimited), -EINVAL);
        commit(store);
}
END_TEST

/* Whatever is there, the bounds are reached, and what has to stay stays. */
START_TEST(random_histories) {
        static const char *const events[] = { "regressed", "appeared", "improved", "gone", "changed" };
        struct store_limits limits = unlimited;
        char kept[65536] = "";
        size_t n = 200 + random_below(800), n_kept = 0;

        begin(store);
        for (unsigned i = 1; i <= n; i++) {
                char unit[16];
                struct store_regression regression = { .unit = unit, .id = sample_id(i) };

                (void) snprintf(unit, sizeof(unit), "u%u", i);
                put_event(store, i, events[random_below(ELEMENTSOF(events))], unit);
                if (random_below(20) == 0) {
                        ck_assert_int_eq(store_put_regression(store, &regression), 0);
                        n_kept++;
                        ck_assert_int_eq(store_mark_announced(store, sample_id(i)), 0);
                        strcat(kept, sample_id(i));
                } else if (random_below(20) == 0) {
                        n_kept++;
                        strcat(kept, sample_id(i));
                } else
                        ck_assert_int_eq(store_mark_announced(store, sample_id(i)), 0);
        }
        commit(store);

        limits.events_max = random_below(n);
        prune(&limits);
        ck_assert_uint_eq(count_events(), limits.events_max > n_kept ? limits.events_max : n_kept);
        for (const char *id = kept; *id; id += 32) {
                char copy[33] = "";
                size_t found = 0;

                memcpy(copy, id, 32);
                ck_assert_int_eq(store_get_event(store, copy, count_event, &found), 1);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-prune");
        TCase *tcase = tcase_create("prune");

        random_start();
        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, store_setup, store_teardown);
        tcase_add_test(tcase, nothing_to_do);
        tcase_add_test(tcase, those_that_say_least_go_first);
        tcase_add_test(tcase, old_ones_go);
        tcase_add_test(tcase, what_is_open_stays);
        tcase_add_test(tcase, steps_are_small);
        tcase_add_test(tcase, rows_count);
        tcase_add_test(tcase, unseen_units_go);
        tcase_add_test(tcase, too_many_units_go);
        tcase_add_test(tcase, stray_files_go);
        tcase_add_test(tcase, not_within_a_transaction);
        tcase_add_test(tcase, random_histories);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
