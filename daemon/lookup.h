/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "reader.h"

/*
 * Lookups: units that are not loaded, asked about by clients. Systemd loads each for the question,
 * so they wait in line: one at a time, so many a second.
 */
struct manager;
struct lookups;

int lookups_new(struct lookups **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct lookups *lookups_free(struct lookups *lookups);

/*
 * Answers the call of that user when the unit was read, unless the caller has left by then. -EBUSY where too many
 * wait, then the caller answers.
 */
int lookups_request(struct lookups *lookups, sd_bus_message *call, const char *name, uint32_t uid);

/* For reader_ops. */
void lookups_read_ended(struct lookups *lookups, const char *name, enum read_result result,
                        struct reading *reading, const char *problem);

/* Starts the next one, if its time has come. To be called when a call to systemd has ended: there may be room now. */
void lookups_advance(struct lookups *lookups);

/* Systemd may be asked (again), or not. What was under way is asked again. */
void lookups_resume(struct lookups *lookups);
void lookups_suspend(struct lookups *lookups);

/* The bus is gone, and those who asked with it. */
void lookups_drop(struct lookups *lookups);

/* So many were made. */
uint64_t lookups_count(const struct lookups *lookups);
