/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <exposured/checks.h>

/*
 * A policy overrides weight, range and texts of single checks, as systemd-analyze-security.policy
 * does. policy_init() gives the built-in one; whoever reads a policy file then changes rows.
 */
struct policy_row {
        uint64_t weight;        /* 0: the check is not applicable; beyond 7e14 it counts as 7e14 */
        uint64_t range;         /* at least 1; 0 counts as the built-in range */
        char *texts[_RESULT_MAX]; /* by enum result; owned; NULL: the built-in text */
};

struct policy {
        struct policy_row rows[_CHECK_MAX];
};

/* Weight and range of each check as built in, no texts. */
void policy_init(struct policy *policy);

/* Frees the texts and leaves the built-in policy. Takes NULL. */
void policy_done(struct policy *policy);
