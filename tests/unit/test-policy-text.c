/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "policy-text.h"
#include "store/valid.h"
#include "suite.h"

#define PATH "/etc/systemd/systemd-analyze-security.policy"

START_TEST(test_round_trip) {
        _cleanup_(freep) char *text = NULL, *again = NULL, *path = NULL;
        struct policy policy, read;

        policy_init(&policy);
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                policy.rows[i].weight = UINT64_MAX - i;
                policy.rows[i].range = UINT64_MAX;
        }
        ck_assert_int_eq(policy_text_write(&policy, PATH, &text), 0);
        /* As long as it can be, it can be kept. */
        ck_assert_uint_le(strlen(text), VALUE_MAX);
        ck_assert_int_eq(policy_text_read(text, &read, &path), 0);
        ck_assert_str_eq(path, PATH);
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                ck_assert_uint_eq(read.rows[i].weight, policy.rows[i].weight);
                ck_assert_uint_eq(read.rows[i].range, policy.rows[i].range);
        }
        ck_assert_int_eq(policy_text_write(&read, path, &again), 0);
        ck_assert_str_eq(text, again);
}
END_TEST

/* Where the policy comes from does not matter, how it scores does. */
START_TEST(test_same) {
        _cleanup_(freep) char *built_in = NULL, *file = NULL, *other = NULL;
        struct policy policy;

        policy_init(&policy);
        ck_assert_int_eq(policy_text_write(&policy, NULL, &built_in), 0);
        ck_assert_int_eq(policy_text_write(&policy, PATH, &file), 0);
        policy.rows[_CHECK_MAX - 1].range++;
        ck_assert_int_eq(policy_text_write(&policy, PATH, &other), 0);
        ck_assert(policy_text_same(built_in, file));
        ck_assert_uint_eq(policy_text_digest(built_in), policy_text_digest(file));
        ck_assert(!policy_text_same(file, other));
        ck_assert_uint_ne(policy_text_digest(file), policy_text_digest(other));
}
END_TEST

/* Of another version, or damaged: what makes no sense is passed over. */
START_TEST(test_odd) {
        static const char *const texts[] = { "", "\n", "\n\n\n", "\nNoSuchCheck 1 2\n", "\nPrivateTmp 1", "\nPrivateTmp x y\n",
                                             "\nPrivateTmp", "\n      " };
        struct policy policy, plain;

        policy_init(&plain);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                char *path;

                ck_assert_int_eq(policy_text_read(texts[i], &policy, &path), 0);
                ck_assert_ptr_null(path);
                for (unsigned j = 0; j < _CHECK_MAX; j++) {
                        ck_assert_uint_eq(policy.rows[j].weight, plain.rows[j].weight);
                        ck_assert_uint_eq(policy.rows[j].range, plain.rows[j].range);
                }
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy-text");
        TCase *tcase = tcase_create("policy-text");

        tcase_add_test(tcase, test_round_trip);
        tcase_add_test(tcase, test_same);
        tcase_add_test(tcase, test_odd);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
