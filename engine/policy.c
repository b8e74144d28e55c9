/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include <exposured/policy.h>

void policy_init(struct policy *policy) {
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                const struct check_info *info = check_info(i);

                policy->rows[i] = (struct policy_row) {
                        .weight = info->weight,
                        .range = info->range,
                };
        }
}

void policy_done(struct policy *policy) {
        if (!policy)
                return;

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                for (unsigned j = 0; j < _RESULT_MAX; j++)
                        free(policy->rows[i].texts[j]);

        policy_init(policy);
}
