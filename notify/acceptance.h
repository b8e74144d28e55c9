/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include <exposured/facts.h>
#include <exposured/macro.h>

struct alert;

#define ACCEPTANCE_NO_ANSWER "exposured does not answer."

/* What became of one. */
struct acceptance_outcome {
        enum scope scope;
        const char *id;         /* of the alert */
        const char *unit;       /* the first of them */
        size_t n_accepted, n_units;
        const char *reason;     /* why not all, or NULL */
};

/* Asks exposured to accept what an alert tells of, unit by unit; polkit may ask the person first. */
struct acceptances;

/* Told once for each. */
typedef void (*acceptance_fn)(void *userdata, const struct acceptance_outcome *outcome);

int acceptances_new(struct acceptances **ret, acceptance_fn fn, void *userdata);
struct acceptances *acceptances_free(struct acceptances *acceptances);
DEFINE_CLEANUP(struct acceptances *, acceptances_free)

/* On the bus of its exposured, which is referenced. -EBUSY where too many are under way. */
int acceptances_begin(struct acceptances *acceptances, sd_bus *bus, const struct alert *alert);
