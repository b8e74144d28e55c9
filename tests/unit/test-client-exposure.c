/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>

#include "cleanup.h"
#include "exposure.h"
#include "suite.h"

START_TEST(levels_are_those_of_the_tool) {
        static const struct {
                unsigned from, to;
                const char *predicate, *emoji, *face;
        } wanted[] = {
                { 0, 0, "PERFECT", "😇", ":-]" },   { 1, 9, "SAFE", "😀", ":-}" },
                { 10, 49, "OK", "🙂", ":-)" },       { 50, 74, "MEDIUM", "😐", ":-|" },
                { 75, 89, "EXPOSED", "🙁", ":-(" },  { 90, 99, "UNSAFE", "😨", ":-{" },
                { 100, 100, "DANGEROUS", "🤢", ":-[" },
        };
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                for (unsigned tenths = wanted[i].from; tenths <= wanted[i].to; tenths++, n++) {
                        ck_assert_str_eq(exposure_level(tenths)->predicate, wanted[i].predicate);
                        ck_assert_str_eq(exposure_level(tenths)->emoji, wanted[i].emoji);
                        ck_assert_str_eq(exposure_level(tenths)->face, wanted[i].face);
                }
        ck_assert_uint_eq(n, EXPOSURE_MAX + 1);
}
END_TEST

START_TEST(any_exposure_survives_the_bus_and_the_text) {
        for (unsigned tenths = 0; tenths <= EXPOSURE_MAX; tenths++) {
                char text[EXPOSURE_TEXT_SIZE];
                unsigned value = 999;

                ck_assert_int_eq(exposure_from_double(tenths / 10.0, &value), 0);
                ck_assert_uint_eq(value, tenths);
                ck_assert_int_eq(exposure_from_double(nextafter(tenths / 10.0, 0), &value), 0);
                ck_assert_uint_eq(value, tenths);
                value = 999;
                ck_assert_int_eq(exposure_from_string(exposure_to_string(tenths, text), &value), 0);
                ck_assert_uint_eq(value, tenths);
        }
}
END_TEST

START_TEST(the_bus_may_carry_nonsense) {
        static const double cases[] = { NAN, -NAN, INFINITY, -INFINITY, -0.1, 10.1, 1e300, -1e300 };
        unsigned value;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_int_eq(exposure_from_double(cases[i], &value), -EBADMSG);
}
END_TEST

START_TEST(people_write_exposures) {
        static const struct {
                const char *text;
                unsigned tenths;
        } cases[] = { { "0", 0 }, { "5", 50 }, { "10", 100 }, { "05.5", 55 }, { "0.0", 0 } };
        unsigned value;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_int_eq(exposure_from_string(cases[i].text, &value), 0);
                ck_assert_uint_eq(value, cases[i].tenths);
        }
}
END_TEST

START_TEST(people_write_nonsense) {
        static const char *const cases[] = {
                "", " ", ".", ".5", "5.", "5.55", "5,5", "10.1", "11", "50", "100", "-1", "+1", "1e1", "0x5",
                "5 ", " 5", "99999999999999999999", "4294967296", "nan",
        };
        unsigned value;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(exposure_from_string(cases[i], &value) == -EINVAL, "'%s' was taken", cases[i]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-exposure");
        TCase *tests = tcase_create("exposure");

        tcase_add_test(tests, levels_are_those_of_the_tool);
        tcase_add_test(tests, any_exposure_survives_the_bus_and_the_text);
        tcase_add_test(tests, the_bus_may_carry_nonsense);
        tcase_add_test(tests, people_write_exposures);
        tcase_add_test(tests, people_write_nonsense);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
