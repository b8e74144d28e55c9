/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "random.h"
#include "store-fixture.h"
#include "suite.h"

/* The ids that a reader told, without their zeros, and with a space before each. */
struct told {
        char text[65536];
        int n;
};

static int tell(void *userdata, const struct store_event *event) {
        struct told *told = userdata;

        told->n++;
        strcat(told->text, " ");
        strcat(told->text, event->id + strspn(event->id, "0"));
        ck_assert_uint_lt(strlen(told->text), sizeof(told->text) - 64);
        return 0;
}

static void assert_told(const char *unit, const char *before, size_t max, const char *expected) {
        struct told told = {};

        ck_assert_int_eq(store_each_event(store, unit, before, max, tell, &told), 0);
        ck_assert_str_eq(told.text, expected);
}

static void assert_unannounced(const char *expected) {
        struct told told = {};

        ck_assert_int_eq(store_each_unannounced(store, tell, &told), 0);
        ck_assert_str_eq(told.text, expected);
}

static char *dumped(void) {
        return dump(store, NULL);
}

START_TEST(event_comes_back_whole) {
        static const char *const lines[] = { "+a=b", "", "-\xe2\x82\xac", NULL };
        static const char *const no_lines[] = { NULL };
        static const struct check_change checks[] = { { CHECK_UMASK, 0, 10 } };
        static const struct store_event_unit units[] = {
                { .unit = "z.service", .before = 0, .after = 100, .checks = checks, .n_checks = 1 },
                { .unit = "a.service", .before = STORE_NO_EXPOSURE, .after = STORE_NO_EXPOSURE },
                { .unit = "b.service", .before = 3, .after = 5, .changed = true, .rated = 4, .own_checks = checks,
                  .n_own_checks = 1 },
                { .unit = "c.service", .before = 3, .after = 3, .changed = true, .rated = 3 },
        };
        static const struct store_cause causes[] = {
                { .path = "/etc/x", .change = "changed", .time = 7, .lines = lines },
                { .path = "", .change = "systemd" },
                { .path = "/run/y", .change = "came", .lines = no_lines },
        };
        struct store_event event = {
                .id = "0123456789abcdef0123456789abcdef", .event = "accepted", .unit = "t@.service",
                .time = 12, .before = 3, .after = STORE_NO_EXPOSURE, .systemd_version = "257",
                .model_version = "4", .units = units, .n_units = ELEMENTSOF(units), .causes = causes, .n_causes = 3,
                .uid = 0, .reason = "because\nof \"that\"", .until = 99,
        };
        _cleanup_(freep) char *text = NULL;

        begin(store);
        ck_assert_int_eq(store_put_event(store, &event), 0);
        commit(store);
        text = dumped();
        ck_assert_str_eq(text,
                         "event 0123456789abcdef0123456789abcdef accepted t@.service 12 3 255 257 4 0 "
                         "because\n"
                         "of \"that\" 99\n"
                         " unit z.service 0 100\n UMask 0 10\n unit a.service 255 255\n"
                         " unit b.service 3 5\n changed from 4\n UMask 0 10\n unit c.service 3 3\n changed from 3\n"
                         " cause /etc/x changed 7\n  <+a=b>\n  <>\n  <-\xe2\x82\xac>\n"
                         " cause  systemd 0\n cause /run/y came 0\n"
                         "unannounced 0123456789abcdef0123456789abcdef\n");
}
END_TEST

START_TEST(event_of_nothing_comes_back) {
        struct store_event event = {
                .id = sample_id(1), .event = "model", .unit = "", .systemd_version = "", .uid = UINT32_MAX,
        };
        _cleanup_(freep) char *text = NULL;

        begin(store);
        ck_assert_int_eq(store_put_event(store, &event), 0);
        commit(store);
        text = dumped();
        ck_assert_str_eq(text,
                         "event 00000000000000000000000000000001 model  0 0 0  (none) 4294967295 (none) 0\n"
                         "unannounced 00000000000000000000000000000001\n");
}
END_TEST

START_TEST(known_id_is_told) {
        struct store_event event;

        begin(store);
        put_event(store, 1, "regressed", "a.service");
        event = sample_event(1, "improved", "b.service");
        ck_assert_int_eq(store_put_event(store, &event), -EEXIST);
        put_event(store, 2, "improved", "b.service");
        /* the transaction goes on */
        commit(store);
        assert_told(NULL, NULL, 9, " 2 1");
        assert_told("b.service", NULL, 9, " 2");

        begin(store);
        ck_assert_int_eq(store_put_event(store, &event), -EEXIST);
        commit(store);
        assert_told("b.service", NULL, 9, " 2");
}
END_TEST

START_TEST(newest_first_and_by_pages) {
        begin(store);
        for (unsigned i = 1; i <= 5; i++)
                put_event(store, i, "regressed", i % 2 ? "odd.service" : "even.service");
        commit(store);

        assert_told(NULL, NULL, SIZE_MAX, " 5 4 3 2 1");
        assert_told(NULL, NULL, 2, " 5 4");
        assert_told(NULL, NULL, 0, "");
        assert_told(NULL, sample_id(4), 2, " 3 2");
        assert_told(NULL, sample_id(1), 2, "");
        assert_told("odd.service", NULL, 9, " 5 3 1");
        assert_told("odd.service", sample_id(5), 1, " 3");
        /* one of another unit will do as well */
        assert_told("odd.service", sample_id(4), 9, " 3 1");
        assert_told("nobody.service", NULL, 9, "");
        ck_assert_int_eq(store_each_event(store, NULL, sample_id(6), 9, tell, NULL), -ENOENT);
        ck_assert_int_eq(store_each_event(store, NULL, "6", 9, tell, NULL), -EINVAL);
        ck_assert_int_eq(store_each_event(store, "", NULL, 9, tell, NULL), -EINVAL);
}
END_TEST

/* The clock may jump: what was put last is the newest. */
START_TEST(order_is_not_the_clocks) {
        struct store_event event;

        begin(store);
        for (unsigned i = 1; i <= 3; i++) {
                event = sample_event(i, "regressed", "a.service");
                event.time = 100 - i;
                ck_assert_int_eq(store_put_event(store, &event), 0);
        }
        commit(store);
        assert_told("a.service", NULL, 9, " 3 2 1");
}
END_TEST

START_TEST(many_pages) {
        struct told told = {};

        begin(store);
        for (unsigned i = 1; i <= 300; i++)
                put_event(store, i, "regressed", "a.service");
        commit(store);
        ck_assert_int_eq(store_each_event(store, NULL, NULL, 192, tell, &told), 0);
        ck_assert_int_eq(told.n, 192);
        ck_assert_int_eq(store_each_event(store, "a.service", NULL, SIZE_MAX, tell, &told), 0);
        ck_assert_int_eq(told.n, 492);
        ck_assert_int_eq(store_each_unannounced(store, tell, &told), 0);
        ck_assert_int_eq(told.n, 792);
        ck_assert_str_eq(told.text + strlen(told.text) - 8, " 12b 12c");
}
END_TEST

START_TEST(unit_among_many_and_about) {
        struct store_event_unit units[1000];
        char names[1000][16];
        struct store_event event = sample_event(1, "regressed", "group@.service");

        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "u%u.service", i);
                units[i] = (struct store_event_unit) { .unit = names[i], .after = 5 };
        }
        event.units = units;
        event.n_units = 1000;
        begin(store);
        ck_assert_int_eq(store_put_event(store, &event), 0);
        put_event(store, 2, "regressed", "u7.service");
        commit(store);
        assert_told("u999.service", NULL, 9, " 1");
        assert_told("u7.service", NULL, 9, " 2 1");
        assert_told("group@.service", NULL, 9, " 1");
        assert_told("u1000.service", NULL, 9, "");
}
END_TEST

static int mark_told(void *userdata, const struct store_event *event) {
        ck_assert_int_eq(store_mark_announced(store, event->id), 0);
        return tell(userdata, event);
}

START_TEST(announced_is_announced) {
        struct told told = {};

        begin(store);
        for (unsigned i = 1; i <= 200; i++)
                put_event(store, i, "regressed", "a.service");
        ck_assert_int_eq(store_mark_announced(store, sample_id(2)), 0);
        commit(store);
        ck_assert_int_eq(store_mark_announced(store, sample_id(1)), 0);
        ck_assert_int_eq(store_mark_announced(store, sample_id(1)), 0);
        ck_assert_int_eq(store_mark_announced(store, sample_id(999)), -ENOENT);
        ck_assert_int_eq(store_mark_announced(store, "x"), -EINVAL);

        ck_assert_int_eq(store_each_unannounced(store, mark_told, &told), 0);
        ck_assert_int_eq(told.n, 198);
        ck_assert_int_eq(strncmp(told.text, " 3 4 5 6 7 8 9 a", 16), 0);
        assert_unannounced("");
        store = store_close(store);
        store = open_as(folder, STORE_OPENED);
        assert_unannounced("");
}
END_TEST

START_TEST(mark_is_rolled_back_with_the_rest) {
        begin(store);
        put_event(store, 1, "regressed", "a.service");
        commit(store);
        begin(store);
        ck_assert_int_eq(store_mark_announced(store, sample_id(1)), 0);
        ck_assert_int_eq(store_mark_announced(store, sample_id(2)), -ENOENT);
        store_rollback(store);
        assert_unannounced(" 1");
}
END_TEST

static int refuse(void *userdata, const struct store_event *event) {
        (void) userdata, (void) event;
        return -ECANCELED;
}

START_TEST(one_event) {
        struct told told = {};

        begin(store);
        put_event(store, 1, "regressed", "a.service");
        put_event(store, 2, "regressed", "a.service");
        commit(store);
        ck_assert_int_eq(store_get_event(store, sample_id(1), tell, &told), 1);
        ck_assert_str_eq(told.text, " 1");
        ck_assert_int_eq(store_get_event(store, sample_id(3), tell, &told), 0);
        ck_assert_str_eq(told.text, " 1");
        ck_assert_int_eq(store_get_event(store, "3", tell, &told), -EINVAL);
        ck_assert_int_eq(store_get_event(store, sample_id(1), refuse, NULL), -ECANCELED);
        ck_assert_int_eq(store_each_event(store, NULL, NULL, 9, refuse, NULL), -ECANCELED);
        ck_assert_int_eq(store_each_unannounced(store, refuse, NULL), -ECANCELED);
}
END_TEST

static void assert_refused(const struct store_event *event, const char *what) {
        begin(store);
        ck_assert_msg(store_put_event(store, event) == -EINVAL, "%s", what);
        commit(store);
        assert_told(NULL, NULL, 9, "");
}

static char *letters(size_t n) {
        char *text = malloc(n + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', n);
        text[n] = '\0';
        return text;
}

#define ASSERT_HEAD_REFUSED(member, value)                                      \
        do {                                                                    \
                struct store_event _event_ = sample_event(1, "regressed", "a"); \
                _event_.member = value;                                         \
                assert_refused(&_event_, #member " " #value);                   \
        } while (0)

START_TEST(wrong_heads) {
        _cleanup_(freep) char *long_text = letters(STORE_PATH_MAX + 1);

        ASSERT_HEAD_REFUSED(id, NULL);
        ASSERT_HEAD_REFUSED(id, "");
        ASSERT_HEAD_REFUSED(id, "0123456789abcdef0123456789abcdeg");
        ASSERT_HEAD_REFUSED(event, NULL);
        ASSERT_HEAD_REFUSED(event, "");
        ASSERT_HEAD_REFUSED(event, "two words");
        ASSERT_HEAD_REFUSED(event, long_text);
        ASSERT_HEAD_REFUSED(unit, NULL);
        ASSERT_HEAD_REFUSED(unit, long_text);
        ASSERT_HEAD_REFUSED(unit, "\xc0\x80");
        ASSERT_HEAD_REFUSED(time, UINT64_MAX);
        ASSERT_HEAD_REFUSED(before, 101);
        ASSERT_HEAD_REFUSED(after, 254);
        ASSERT_HEAD_REFUSED(until, UINT64_MAX);
        ASSERT_HEAD_REFUSED(systemd_version, NULL);
        ASSERT_HEAD_REFUSED(systemd_version, long_text);
        ASSERT_HEAD_REFUSED(model_version, long_text);
        ASSERT_HEAD_REFUSED(reason, long_text);
        ASSERT_HEAD_REFUSED(reason, "\xed\xa0\x80");
        ASSERT_HEAD_REFUSED(reason, "\xef\xbf\xbe");
        ASSERT_HEAD_REFUSED(n_units, STORE_UNITS_MAX + 1);
        ASSERT_HEAD_REFUSED(n_causes, STORE_CAUSES_MAX + 1);
}
END_TEST

START_TEST(wrong_units) {
        static const struct check_change no_check[] = { { _CHECK_MAX, 0, 1 } };
        _cleanup_(freep) char *long_text = letters(STORE_UNIT_MAX + 1);
        struct store_event_unit bad[][2] = {
                { {}, {} },
                { { .unit = "" }, {} },
                { { .unit = "b" }, { .unit = long_text } },
                { { .unit = "b" }, { .unit = "c", .before = 101 } },
                { { .unit = "b" }, { .unit = "c", .after = 200 } },
                { { .unit = "b" }, { .unit = "c", .checks = no_check, .n_checks = 1 } },
                { { .unit = "b" }, { .unit = "c", .checks = no_check, .n_checks = _CHECK_MAX + 1 } },
                { { .unit = "b" }, { .unit = "b" } },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct store_event event = sample_event(1, "regressed", "a.service");

                event.units = bad[i];
                event.n_units = 2;
                assert_refused(&event, bad[i][1].unit ?: "none");
        }
}
END_TEST

START_TEST(wrong_causes) {
        static const char *line_end[] = { "a\nb", NULL }, *not_utf8[] = { "\xff", NULL };
        _cleanup_(freep) char *long_text = letters(STORE_PATH_MAX + 1);
        _cleanup_(freep) char *longer = letters(STORE_LINES_SIZE_MAX);
        const char *many[STORE_LINES_MAX + 2] = {}, *large[] = { longer, NULL };
        const struct store_cause bad[] = {
                { .path = NULL, .change = "changed" },
                { .path = long_text, .change = "changed" },
                { .path = "\xff", .change = "changed" },
                { .path = "/a", .change = NULL },
                { .path = "/a", .change = "was changed" },
                { .path = "/a", .change = "changed", .time = UINT64_MAX },
                { .path = "/a", .change = "changed", .lines = line_end },
                { .path = "/a", .change = "changed", .lines = not_utf8 },
                { .path = "/a", .change = "changed", .lines = many },
                { .path = "/a", .change = "changed", .lines = large },
        };
        struct store_event event = sample_event(1, "regressed", "a.service");

        for (size_t i = 0; i <= STORE_LINES_MAX; i++)
                many[i] = "+";
        event.n_causes = 1;
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                event.causes = bad + i;
                assert_refused(&event, bad[i].path);
        }

        /* what is just within the bounds */
        many[STORE_LINES_MAX] = NULL;
        longer[STORE_LINES_SIZE_MAX - 1] = '\0';
        begin(store);
        for (size_t i = 8; i < ELEMENTSOF(bad); i++) {
                event.id = sample_id((unsigned) i);
                event.causes = bad + i;
                ck_assert_int_eq(store_put_event(store, &event), 0);
        }
        commit(store);
        assert_told(NULL, NULL, 9, " 9 8");
}
END_TEST

static int check_unique(void *userdata, const struct store_event *event) {
        ck_assert_uint_eq(event->n_units, *(size_t *) userdata);
        ck_assert_str_eq(event->units[event->n_units - 1].unit, "u65535");
        return 0;
}

START_TEST(largest_event) {
        struct store_event event = sample_event(1, "model", "");
        _cleanup_(freep) struct store_event_unit *units = calloc(STORE_UNITS_MAX, sizeof(units[0]));
        _cleanup_(freep) char *names = calloc(STORE_UNITS_MAX, 8);
        size_t n = STORE_UNITS_MAX;

        ck_assert(units && names);
        for (unsigned i = 0; i < STORE_UNITS_MAX; i++) {
                (void) snprintf(names + i * 8, 8, "u%u", i);
                units[i].unit = names + i * 8;
        }
        event.units = units;
        event.n_units = STORE_UNITS_MAX;
        begin(store);
        ck_assert_int_eq(store_put_event(store, &event), 0);
        commit(store);
        ck_assert_int_eq(store_get_event(store, sample_id(1), check_unique, &n), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-events");
        TCase *tcase = tcase_create("events");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, store_setup, store_teardown);
        tcase_add_test(tcase, event_comes_back_whole);
        tcase_add_test(tcase, event_of_nothing_comes_back);
        tcase_add_test(tcase, known_id_is_told);
        tcase_add_test(tcase, newest_first_and_by_pages);
        tcase_add_test(tcase, order_is_not_the_clocks);
        tcase_add_test(tcase, many_pages);
        tcase_add_test(tcase, unit_among_many_and_about);
        tcase_add_test(tcase, announced_is_announced);
        tcase_add_test(tcase, mark_is_rolled_back_with_the_rest);
        tcase_add_test(tcase, one_event);
        tcase_add_test(tcase, wrong_heads);
        tcase_add_test(tcase, wrong_units);
        tcase_add_test(tcase, wrong_causes);
        tcase_add_test(tcase, largest_event);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
