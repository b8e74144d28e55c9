/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exposured/facts.h>
#include <exposured/macro.h>

struct event;

/* Of the units that a cause hit, so many are remembered by name, and of checks. */
#define ALERT_UNITS_MAX 64U
#define ALERT_CHECKS_MAX 4U

/* Room for the id of an event. */
#define ALERT_ID_SIZE 64U

/* No card shows it. */
#define CARD_NONE (-1)

/* An open regression: one cause, and what it hit. As it came, nothing is cleaned. */
struct alert {
        enum scope scope;
        char id[ALERT_ID_SIZE];
        char *unit;
        char **units;                           /* the first ones, NULL-terminated */
        size_t n_units;                         /* of all */
        char *path, *change;                    /* the first cause; "": no file, unknown */
        size_t n_causes;
        char *checks[ALERT_CHECKS_MAX];         /* those that became worse */
        size_t n_checks;                        /* of all */
        unsigned before, after;                 /* tenths */
        uint64_t digest;                        /* of all that can be told of it; never 0 */

        /* Of the board. */
        bool told, fresh, seen;                 /* fresh: being told, the server has not answered yet */
        bool restored;                          /* from before a restart: no more than the id is known */
        int card;                               /* its number, or CARD_NONE */
        uint64_t sent, shown;                   /* digests: on its way, what its card says; 0: nothing */
};

/* A copy of a row of ListRegressions; -EBADMSG where it cannot be one. */
int alert_new(struct alert **ret, enum scope scope, const struct event *event);
struct alert *alert_free(struct alert *alert);
DEFINE_CLEANUP(struct alert *, alert_free)

/* Whether both have the same cause, or are about the same unit: one of them has grown out of the other. */
bool alert_is_related(const struct alert *a, const struct alert *b);

/* Whether every unit that was hit is known by name. */
bool alert_is_complete(const struct alert *alert);
