/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

#define ROUNDS 2000

static uint64_t state;

/* SplitMix64 */
static uint64_t next(void) {
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

static uint64_t below(uint64_t n) {
        return next() % n;
}

static bool coin(void) {
        return below(2);
}

static struct facts random_facts(void) {
        struct facts facts = {
                .capability_bounding_set = coin() ? next() : next() & next() & next() & next(),
                .ambient_capabilities = coin() ? 0 : next(),
                .restrict_namespaces = coin() ? next() : next() & next(),
                .umask = (uint32_t) below(01000),
                .system_call_filter_allow_list = coin(),
                .address_families_allow_list = coin(),
                .address_families = (uint8_t) below(32),
                .ip_access = (uint8_t) below(32),
                .protect_home = (uint8_t) below(_PROTECT_HOME_MAX),
                .protect_system = (uint8_t) below(_PROTECT_SYSTEM_MAX),
                .protect_proc = (uint8_t) below(_PROTECT_PROC_MAX),
                .device_policy = (uint8_t) below(_DEVICE_POLICY_MAX),
                .user = (uint8_t) below(_USER_CLASS_MAX),
                .architectures = (uint8_t) below(_ARCHITECTURES_MAX),
                .root_directory = (uint8_t) below(_ROOT_KIND_MAX),
                .root_image = (uint8_t) below(_ROOT_KIND_MAX),
        };

        /* the rest of them are flags */
        for (size_t at = offsetof(struct facts, default_dependencies);
             at <= offsetof(struct facts, supplementary_groups); at++)
                *((bool *) &facts + at) = coin();

        facts.system_call_filter_empty = below(4) == 0;
        if (!facts.system_call_filter_empty)
                for (int i = 0; syscall_name(i); i++)
                        if (below(8) > 0)
                                syscall_set_add(&facts.system_call_filter, i);

        return facts;
}

static void random_policy(struct policy *policy) {
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                if (coin())
                        policy->rows[i].weight = below(UINT64_C(1) << below(40));
                if (below(4) == 0)
                        policy->rows[i].range = 1 + below(UINT64_C(1) << below(6));
        }
}

/* The arithmetic once more, straight from the definition. */
static void assert_arithmetic(const struct model *model, const struct assessment *assessment) {
        uint64_t sum = 0, total = 0;

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                const struct policy_row *row = model->policy.rows + i;
                uint64_t badness_of = assessment->badness[i];

                ck_assert((badness_of == BADNESS_NOT_APPLICABLE) >= (row->weight == 0));
                if (badness_of == BADNESS_NOT_APPLICABLE)
                        continue;

                ck_assert_uint_le(badness_of, row->range);
                sum += (badness_of * row->weight + row->range - 1) / row->range;
                total += row->weight;
        }

        ck_assert_uint_eq(assessment->sum, sum);
        ck_assert_uint_eq(assessment->total, total);
        ck_assert_uint_eq(assessment->exposure, total > 0 ? (sum * 100 + total - 1) / total : 0);

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                const struct policy_row *row = model->policy.rows + i;
                uint64_t share = 0;

                if (assessment_result(assessment, i) == RESULT_BAD) {
                        share = (assessment->badness[i] * row->weight * 100 + row->range - 1) / row->range;
                        share = (share + total - 1) / total;
                }

                ck_assert_uint_eq(assessment_share(model, assessment, i), share);
                ck_assert_uint_gt(strlen(assessment_text(model, assessment, i)), 0);
        }
}

START_TEST(assessments_hold_together) {
        static const unsigned versions[] = { 0, 252, 257, 258, 261, 262, 270 };
        struct facts last = facts_plain();
        struct policy policy;

        policy_init(&policy);
        for (int i = 0; i < ROUNDS; i++) {
                struct facts facts = random_facts();
                struct assessment a, b, of_last;
                struct difference difference;
                struct model model;

                if (i % 50 == 0)
                        random_policy(&policy);
                model_init(&model, versions[below(ELEMENTSOF(versions))], coin() ? SCOPE_SYSTEM : SCOPE_USER,
                           NULL, NULL, NULL);
                model.policy = policy; /* it has no texts, so nothing is owned */

                assess(&model, &facts, &a);
                assert_arithmetic(&model, &a);

                assess(&model, &facts, &b);
                ck_assert(assessment_equal(&a, &b));

                assess(&model, &last, &of_last);
                assessment_compare(&of_last, &a, &difference);
                ck_assert_uint_le(difference.n_worse + difference.n_better, difference.n_changes);
                if (difference.n_changes > 0)
                        ck_assert(!facts_equal(&last, &facts));

                last = facts;
                model_done(&model);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-random");
        TCase *tcase = tcase_create("random");
        const char *seed = getenv("TEST_SEED");

        state = seed ? strtoull(seed, NULL, 0) : (uint64_t) time(NULL);
        printf("TEST_SEED=%llu\n", (unsigned long long) state);
        fflush(stdout);

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, assessments_hold_together);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
