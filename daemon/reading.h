/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include <exposured/facts.h>

#include "strv.h"

/* What a manager told about one unit, complete or in the making. */
struct reading {
        struct facts facts;
        char *id;
        char *load_state;
        char *fragment_path;    /* NULL where there is none */
        char **drop_in_paths;
        unsigned n_properties;  /* so many properties were told */
};

/* An empty one: facts as facts_init() leaves them. */
void reading_init(struct reading *reading);

/* Frees what it holds. Takes NULL. */
void reading_done(struct reading *reading);

/* More paths than a unit can sensibly have are an error of that unit. */
#define DROP_IN_PATHS_MAX 1024U

/*
 * Reads a reply to GetAll: the properties that scoring knows are decoded, others passed over.
 * Returns 0, -EBADMSG where a property has another type than expected or a value beyond all bounds
 * (its name in *ret_property, static), -ENOMEM.
 */
int decode_properties(sd_bus_message *message, struct reading *reading, const char **ret_property);

/*
 * Whether a reply to GetAll held so much of what scoring knows that the rest may be settings that this version
 * of the manager does not have, or not any more.
 */
bool reading_is_complete(const struct reading *reading);

/* The same for the reply to Get of one property that decode_properties() knows. */
int decode_property(sd_bus_message *message, const char *property, struct reading *reading);
