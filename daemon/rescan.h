/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * Rescan: sweeps that clients ask for. Those who ask while one is due share it, those who ask while one is under way
 * share the next; systemd gets ten times as long to rest as a sweep took.
 */
struct rescan;

int rescan_new(struct rescan **ret, sd_event *event, void (*sweep)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. */
struct rescan *rescan_free(struct rescan *rescan);

/*
 * Answers the call of that user when the sweep is done. Returns 0; -EBUSY where too many wait already,
 * then the caller answers.
 */
int rescan_request(struct rescan *rescan, sd_bus_message *call, uint32_t uid);

/* A sweep ended that took so long. */
void rescan_sweep_done(struct rescan *rescan, uint64_t duration_usec);

/* No sweep can be had: answers all with this error. */
void rescan_fail(struct rescan *rescan, const sd_bus_error *error);
