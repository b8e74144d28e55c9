/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

#define NA BADNESS_NOT_APPLICABLE

START_TEST(nothing_differs) {
        struct facts facts = facts_halfway();
        struct assessment a = assess_newest(&facts), b = assess_newest(&facts);
        struct difference difference;

        ck_assert(assessment_equal(&a, &b));
        assessment_compare(&a, &b, &difference);
        ck_assert_uint_eq(difference.n_changes, 0);
        ck_assert_uint_eq(difference.n_worse, 0);
        ck_assert_uint_eq(difference.n_better, 0);
}
END_TEST

static const struct {
        uint8_t before, after;
        unsigned n_changes, n_worse, n_better;
} steps[] = {
        {  0,  0, 0, 0, 0 },
        {  0,  1, 1, 1, 0 },
        {  1,  0, 1, 0, 1 },
        {  9, 10, 1, 1, 0 },
        { 10,  9, 1, 0, 1 },
        { 10, 10, 0, 0, 0 },
        { NA, NA, 0, 0, 0 },
        { NA,  1, 1, 1, 0 },
        { 10, NA, 1, 0, 1 },
        { NA,  0, 1, 0, 0 },
        {  0, NA, 1, 0, 0 },
};

START_TEST(one_check_differs) {
        struct assessment before = { 0 }, after = { 0 };
        struct difference difference;

        before.badness[CHECK_UMASK] = steps[_i].before;
        after.badness[CHECK_UMASK] = steps[_i].after;
        assessment_compare(&before, &after, &difference);

        ck_assert_uint_eq(difference.n_changes, steps[_i].n_changes);
        ck_assert_uint_eq(difference.n_worse, steps[_i].n_worse);
        ck_assert_uint_eq(difference.n_better, steps[_i].n_better);
        ck_assert(assessment_equal(&before, &after) == (steps[_i].n_changes == 0));

        if (steps[_i].n_changes > 0) {
                ck_assert_int_eq(difference.changes[0].check, CHECK_UMASK);
                ck_assert_uint_eq(difference.changes[0].before, steps[_i].before);
                ck_assert_uint_eq(difference.changes[0].after, steps[_i].after);
        }
}
END_TEST

START_TEST(changes_are_in_order) {
        struct assessment before = { 0 }, after = { 0 };
        struct difference difference;

        after.badness[CHECK_USER_OR_DYNAMIC_USER] = 10;
        before.badness[CHECK_AMBIENT_CAPABILITIES] = 1;
        after.badness[CHECK_DELEGATE] = NA;
        after.badness[CHECK_PROTECT_HOME] = 5;
        assessment_compare(&before, &after, &difference);

        ck_assert_uint_eq(difference.n_changes, 4);
        ck_assert_uint_eq(difference.n_worse, 2);
        ck_assert_uint_eq(difference.n_better, 1);
        ck_assert_int_eq(difference.changes[0].check, CHECK_AMBIENT_CAPABILITIES);
        ck_assert_int_eq(difference.changes[1].check, CHECK_DELEGATE);
        ck_assert_int_eq(difference.changes[2].check, CHECK_PROTECT_HOME);
        ck_assert_int_eq(difference.changes[3].check, CHECK_USER_OR_DYNAMIC_USER);
}
END_TEST

START_TEST(everything_differs) {
        struct facts open = facts_open(), closed = facts_closed();
        struct assessment before = assess_newest(&closed), after = assess_newest(&open);
        struct difference difference;

        assessment_compare(&before, &after, &difference);
        ck_assert_uint_eq(difference.n_changes, 81);
        ck_assert_uint_eq(difference.n_worse, 81);
        ck_assert_uint_eq(difference.n_better, 0);

        assessment_compare(&after, &before, &difference);
        ck_assert_uint_eq(difference.n_worse, 0);
        ck_assert_uint_eq(difference.n_better, 81);
}
END_TEST

/* A policy can move a number and no check. */
START_TEST(numbers_count_for_equality) {
        struct assessment a = { .exposure = 1, .sum = 2, .total = 3 }, b;

        b = a;
        ck_assert(assessment_equal(&a, &b));
        b.exposure = 2;
        ck_assert(!assessment_equal(&a, &b));
        b = a;
        b.sum = 1;
        ck_assert(!assessment_equal(&a, &b));
        b = a;
        b.total = 4;
        ck_assert(!assessment_equal(&a, &b));
        b = a;
        b.badness[_CHECK_MAX - 1] = 1;
        ck_assert(!assessment_equal(&a, &b));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-compare");
        TCase *tcase = tcase_create("compare");

        tcase_add_test(tcase, nothing_differs);
        tcase_add_loop_test(tcase, one_check_differs, 0, ELEMENTSOF(steps));
        tcase_add_test(tcase, changes_are_in_order);
        tcase_add_test(tcase, everything_differs);
        tcase_add_test(tcase, numbers_count_for_equality);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
