/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

enum finding_result {
        FINDING_GOOD,
        FINDING_BAD,
        FINDING_NOT_APPLICABLE,
};

/* What one check says of a unit. */
struct finding {
        const char *json_field, *name, *description, *setting;
        enum finding_result result;
        uint64_t badness, weight, range;
        unsigned share;         /* tenths of the exposure */
};

/*
 * What exposured says of one unit. The texts are those of the message, the arrays are owned. What
 * the daemon may leave out is NULL, false or 0 then.
 */
struct unit {
        sd_bus_message *message;
        const char *name, *predicate, *fragment_path;
        char **drop_in_paths;
        unsigned exposure, baseline;    /* tenths */
        bool has_baseline, regressed, oneshot, stale;
        uint64_t since, last_read;      /* microseconds since 1970; 0: unknown */
        struct finding *findings;       /* worst first, see unit_sort_findings() */
        size_t n_findings;
        const char *path;               /* of the object; NULL: the unit is not loaded. Not of the message */
};

/* Reads an a{sv}. Returns 0, or a negative errno; unit_done() is due in any case. */
int unit_read(struct unit *unit, sd_bus_message *message);
void unit_done(struct unit *unit);

/* The bad ones by share, then the good ones, then those that do not apply; by name where that is equal. */
void unit_sort_findings(struct unit *unit);
