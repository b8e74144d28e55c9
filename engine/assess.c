/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "rules.h"

/*
 * A policy may weigh a check with any number. Larger ones count as this one: with it, neither the sum over
 * all checks nor the largest badness overflows when counted in tenths.
 */
#define WEIGHT_MAX (UINT64_MAX / 100 / UINT8_MAX)

_Static_assert(_CHECK_MAX <= UINT8_MAX, "a sum over all checks fits");

static uint64_t weight_of(const struct model *model, enum check check) {
        uint64_t weight = model->policy.rows[check].weight;

        return weight < WEIGHT_MAX ? weight : WEIGHT_MAX;
}

static uint64_t range_of(const struct model *model, enum check check) {
        uint64_t range = model->policy.rows[check].range;

        return range > 0 ? range : check_info(check)->range;
}

static uint64_t divide_up(uint64_t dividend, uint64_t divisor) {
        return dividend / divisor + (dividend % divisor != 0);
}

static uint8_t badness_of(const struct model *model, const struct facts *facts, enum check check) {
        uint64_t range = range_of(model, check);
        uint8_t badness;

        if (weight_of(model, check) == 0)
                return BADNESS_NOT_APPLICABLE;

        badness = rule_badness(check, model, facts);
        if (badness == BADNESS_NOT_APPLICABLE || badness <= range)
                return badness;

        return (uint8_t) range;
}

void assess(const struct model *model, const struct facts *facts, struct assessment *ret) {
        struct facts implied = *facts;

        facts_imply(&implied);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                ret->badness[i] = badness_of(model, &implied, i);
        assessment_rate(model, ret);
}

void assessment_rate(const struct model *model, struct assessment *assessment) {
        uint64_t sum = 0, total = 0;

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                uint8_t badness = assessment->badness[i];

                if (badness == BADNESS_NOT_APPLICABLE)
                        continue;
                sum += divide_up(badness * weight_of(model, i), range_of(model, i));
                total += weight_of(model, i);
        }
        assessment->sum = sum;
        assessment->total = total;
        assessment->exposure = total > 0 ? (uint8_t) divide_up(sum * 100, total) : 0;
}

enum result assessment_result(const struct assessment *assessment, enum check check) {
        switch (assessment->badness[check]) {
        case 0:
                return RESULT_GOOD;
        case BADNESS_NOT_APPLICABLE:
                return RESULT_NOT_APPLICABLE;
        default:
                return RESULT_BAD;
        }
}

uint64_t assessment_share(const struct model *model, const struct assessment *assessment, enum check check) {
        uint64_t tenths;

        if (assessment_result(assessment, check) != RESULT_BAD || assessment->total == 0)
                return 0;

        tenths = assessment->badness[check] * weight_of(model, check) * 100;
        return divide_up(divide_up(tenths, range_of(model, check)), assessment->total);
}

const char *assessment_text(const struct model *model, const struct assessment *assessment,
                            enum check check) {
        enum result result = assessment_result(assessment, check);
        const char *text;

        text = model->policy.rows[check].texts[result];
        if (text)
                return text;

        text = check_info(check)->texts[result];
        if (text && weight_of(model, check) > 0)
                return text;

        return "The policy leaves this check out";
}
