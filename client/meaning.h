/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <systemd/sd-bus.h>

#include "event.h"
#include "unit.h"

/* So many units are asked for at most. */
#define MEANINGS_MAX_UNITS 32

/* What checks that are bad mean, as exposured says it of units that were asked for. */
struct meanings {
        struct unit units[MEANINGS_MAX_UNITS];
        size_t n_units;
};

/*
 * Asks what the worse checks of events mean, as far as it is not known already. That a unit cannot
 * be asked for is no failure: its checks go by their identifiers then.
 */
void meanings_ask(struct meanings *meanings, sd_bus *bus, const struct event_list *events);

/* The finding of a check that is that bad; NULL where it is not known. */
const struct finding *meanings_find(const struct meanings *meanings, const char *json_field,
                                    uint64_t badness);

void meanings_done(struct meanings *meanings);
