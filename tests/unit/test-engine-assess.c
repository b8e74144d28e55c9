/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "engine-expected.h"
#include "engine-facts.h"
#include "suite.h"

/* A model that leaves every check out. */
static struct model blank_model(void) {
        struct model model;

        model_init(&model, 252, SCOPE_SYSTEM, NULL, NULL, NULL);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                model.policy.rows[i].weight = 0;

        return model;
}

static void weigh(struct model *model, enum check check, uint64_t weight, uint64_t range) {
        model->policy.rows[check].weight = weight;
        model->policy.rows[check].range = range;
}

START_TEST(plain_unit) {
        struct facts facts = facts_plain();
        struct assessment assessment;
        struct model model;

        model_init(&model, 252, SCOPE_SYSTEM, NULL, NULL, NULL);
        assess(&model, &facts, &assessment);

        ck_assert_uint_eq(assessment.badness[_i], expected[_i].plain_badness);
        ck_assert_uint_eq(assessment_share(&model, &assessment, _i), expected[_i].plain_share);
        ck_assert_uint_eq(assessment.sum, 53510);
        ck_assert_uint_eq(assessment.total, 56160);
        ck_assert_uint_eq(assessment.exposure, 96);

        model_done(&model);
}
END_TEST

START_TEST(halfway_unit) {
        struct facts facts = facts_halfway();
        struct assessment assessment;
        struct model model;

        model_init(&model, 252, SCOPE_SYSTEM, NULL, NULL, NULL);
        assess(&model, &facts, &assessment);

        ck_assert_uint_eq(assessment.badness[_i], expected[_i].halfway_badness);
        ck_assert_uint_eq(assessment_share(&model, &assessment, _i), expected[_i].halfway_share);
        ck_assert_uint_eq(assessment.sum, 22629);
        ck_assert_uint_eq(assessment.total, 56460);
        ck_assert_uint_eq(assessment.exposure, 41);

        model_done(&model);
}
END_TEST

static const struct {
        uint8_t exposure;
        const char *predicate;
        const char *face;
} grades[] = {
        {   0, "PERFECT",   "😇" },
        {   1, "SAFE",      "😀" },
        {   9, "SAFE",      "😀" },
        {  10, "OK",        "🙂" },
        {  49, "OK",        "🙂" },
        {  50, "MEDIUM",    "😐" },
        {  74, "MEDIUM",    "😐" },
        {  75, "EXPOSED",   "🙁" },
        {  89, "EXPOSED",   "🙁" },
        {  90, "UNSAFE",    "😨" },
        {  99, "UNSAFE",    "😨" },
        { 100, "DANGEROUS", "🤢" },
        { 255, "DANGEROUS", "🤢" },
};

START_TEST(exposure_has_predicate_and_face) {
        ck_assert_str_eq(exposure_to_predicate(grades[_i].exposure), grades[_i].predicate);
        ck_assert_str_eq(exposure_to_face(grades[_i].exposure), grades[_i].face);
}
END_TEST

/* Of two checks that count, PrivateNetwork is bad and UMask as bad as badness of 10. */
static const struct {
        uint64_t network_weight, umask_weight, umask_range;
        uint32_t umask;
        uint64_t sum, total;
        uint8_t exposure;
} sums[] = {
        { 1, 99, 10, 0077, 1, 100, 1 },
        { 1, 999, 10, 0077, 1, 1000, 1 },            /* 0.1 tenth is rounded up */
        { 1, 1000000000, 10, 0077, 1, 1000000001, 1 },
        { 50, 50, 10, 0077, 50, 100, 50 },
        { 50, 51, 10, 0077, 50, 101, 50 },           /* 49.5 */
        { 49, 51, 10, 0077, 49, 100, 49 },
        { 999, 1, 10, 0077, 999, 1000, 100 },        /* 99.9 */
        { 99, 1, 10, 0077, 99, 100, 99 },
        { 10, 10, 10, 0000, 20, 20, 100 },
        { 0, 7, 10, 0002, 4, 7, 58 },                /* 3.5 is 4; 57.1 is 58 */
        { 0, 7, 10, 0006, 2, 7, 29 },                /* 1.4 is 2 */
        { 0, 7, 10, 0026, 1, 7, 15 },                /* 0.7 is 1 */
        { 0, 1, 3, 0026, 1, 1, 100 },                /* 1/3 is 1 */
        { 0, 3, 3, 0026, 1, 3, 34 },
        { 0, 100, 4, 0002, 100, 100, 100 },          /* 5 of 4 counts as 4 */
        { 0, 100, 5, 0002, 100, 100, 100 },
        { 0, 100, 6, 0002, 84, 100, 84 },
        { 0, 100, 40, 0002, 13, 100, 13 },
        { 0, 100, 256, 0000, 4, 100, 4 },
        { 0, 100, UINT64_MAX, 0000, 1, 100, 1 },
        { 0, 100, 0, 0002, 50, 100, 50 },            /* a range of 0 is the built-in one */
        { 5, 0, 10, 0000, 5, 5, 100 },
};

START_TEST(sum_is_rounded_up) {
        struct facts facts = facts_closed();
        struct model model = blank_model();
        struct assessment assessment;

        facts.private_network = false;
        facts.umask = sums[_i].umask;
        weigh(&model, CHECK_PRIVATE_NETWORK, sums[_i].network_weight, 1);
        weigh(&model, CHECK_UMASK, sums[_i].umask_weight, sums[_i].umask_range);

        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.sum, sums[_i].sum);
        ck_assert_uint_eq(assessment.total, sums[_i].total);
        ck_assert_uint_eq(assessment.exposure, sums[_i].exposure);

        model_done(&model);
}
END_TEST

/* As systemd-analyze printed it under such policies. */
static const struct {
        uint64_t good_weight;
        const char *predicate;
        uint8_t exposure;
} shown[] = {
        { 100, "PERFECT", 0 },  { 99, "SAFE", 1 },     { 91, "SAFE", 9 },     { 90, "OK", 10 },
        {  51, "OK", 49 },      { 50, "MEDIUM", 50 },  { 26, "MEDIUM", 74 },  { 25, "EXPOSED", 75 },
        {  11, "EXPOSED", 89 }, { 10, "UNSAFE", 90 },  {  1, "UNSAFE", 99 },  {  0, "DANGEROUS", 100 },
};

START_TEST(policy_moves_the_predicate) {
        struct facts facts = facts_plain();
        struct model model = blank_model();
        struct assessment assessment;

        weigh(&model, CHECK_NOTIFY_ACCESS, shown[_i].good_weight, 1);
        weigh(&model, CHECK_PRIVATE_NETWORK, 100 - shown[_i].good_weight, 1);

        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, shown[_i].exposure);
        ck_assert_str_eq(exposure_to_predicate(assessment.exposure), shown[_i].predicate);

        model_done(&model);
}
END_TEST

static const struct {
        uint64_t weight, range, other_weight;
        uint32_t umask;
        uint64_t share;
} shares[] = {
        { 100, 10, 900, 0077, 0 },
        { 100, 10, 900, 0000, 10 },
        { 100, 10, 900, 0002, 5 },
        { 100, 10, 901, 0002, 5 },    /* 4.99 */
        { 100, 10, 899, 0002, 6 },    /* 5.005 */
        { 100, 10, 900, 0026, 1 },
        { 1, 10, 99999, 0026, 1 },    /* next to nothing */
        { 7, 10, 0, 0002, 50 },
        { 1, 3, 0, 0026, 34 },
        { 1, 0, 0, 0026, 10 },        /* a range of 0 is the built-in one */
        { 1, UINT64_MAX, 99, 0000, 1 },
        { 1, 4, 0, 0002, 100 },       /* 5 of 4 counts as 4 */
};

START_TEST(share_is_rounded_up) {
        struct facts facts = facts_closed();
        struct model model = blank_model();
        struct assessment assessment;

        facts.umask = shares[_i].umask;
        weigh(&model, CHECK_UMASK, shares[_i].weight, shares[_i].range);
        weigh(&model, CHECK_NOTIFY_ACCESS, shares[_i].other_weight, 1);

        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_UMASK), shares[_i].share);
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_NOTIFY_ACCESS), 0);

        model_done(&model);
}
END_TEST

START_TEST(nothing_counts) {
        struct facts facts = facts_open();
        struct model model = blank_model();
        struct assessment assessment;

        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 0);
        ck_assert_uint_eq(assessment.sum, 0);
        ck_assert_uint_eq(assessment.total, 0);

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                ck_assert_uint_eq(assessment.badness[i], BADNESS_NOT_APPLICABLE);
                ck_assert_uint_eq(assessment_share(&model, &assessment, i), 0);
        }

        /* an assessment of another model is garbage, but not a division by zero */
        assessment.badness[CHECK_UMASK] = 10;
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_UMASK), 0);

        model_done(&model);
}
END_TEST

static const uint64_t weights[] = { UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 10, UINT64_MAX / 1000 };

/* No weight makes a sum overflow: huge ones all count alike. */
START_TEST(huge_weights) {
        struct facts facts = facts_open();
        struct model model = blank_model();
        struct assessment assessment;

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                weigh(&model, i, weights[_i], 10);

        /* as bad as can be, but for ranges */
        assess(&model, &facts, &assessment);
        ck_assert_uint_gt(assessment.exposure, 10);
        ck_assert_uint_le(assessment.exposure, 100);
        ck_assert_uint_lt(assessment.sum, assessment.total);
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_UMASK), 2);       /* 100 / 81 */
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_PRIVATE_TMP), 1); /* 10 / 81 */

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                weigh(&model, i, weights[_i], 1);
        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 100);
        ck_assert_uint_eq(assessment.sum, assessment.total);

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                weigh(&model, i, weights[_i], UINT64_MAX);
        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 1);

        facts = facts_closed();
        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 0);
        ck_assert_uint_eq(assessment.sum, 0);

        model_done(&model);
}
END_TEST

START_TEST(one_huge_weight) {
        struct facts facts = facts_closed();
        struct model model;
        struct assessment assessment;

        model_init(&model, 252, SCOPE_SYSTEM, NULL, NULL, NULL);
        weigh(&model, CHECK_PRIVATE_NETWORK, UINT64_MAX, 1);

        facts.private_network = false;
        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 100);
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_PRIVATE_NETWORK), 100);

        facts.private_network = true;
        facts.umask = 0;
        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.exposure, 1);
        ck_assert_uint_eq(assessment_share(&model, &assessment, CHECK_UMASK), 1);

        model_done(&model);
}
END_TEST

/* Up to this weight nothing is capped. */
START_TEST(weights_are_exact) {
        const uint64_t weight = UINT64_C(700000000000000);
        struct facts facts = facts_closed();
        struct model model = blank_model();
        struct assessment assessment;

        facts.umask = 0026;
        weigh(&model, CHECK_UMASK, weight, 10);
        weigh(&model, CHECK_NOTIFY_ACCESS, weight - 1, 1);

        assess(&model, &facts, &assessment);
        ck_assert_uint_eq(assessment.sum, weight / 10);
        ck_assert_uint_eq(assessment.total, 2 * weight - 1);
        ck_assert_uint_eq(assessment.exposure, 6);

        model_done(&model);
}
END_TEST

static const uint64_t ranges[] = { 1, 4, 9, 10, 11, 254, 255, 256, UINT64_MAX };

START_TEST(badness_is_held_to_the_range) {
        struct facts facts = facts_open();
        struct model model = blank_model();
        struct assessment assessment;

        weigh(&model, CHECK_PROTECT_HOME, 1000, ranges[_i]);
        assess(&model, &facts, &assessment);

        ck_assert_uint_eq(assessment.badness[CHECK_PROTECT_HOME], ranges[_i] < 10 ? ranges[_i] : 10);
        ck_assert_int_eq(assessment_result(&assessment, CHECK_PROTECT_HOME), RESULT_BAD);

        model_done(&model);
}
END_TEST

START_TEST(badness_is_a_result) {
        struct assessment assessment = { 0 };

        for (unsigned i = 0; i <= UINT8_MAX; i++) {
                enum result expected_result = i == 0 ? RESULT_GOOD :
                        i == BADNESS_NOT_APPLICABLE ? RESULT_NOT_APPLICABLE : RESULT_BAD;

                assessment.badness[CHECK_DELEGATE] = (uint8_t) i;
                ck_assert_int_eq(assessment_result(&assessment, CHECK_DELEGATE), expected_result);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-assess");
        TCase *tcase = tcase_create("assess");

        tcase_add_loop_test(tcase, plain_unit, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, halfway_unit, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, exposure_has_predicate_and_face, 0, ELEMENTSOF(grades));
        tcase_add_loop_test(tcase, sum_is_rounded_up, 0, ELEMENTSOF(sums));
        tcase_add_loop_test(tcase, policy_moves_the_predicate, 0, ELEMENTSOF(shown));
        tcase_add_loop_test(tcase, share_is_rounded_up, 0, ELEMENTSOF(shares));
        tcase_add_test(tcase, nothing_counts);
        tcase_add_loop_test(tcase, huge_weights, 0, ELEMENTSOF(weights));
        tcase_add_test(tcase, one_huge_weight);
        tcase_add_test(tcase, weights_are_exact);
        tcase_add_loop_test(tcase, badness_is_held_to_the_range, 0, ELEMENTSOF(ranges));
        tcase_add_test(tcase, badness_is_a_result);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
