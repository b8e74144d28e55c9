/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"
#include "timer.h"

struct timer {
        sd_event_source *source;
        void (*fn)(void *userdata);
        void *userdata;
};

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        struct timer *timer = userdata;

        (void) source;
        (void) usec;
        timer->fn(timer->userdata);
        return 0;
}

int timer_new(struct timer **ret, sd_event *event, void (*fn)(void *userdata), void *userdata) {
        struct timer *timer;
        int r;

        timer = calloc(1, sizeof(*timer));
        if (!timer)
                return -ENOMEM;
        timer->fn = fn;
        timer->userdata = userdata;
        r = sd_event_add_time(event, &timer->source, CLOCK_MONOTONIC, UINT64_MAX, USEC_PER_MSEC, on_time, timer);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
        if (r < 0) {
                timer_free(timer);
                return r;
        }
        *ret = timer;
        return 0;
}

struct timer *timer_free(struct timer *timer) {
        if (!timer)
                return NULL;
        sd_event_source_disable_unref(timer->source);
        free(timer);
        return NULL;
}

void timer_arm(struct timer *timer, uint64_t usec) {
        int r;

        r = sd_event_source_set_time_relative(timer->source, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
        /* -ESTALE: the event loop has ended, and with it all that could be awaited. */
        if (r < 0 && r != -ESTALE)
                log_errno(LOG_ERR, r, "Cannot set a timer");
}

void timer_disarm(struct timer *timer) {
        (void) sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
}

bool timer_is_armed(const struct timer *timer) {
        int enabled;

        return sd_event_source_get_enabled(timer->source, &enabled) > 0;
}

static uint64_t clock_usec(clockid_t clock) {
        struct timespec ts;

        /* Cannot fail: both clocks exist everywhere. */
        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t timer_now(void) {
        return clock_usec(CLOCK_MONOTONIC);
}

uint64_t timer_realtime(void) {
        return clock_usec(CLOCK_REALTIME);
}
