/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/*
 * Watch: systemd's signals, reduced to what scoring must know. Only messages of the one who owns
 * org.freedesktop.systemd1 are believed.
 */

/* Why the manager may not be asked. */
enum watch_busy {
        BUSY_ABSENT,    /* it is not on the bus */
        BUSY_GREETED,   /* it is, and has not answered us yet */
        BUSY_RELOADING,
};

struct watch_ops {
        /* The manager is there, knows of us, and is not reloading: all may be different now. */
        void (*manager_ready)(void *userdata, const char *version);
        /* Ask it nothing until it is ready. */
        void (*manager_busy)(void *userdata, enum watch_busy busy);
        /* A service unit was loaded, dropped, or changed its state. */
        void (*unit_loaded)(void *userdata, const char *name);
        void (*unit_removed)(void *userdata, const char *name);
        void (*unit_changed)(void *userdata, const char *name);
};

struct watch;

/*
 * Watches on that bus, until freed. References bus and event; calls the ops from the event loop only.
 * timeout_usec bounds each call to the manager. Returns 0 or a negative errno.
 */
int watch_new(struct watch **ret, sd_event *event, sd_bus *bus, uint64_t timeout_usec,
              const struct watch_ops *ops, void *userdata);

/* For calls made from now on, in µs. */
void watch_set_timeout(struct watch *watch, uint64_t timeout_usec);

/* Takes NULL, returns NULL. */
struct watch *watch_free(struct watch *watch);
