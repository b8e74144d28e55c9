/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A policy file. Whatever stands in it, a unit can be assessed with it. */
#include <errno.h>
#include <syslog.h>

#include <exposured/assessment.h>
#include <exposured/macro.h>

#include "fuzz.h"
#include "input.h"
#include "log.h"
#include "policy-file.h"
#include "utf8.h"

static bool any_syscall(const char *name, void *userdata) {
        (void) name, (void) userdata;
        return true;
}

static void check_row(const struct model *model, const struct assessment *assessment, enum check check) {
        const char *text = assessment_text(model, assessment, check);

        fuzz_assert(text && utf8_is_valid(text, strlen(text)));
        fuzz_assert(assessment_share(model, assessment, check) <= 100);
        (void) assessment_result(assessment, check);
}

/* Takes the policy over. */
static void check_policy(struct policy *policy) {
        struct assessment assessment;
        struct facts facts;
        struct model model;

        facts_init(&facts);
        model_init(&model, 257, SCOPE_SYSTEM, policy, any_syscall, NULL);
        assess(&model, &facts, &assessment);
        fuzz_assert(assessment.exposure <= 100 && assessment.sum <= assessment.total);
        for (unsigned check = 0; check < _CHECK_MAX; check++)
                check_row(&model, &assessment, (enum check) check);
        model_done(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_(freep) char *text = input_rest(&input);
        struct policy policy;
        int r;

        log_set_max_level(LOG_EMERG);
        r = policy_parse("policy", text, size, &policy);
        fuzz_assert(r == 0 || r == -EBADMSG);
        if (r == 0)
                check_policy(&policy);
        return 0;
}
