/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Status: what the daemon says of itself. Tells the bus and systemd what changed, once an iteration
 * of the event loop, and only that.
 */
struct manager;
struct status;

int status_new(struct status **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct status *status_free(struct status *status);

/* Something that the functions below tell may be different. */
void status_changed(struct status *status);

/* "starting", "scanning", "current", "reloading", "disconnected" */
const char *status_state(const struct manager *manager);

/* Why the scores cannot be believed, or NULL where they can. text holds the sentence if one must be made. */
const char *status_problem(const struct manager *manager, char *text, size_t size);
