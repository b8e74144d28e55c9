/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * Acceptance: a person takes the present state of a unit as its baseline, for a reason, for good or
 * until a time; then the baseline comes back.
 */
struct manager;
struct acceptances;

#define REASON_MAX 1024U

int acceptances_new(struct acceptances **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct acceptances *acceptances_free(struct acceptances *acceptances);

/* What came of it. */
enum accepted {
        ACCEPTED,
        ACCEPTED_NOTHING,       /* the present state is the baseline already */
        ACCEPTED_UNKNOWN,       /* no such unit is remembered */
};

/* The id of the event that told the regression that is open for a unit or template, or an empty text. */
const char *acceptance_find_regression(const struct manager *manager, const char *name);

/* until: realtime, µs; 0: for good. *ret_id (EVENT_ID_SIZE) is the event's. Or a negative errno. */
int accept_unit(struct manager *manager, const char *name, const char *reason, uint64_t until, uint32_t uid,
                char *ret_id);

/* Looks for acceptances that have ended, and waits for the next one: after loading, and after a clock jump. */
void acceptances_advance(struct acceptances *acceptances);
