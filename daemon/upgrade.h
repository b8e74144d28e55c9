/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct event;

/*
 * Upgrade: the event that tells of another systemd. It is held back until what the units' settings became
 * at the same time has settled, and told with that.
 */
struct upgrade {
        struct event *event;            /* NULL: none is held */
        uint64_t due;                   /* monotonic, µs; 0: the sweep that follows it has not ended */
};

/* Whether units are not to be judged yet. For when no sweep is under way. */
bool upgrade_waits(struct upgrade *upgrade, uint64_t settle_usec);

/* Hands the event over, if there is one: what is judged from now on is told in it. 0, or -ENOMEM: it waits. */
int upgrade_join(struct upgrade *upgrade, struct batch *batch);
