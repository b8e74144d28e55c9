/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

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

/* The same for the reply to Get of one property that decode_properties() knows. */
int decode_property(sd_bus_message *message, const char *property, struct reading *reading);
