/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * Pump: moves the messages of a connection in the event loop. While more waits to be written than the bus takes,
 * nothing is read: whoever calls and does not care for the answers fills a queue of the bus, not one of ours.
 */
struct pump_ops {
        /* All is written, after pump_await(). */
        void (*written)(void *userdata);
        /* The connection cannot be used any more, and sd-bus does not know. */
        void (*broken)(void *userdata);
};

struct pump;

/* References bus and event. Returns 0 or a negative errno. */
int pump_new(struct pump **ret, sd_event *event, sd_bus *bus, const struct pump_ops *ops, void *userdata);

/* Whether nothing waits to be written. */
bool pump_is_written(const struct pump *pump);

/* Whether the bus has read the most of that, too: what is sent now waits behind little. */
bool pump_is_clear(const struct pump *pump);

/* Calls the op when all is written and there may be news of whether it is clear, once. */
void pump_await(struct pump *pump);

/* Takes NULL, returns NULL. */
struct pump *pump_free(struct pump *pump);
