/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "message.h"
#include "reader-fixture.h"
#include "suite.h"
#include "systemd.h"

/* The patterns of the list that is asked for, the caller's. */
static char **asked_patterns(void) {
        sd_bus_message *m = direct_call(&t.direct, "ListUnitsByPatterns");
        char **states, **patterns;

        ck_assert_str_eq(sd_bus_message_get_destination(m), SYSTEMD_BUS_NAME);
        ck_assert_str_eq(sd_bus_message_get_path(m), SYSTEMD_PATH);
        message_ok(sd_bus_message_read_strv(m, &states));
        ck_assert_uint_eq(strv_length(states), 0);
        strv_free(states);
        message_ok(sd_bus_message_read_strv(m, &patterns));
        return patterns;
}

START_TEST(list_of_all) {
        char **patterns;

        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        ck_assert_int_eq(reader_list(t.reader, NULL), -EBUSY);
        direct_handle(&t.direct);
        patterns = asked_patterns();
        ck_assert_uint_eq(strv_length(patterns), 1);
        ck_assert_str_eq(patterns[0], "*.service");
        strv_free(patterns);

        direct_reply(&t.direct, 0, "a(ssssssouso)", 6, ROW("a.service", "loaded"),
                     ROW("b.service", "not-found"), ROW("c.service", "masked"),
                     ROW("d.service", "bad-setting"), ROW("e.socket", "loaded"),
                     ROW("f@.service", "loaded"));
        ck_assert_uint_eq(t.n_lists, 1);
        ck_assert_int_eq(t.list_error, 0);
        ck_assert_uint_eq(strv_length(t.listed), 4);
        ck_assert_str_eq(t.listed[0], "a.service");
        ck_assert_str_eq(t.listed[1], "!b.service");
        ck_assert_str_eq(t.listed[2], "!c.service");
        ck_assert_str_eq(t.listed[3], "!d.service");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
}
END_TEST

START_TEST(list_of_names) {
        char plain[] = "a.service", escaped[] = "dev\\x2dsda@b\\x2d\\x2d.service";
        char *names[] = { plain, escaped, NULL }, **patterns;

        ck_assert_int_ge(reader_list(t.reader, names), 0);
        direct_handle(&t.direct);
        patterns = asked_patterns();
        ck_assert_uint_eq(strv_length(patterns), 2);
        ck_assert_str_eq(patterns[0], "a.service");
        ck_assert_str_eq(patterns[1], "dev\\x2dsda@b\\x2d\\x2d.service");
        strv_free(patterns);
        direct_reply(&t.direct, 0, "a(ssssssouso)", 0);
        ck_assert_uint_eq(t.n_lists, 1);
        ck_assert_int_eq(t.list_error, 0);
        ck_assert_uint_eq(strv_length(t.listed), 0);
}
END_TEST

/* The longest name, of backslashes alone, is asked for as it is. */
START_TEST(list_of_the_longest_name) {
        char name[256], *names[] = { name, NULL }, **patterns;

        memset(name, '\\', 255);
        memcpy(name + 255 - strlen(".service"), ".service", sizeof(".service"));
        ck_assert_int_ge(reader_list(t.reader, names), 0);
        direct_handle(&t.direct);
        patterns = asked_patterns();
        ck_assert_str_eq(patterns[0], name);
        strv_free(patterns);
}
END_TEST

START_TEST(list_is_refused) {
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.AccessDenied");
        ck_assert_uint_eq(t.n_lists, 1);
        ck_assert_int_eq(t.list_error, -EACCES);
        ck_assert_uint_eq(reader_counters(t.reader)->failed_calls, 1);
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
}
END_TEST

/* An error that the C library has no number for is one all the same. */
START_TEST(list_is_refused_in_other_words) {
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.Whatever");
        ck_assert_int_lt(t.list_error, 0);
}
END_TEST

static const struct {
        const char *signature, *a, *b;
} lists[] = {
        { "", NULL, NULL },
        { "s", "a.service", NULL },
        { "ss", "a.service", "loaded" },
};

START_TEST(list_of_another_shape) {
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        direct_reply(&t.direct, 0, lists[_i].signature, lists[_i].a, lists[_i].b);
        ck_assert_uint_eq(t.n_lists, 1);
        ck_assert_int_lt(t.list_error, 0);
        ck_assert_uint_eq(strv_length(t.listed), 0);
}
END_TEST

START_TEST(list_of_shorter_rows) {
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        direct_reply(&t.direct, 0, "a(sss)", 1, "a.service", "d", "loaded");
        ck_assert_int_lt(t.list_error, 0);
        ck_assert_uint_eq(strv_length(t.listed), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reader-list");
        TCase *tcase = tcase_create("list");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, list_of_all);
        tcase_add_test(tcase, list_of_names);
        tcase_add_test(tcase, list_of_the_longest_name);
        tcase_add_test(tcase, list_is_refused);
        tcase_add_test(tcase, list_is_refused_in_other_words);
        tcase_add_loop_test(tcase, list_of_another_shape, 0, ELEMENTSOF(lists));
        tcase_add_test(tcase, list_of_shorter_rows);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
