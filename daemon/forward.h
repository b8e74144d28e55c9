/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

/*
 * Forwards: sd-bus answers some calls by itself and at once, which cannot be put off, however long the answers are.
 * When their turn has come, we make the call to ourselves and pass on what comes of it.
 */
struct forwards;

/* The op is called when a user may forward again. References the bus. 0 or a negative errno. */
int forwards_new(struct forwards **ret, sd_bus *bus, void (*done)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. */
struct forwards *forwards_free(struct forwards *forwards);

/* Whether this is a call that we have made, so that sd-bus is to answer it. */
bool forwards_is_ours(const struct forwards *forwards, sd_bus_message *call);

/* Whether that user has room for another one. */
bool forwards_has_room(const struct forwards *forwards, uint32_t uid);

/* Answers the call later. 0 or a negative errno; -EBUSY: there is no room. */
int forwards_call(struct forwards *forwards, sd_bus_message *call, uint32_t uid);
