/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "delay.h"

#include <errno.h>
#include <time.h>

#include "pace.h"
#include "report.h"

int delay_new(sd_event_source **ret, sd_event *event, sd_event_time_handler_t fn, void *userdata) {
        int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, UINT64_MAX, USEC_PER_MSEC, fn, userdata);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

void delay_set(sd_event_source *delay, uint64_t usec) {
        int r = sd_event_source_set_time_relative(delay, usec);

        if (r >= 0)
                r = sd_event_source_set_enabled(delay, SD_EVENT_ONESHOT);
        if (r < 0 && r != -ESTALE)
                report_errno(r, "Cannot set a timer");
}

void delay_set_earlier(sd_event_source *delay, uint64_t usec) {
        uint64_t due;

        if (delay_is_set(delay) && sd_event_source_get_time(delay, &due) >= 0 &&
            due <= delay_now() + usec)
                return;
        delay_set(delay, usec);
}

void delay_stop(sd_event_source *delay) {
        (void) sd_event_source_set_enabled(delay, SD_EVENT_OFF);
}

bool delay_is_set(sd_event_source *delay) {
        return sd_event_source_get_enabled(delay, NULL) > 0;
}

uint64_t delay_now(void) {
        struct timespec ts;

        /* Cannot fail: the clock exists everywhere. */
        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}
