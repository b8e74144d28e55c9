/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <exposured/checks.h>
#include <exposured/facts.h>
#include <exposured/policy.h>

#define SYSCALL_GROUP_MAX 11

/* Whether the name resolves to a system call of this architecture. */
typedef bool (*syscall_exists_fn)(const char *name, void *userdata);

/*
 * What facts are judged by: the systemd version and scope of the manager that the unit belongs to,
 * a policy, and the system calls that exist here.
 */
struct model {
        unsigned systemd_version;       /* as in 252; 0 where unknown: the newest rules */
        enum scope scope;
        struct policy policy;           /* owned */
        struct syscall_set groups[SYSCALL_GROUP_MAX]; /* what each scored group holds here */
};

/*
 * Sets a model up. Takes over the policy's texts (the caller's copy becomes the built-in policy);
 * NULL is the built-in policy. Cannot fail. model_done() frees it, takes NULL.
 */
void model_init(struct model *model, unsigned systemd_version, enum scope scope, struct policy *policy,
                syscall_exists_fn exists, void *userdata);
void model_done(struct model *model);

/* Stands for "not applicable" in an assessment. */
#define BADNESS_NOT_APPLICABLE UINT8_MAX

/* What a model says of facts. Plain data: copied by assignment. */
struct assessment {
        uint8_t badness[_CHECK_MAX];    /* 0 to the check's range, or BADNESS_NOT_APPLICABLE */
        uint8_t exposure;               /* tenths, 0 to 100 */
        uint64_t sum;                   /* of weighted badness: the measure before it is rounded */
        uint64_t total;                 /* sum of applicable weights */
};

void assess(const struct model *model, const struct facts *facts, struct assessment *ret);

/* Computes sum, total and exposure from the badness of each check. */
void assessment_rate(const struct model *model, struct assessment *assessment);

/* Whether two assessments are the same in every check and number. */
bool assessment_equal(const struct assessment *a, const struct assessment *b);

/* Good, bad or not applicable. */
enum result assessment_result(const struct assessment *assessment, enum check check);

/* The share of one check in the exposure, in tenths; 0 where it is good or not applicable. */
uint64_t assessment_share(const struct model *model, const struct assessment *assessment, enum check check);

/* What the result means, in the words of the policy or our own. Never NULL. */
const char *assessment_text(const struct model *model, const struct assessment *assessment, enum check check);

/* "PERFECT" to "DANGEROUS" by tenths; the face is the one the table of systemd-analyze has. */
const char *exposure_to_predicate(uint8_t exposure);
const char *exposure_to_face(uint8_t exposure);

/* One check that differs between two assessments. Not applicable counts as 0: no harm can come of it. */
struct check_change {
        enum check check;
        uint8_t before, after;  /* badness, or BADNESS_NOT_APPLICABLE */
};

/* Whether it can do more harm than before; the opposite is not "better", it may do the same. */
bool check_change_is_worse(const struct check_change *change);

struct difference {
        struct check_change changes[_CHECK_MAX];
        unsigned n_changes;
        unsigned n_worse;       /* of these: badness grew */
        unsigned n_better;      /* of these: badness shrank */
};

/* The checks whose badness differs, in the order of enum check. */
void assessment_compare(const struct assessment *before, const struct assessment *after,
                        struct difference *ret);
