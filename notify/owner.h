/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include <exposured/macro.h>

/* Who has a name on a bus, and who has it from now on. Starts nobody, asks once. */
struct owner;

/* Called when it is known for the first time, and at each change; NULL: nobody. */
typedef void (*owner_fn)(void *userdata, const char *owner);

/* References the bus. The name must stay. */
int owner_new(struct owner **ret, sd_bus *bus, const char *name, owner_fn fn, void *userdata);
struct owner *owner_free(struct owner *owner);
DEFINE_CLEANUP(struct owner *, owner_free)

/* The unique name; NULL where nobody has it, or it is not known yet. */
const char *owner_name(const struct owner *owner);
bool owner_is_known(const struct owner *owner);

/* Whether the owner is who sent a message. */
bool owner_sent(const struct owner *owner, sd_bus_message *message);
