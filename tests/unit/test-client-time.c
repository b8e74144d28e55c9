/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "render/timestamp.h"
#include "suite.h"

#define SECOND UINT64_C(1000000)

static void use_utc(void) {
        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
        tzset();
}

START_TEST(times) {
        char text[TIME_TEXT_SIZE];

        ck_assert_str_eq(time_to_string(UINT64_C(1700000000123456), text), "Tue 2023-11-14 22:13:20 UTC");
        ck_assert_str_eq(time_to_log_string(UINT64_C(1700000000123456), text), "2023-11-14 22:13:20");
        ck_assert_str_eq(time_to_string(1, text), "Thu 1970-01-01 00:00:00 UTC");
}
END_TEST

START_TEST(no_times) {
        static const uint64_t cases[] = { 0, UINT64_MAX, UINT64_MAX - 1, UINT64_C(253402300800) * SECOND };
        char text[TIME_TEXT_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_str_eq(time_to_string(cases[i], text), "n/a");
                ck_assert_str_eq(time_to_log_string(cases[i], text), "n/a");
        }
}
END_TEST

START_TEST(how_long_ago) {
        static const struct {
                uint64_t seconds;
                const char *past, *future;
        } cases[] = {
                { 0, "just now", "just now" },
                { 1, "1s ago", "in 1s" },
                { 59, "59s ago", "in 59s" },
                { 60, "1min ago", "in 1min" },
                { 61, "1min 1s ago", "in 1min 1s" },
                { 3600, "1h ago", "in 1h" },
                { 7500, "2h 5min ago", "in 2h 5min" },
                { 3605, "1h ago", "in 1h" },
                { 86400, "1d ago", "in 1d" },
                { 3 * 86400 + 7200, "3d 2h ago", "in 3d 2h" },
                { 8 * 86400, "1w 1d ago", "in 1w 1d" },
                { 31557600, "1y ago", "in 1y" },
        };
        uint64_t now = UINT64_C(1700000000000000);
        char text[TIME_TEXT_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint64_t past = now - cases[i].seconds * SECOND, future = now + cases[i].seconds * SECOND;

                ck_assert_str_eq(time_to_relative_string(past, now, text), cases[i].past);
                ck_assert_str_eq(time_to_relative_string(future, now, text), cases[i].future);
        }
        time_to_relative_string(UINT64_MAX, 0, text);
}
END_TEST

START_TEST(spans) {
        static const struct {
                uint64_t span;
                const char *text;
        } cases[] = {
                { 0, "0us" },
                { 999, "999us" },
                { 1000, "1.0ms" },
                { 38400, "38.4ms" },
                { 999999, "999.9ms" },
                { 1204567, "1.204s" },
                { 59999999, "59.999s" },
                { 125 * SECOND, "2min 5s" },
        };
        char text[TIME_TEXT_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_str_eq(span_to_string(cases[i].span, text), cases[i].text);
        span_to_string(UINT64_MAX, text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-time");
        TCase *tests = tcase_create("time");

        tcase_add_checked_fixture(tests, use_utc, NULL);
        tcase_add_test(tests, times);
        tcase_add_test(tests, no_times);
        tcase_add_test(tests, how_long_ago);
        tcase_add_test(tests, spans);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
