/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/facts.h>
#include <exposured/macro.h>

/*
 * One exposured: that of the system or that of the user. Says what regressions it has open, at the start
 * and soon after each time that something happened; it may come and go.
 */
struct source;
struct event;

struct source_ops {
        /* An answer of ListRegressions. Returns whether it could be read. */
        bool (*listed)(void *userdata, enum scope scope, sd_bus_message *answer);
        /* A new unit is above the limit for these. */
        void (*appeared)(void *userdata, const struct event *event);
};

/*
 * That of the system has a connection of its own, which comes again when it breaks. That of the user is
 * on the bus of the session, which is given; NULL for the system.
 */
int source_new(struct source **ret, sd_event *event, enum scope scope, sd_bus *session,
               const struct source_ops *ops, void *userdata);
struct source *source_free(struct source *source);
DEFINE_CLEANUP(struct source *, source_free)

/* The connection; NULL where there is none now. */
sd_bus *source_bus(const struct source *source);

/* Looks anew, soon. */
void source_look(struct source *source);
