/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

static inline uint64_t usec_min(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

/* A timer that fires once each time it is armed, on the monotonic clock. */
struct timer;

/* The timer is off. fn is called from the event loop. References the event loop. */
int timer_new(struct timer **ret, sd_event *event, void (*fn)(void *userdata), void *userdata);

/* Takes NULL, returns NULL. */
struct timer *timer_free(struct timer *timer);

/* Fires in so many µs, whatever was set before. Logs what goes wrong. */
void timer_arm(struct timer *timer, uint64_t usec);
void timer_disarm(struct timer *timer);
bool timer_is_armed(const struct timer *timer);

/* The monotonic clock, and the time of day since 1970, in µs. */
uint64_t timer_now(void);
uint64_t timer_realtime(void);
