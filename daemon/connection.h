/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/facts.h>

/*
 * Connection: our connection to the bus. A bus that goes away is connected to again as soon as it is back.
 */
struct connection_ops {
        /* A connection is there (the bus may not have answered yet). An error is logged and ends it. */
        int (*connected)(void *userdata, sd_bus *bus);
        /* It broke; what belongs to it must go. */
        void (*disconnected)(void *userdata);
        /* After connection_await(): see pump_await(). */
        void (*written)(void *userdata);
        /* The name is ours. */
        void (*name_acquired)(void *userdata);
        /* It never will be: another one has it, or the bus does not let us. Logged. */
        void (*name_refused)(void *userdata, int error);
};

struct connection;

/* Connects from the event loop. */
int connection_new(struct connection **ret, sd_event *event, enum scope scope, const struct connection_ops *ops,
                   void *userdata);

/* Takes NULL, returns NULL. */
struct connection *connection_free(struct connection *connection);

/* Asks for our name on the present connection, until the bus has answered. */
void connection_request_name(struct connection *connection);

/* As pump_is_written(), pump_is_clear() and pump_await(). */
bool connection_is_written(const struct connection *connection);
bool connection_is_clear(const struct connection *connection);
void connection_await(struct connection *connection);

/*
 * The event loop is about to end. It will send what is still to be sent; for a bus that has not answered
 * yet it would wait, so that is left alone. Takes NULL.
 */
void connection_prepare_end(struct connection *connection);
