/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include <exposured/macro.h>

struct alert;

/* Asks exposured to accept what an alert tells of, unit by unit; polkit may ask the person first. */
struct acceptances;

/* Told once for each: how many units of how many were accepted, and why not all, or NULL. */
typedef void (*acceptance_fn)(void *userdata, const char *unit, size_t n_accepted, size_t n_units,
                              const char *reason);

int acceptances_new(struct acceptances **ret, acceptance_fn fn, void *userdata);
struct acceptances *acceptances_free(struct acceptances *acceptances);
DEFINE_CLEANUP(struct acceptances *, acceptances_free)

/* On the bus of its exposured, which is referenced. -EBUSY where too many are under way. */
int acceptances_begin(struct acceptances *acceptances, sd_bus *bus, const struct alert *alert);
