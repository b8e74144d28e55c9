/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cleanup.h"
#include "suite.h"
#include "when.h"

#define SECOND UINT64_C(1000000)
/* Tue 2023-11-14 22:13:20.123456 UTC */
#define NOW UINT64_C(1700000000123456)

static void use_zone(const char *zone) {
        ck_assert_int_eq(setenv("TZ", zone, 1), 0);
        tzset();
}

static void use_utc(void) {
        use_zone("UTC");
}

struct good {
        const char *text;
        uint64_t seconds;
};

static void assert_good(const struct good *cases, size_t n) {
        for (size_t i = 0; i < n; i++) {
                uint64_t until = 0;

                ck_assert_msg(when_parse(cases[i].text, NOW, &until) == 0, "refused: %s", cases[i].text);
                ck_assert_msg(until == cases[i].seconds * SECOND, "%s: %llu", cases[i].text,
                              (unsigned long long) until);
        }
}

START_TEST(dates) {
        static const struct good cases[] = {
                { "2023-11-15", 1700006400 },
                { "2023-11-14 22:14", 1700000040 },
                { "2023-11-14T22:14", 1700000040 },
                { "2023-11-14 22:13:21", 1700000001 },
                { "2024-02-29", 1709164800 },
                { "2030-12-31 18:00", 1924970400 },
                { "9999-12-31 23:59:59", 253402300799 },
                { "2024-1-2 3:4", 1704164640 },
                { "tomorrow", 1700006400 },
                { "@1700000001", 1700000001 },
        };

        assert_good(cases, ELEMENTSOF(cases));
}
END_TEST

START_TEST(spans) {
        static const struct good cases[] = {
                { "1s", 1700000001 },
                { "+30d", 1700000000 + 30 * 86400 },
                { "30d", 1700000000 + 30 * 86400 },
                { "+ 2h", 1700000000 + 7200 },
                { "2 hours", 1700000000 + 7200 },
                { "1w 2d", 1700000000 + 9 * 86400 },
                { "1h30min", 1700000000 + 5400 },
                { "1h 30 m 5sec ", 1700000000 + 5405 },
                { "1M", 1700000000 + 2629800 },
                { "1month", 1700000000 + 2629800 },
                { "2years", 1700000000 + 2 * 31557600 },
        };

        assert_good(cases, ELEMENTSOF(cases));
}
END_TEST

/* Dates are of the place where one is. */
START_TEST(local_time) {
        uint64_t until;

        use_zone("UTC-2");
        ck_assert_int_eq(when_parse("2023-11-15 01:00", NOW, &until), 0);
        ck_assert_uint_eq(until, (UINT64_C(1700006400) - 3600) * SECOND);
        /* It is the 15th there already. */
        ck_assert_int_eq(when_parse("tomorrow", NOW, &until), 0);
        ck_assert_uint_eq(until, (UINT64_C(1700006400) + 86400 - 7200) * SECOND);
}
END_TEST

START_TEST(nonsense) {
        static const char *const cases[] = {
                "", " ", "soon", "yesterday", "today", "now", "never", "30", "+", "+30", "d", "30x", "-30d",
                "30d-", "1.5h", "30 30d", "2030", "2030-12", "2030-12-31 18", "2030-12-31 18:", "2030-12-31 18:00:",
                "2030-12-31  18:00", "2030-13-01", "2030-00-01", "2030-01-00", "2030-01-32", "2030-02-30",
                "2023-02-29", "2030-12-31 24:00", "2030-12-31 18:60", "2030-12-31 18:00:60",
                "2030-12-31 18:00 UTC", "2030-12-31x", "20301-12-31", "2030/12/31", "@", "@x", "@-1", "@1700000001x", "Tomorrow",
                "99999999999999999999999999d", "@99999999999999999999999999",
        };
        uint64_t until;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(when_parse(cases[i], NOW, &until) == -EINVAL, "taken: %s", cases[i]);
}
END_TEST

START_TEST(not_to_come) {
        static const char *const cases[] = {
                "2020-01-01", "1970-01-01", "2023-11-14", "2023-11-14 22:13", "2023-11-14 22:13:20", "0d",
                "0s", "@1700000000", "@0", "@253402300800", "9000y", "500000000w",
        };
        uint64_t until;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(when_parse(cases[i], NOW, &until) == -ERANGE, "taken: %s", cases[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-when");
        TCase *tests = tcase_create("when");

        tcase_add_checked_fixture(tests, use_utc, NULL);
        tcase_add_test(tests, dates);
        tcase_add_test(tests, spans);
        tcase_add_test(tests, local_time);
        tcase_add_test(tests, nonsense);
        tcase_add_test(tests, not_to_come);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
