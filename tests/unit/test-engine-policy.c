/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include <exposured/macro.h>

#include "engine-expected.h"
#include "engine-facts.h"
#include "suite.h"

static void assert_built_in(const struct policy *policy) {
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                ck_assert_uint_eq(policy->rows[i].weight, expected[i].weight);
                ck_assert_uint_eq(policy->rows[i].range, expected[i].range);
                for (unsigned j = 0; j < _RESULT_MAX; j++)
                        ck_assert_ptr_null(policy->rows[i].texts[j]);
        }
}

static char *text(const char *words) {
        char *copy = strdup(words);

        ck_assert_ptr_nonnull(copy);
        return copy;
}

START_TEST(built_in) {
        struct policy policy;

        memset(&policy, 0xff, sizeof(policy));
        policy_init(&policy);
        assert_built_in(&policy);
}
END_TEST

START_TEST(done_is_built_in_again) {
        struct policy policy;

        policy_init(&policy);
        policy.rows[CHECK_UMASK].weight = 1;
        policy.rows[CHECK_UMASK].range = 2;
        policy.rows[0].texts[RESULT_GOOD] = text("good");
        policy.rows[CHECK_UMASK].texts[RESULT_BAD] = text("bad");
        policy.rows[_CHECK_MAX - 1].texts[RESULT_NOT_APPLICABLE] = text("does not apply");

        policy_done(&policy);
        assert_built_in(&policy);
        policy_done(&policy);
        assert_built_in(&policy);
        policy_done(NULL);
}
END_TEST

START_TEST(model_takes_policy_over) {
        struct policy policy;
        struct model model;
        char *words = text("bad");

        policy_init(&policy);
        policy.rows[CHECK_UMASK].weight = 1;
        policy.rows[CHECK_UMASK].texts[RESULT_BAD] = words;

        model_init(&model, 252, SCOPE_USER, &policy, NULL, NULL);
        ck_assert_uint_eq(model.systemd_version, 252);
        ck_assert_int_eq(model.scope, SCOPE_USER);
        assert_built_in(&policy);
        ck_assert_uint_eq(model.policy.rows[CHECK_UMASK].weight, 1);
        ck_assert_ptr_eq(model.policy.rows[CHECK_UMASK].texts[RESULT_BAD], words);

        model_done(&model);
        assert_built_in(&model.policy);
        model_done(NULL);
}
END_TEST

START_TEST(model_without_policy) {
        struct model model;

        memset(&model, 0xff, sizeof(model));
        model_init(&model, 0, SCOPE_SYSTEM, NULL, NULL, NULL);
        assert_built_in(&model.policy);
        model_done(&model);
}
END_TEST

START_TEST(texts_of_the_check) {
        struct assessment assessment;
        struct facts facts = facts_closed();
        struct model model;
        const char *good, *bad;

        model_init(&model, 0, SCOPE_SYSTEM, NULL, NULL, NULL);

        assess(&model, &facts, &assessment);
        good = assessment_text(&model, &assessment, _i);
        ck_assert_str_eq(good, check_info(_i)->texts[RESULT_GOOD]);

        facts = facts_open();
        assess(&model, &facts, &assessment);
        bad = assessment_text(&model, &assessment, _i);
        ck_assert_str_eq(bad, check_info(_i)->texts[RESULT_BAD]);

        model_done(&model);
}
END_TEST

/* Where a unit's own settings spare it a check, there are words for it; the other checks have none. */
START_TEST(texts_where_not_applicable) {
        static const enum check spared[] = {
                CHECK_PRIVATE_TMP,
                CHECK_PROTECT_HOME,
                CHECK_PROTECT_SYSTEM,
                CHECK_REMOVE_IPC,
                CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE,
                CHECK_SUPPLEMENTARY_GROUPS,
        };
        struct facts facts = facts_open();
        struct assessment assessment;
        struct model model;
        unsigned n = 0;

        facts.user = USER_ROOT;
        facts.default_dependencies = false;
        model_init(&model, 0, SCOPE_SYSTEM, NULL, NULL, NULL);
        model.policy.rows[CHECK_PRIVATE_TMP].weight = 1;
        assess(&model, &facts, &assessment);

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                if (assessment.badness[i] != BADNESS_NOT_APPLICABLE) {
                        ck_assert_ptr_null(check_info(i)->texts[RESULT_NOT_APPLICABLE]);
                        continue;
                }

                ck_assert_uint_lt(n, ELEMENTSOF(spared));
                ck_assert_uint_eq(i, spared[n++]);
                ck_assert_str_eq(assessment_text(&model, &assessment, i),
                                 check_info(i)->texts[RESULT_NOT_APPLICABLE]);
        }

        ck_assert_uint_eq(n, ELEMENTSOF(spared));
        model_done(&model);
}
END_TEST

START_TEST(texts_of_the_policy) {
        static const char *const words[_RESULT_MAX] = { "is good", "is bad", "is nothing" };
        struct facts facts = facts_closed();
        struct assessment assessment;
        struct policy policy;
        struct model model;

        policy_init(&policy);
        for (unsigned i = 0; i < _RESULT_MAX; i++)
                policy.rows[CHECK_UMASK].texts[i] = text(words[i]);
        model_init(&model, 0, SCOPE_SYSTEM, &policy, NULL, NULL);

        assess(&model, &facts, &assessment);
        ck_assert_str_eq(assessment_text(&model, &assessment, CHECK_UMASK), "is good");

        facts.umask = 0;
        assess(&model, &facts, &assessment);
        ck_assert_str_eq(assessment_text(&model, &assessment, CHECK_UMASK), "is bad");

        model.policy.rows[CHECK_UMASK].weight = 0;
        assess(&model, &facts, &assessment);
        ck_assert_str_eq(assessment_text(&model, &assessment, CHECK_UMASK), "is nothing");

        model_done(&model);
}
END_TEST

/* What the policy leaves out is not said to be spared for another reason. */
START_TEST(texts_of_what_is_left_out) {
        static const enum check checks[] = { CHECK_UMASK, CHECK_PRIVATE_TMP, CHECK_REMOVE_IPC };
        struct facts facts = facts_closed();
        struct assessment assessment;
        struct model model;

        model_init(&model, 0, SCOPE_SYSTEM, NULL, NULL, NULL);
        for (size_t i = 0; i < ELEMENTSOF(checks); i++)
                model.policy.rows[checks[i]].weight = 0;
        assess(&model, &facts, &assessment);

        for (size_t i = 0; i < ELEMENTSOF(checks); i++)
                ck_assert_str_eq(assessment_text(&model, &assessment, checks[i]),
                                 "The policy leaves this check out");

        model_done(&model);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-policy");
        TCase *tcase = tcase_create("policy");

        tcase_add_test(tcase, built_in);
        tcase_add_test(tcase, done_is_built_in_again);
        tcase_add_test(tcase, model_takes_policy_over);
        tcase_add_test(tcase, model_without_policy);
        tcase_add_loop_test(tcase, texts_of_the_check, 0, _CHECK_MAX);
        tcase_add_test(tcase, texts_where_not_applicable);
        tcase_add_test(tcase, texts_of_the_policy);
        tcase_add_test(tcase, texts_of_what_is_left_out);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
