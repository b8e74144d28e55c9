/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

/* Calls that are put off, once each time: timers of the event loop that fire once. */

/* fn is called with userdata when it is due; it is not yet. */
int delay_new(sd_event_source **ret, sd_event *event, sd_event_time_handler_t fn, void *userdata);

/* Due in so many µs, whatever was set before. */
void delay_set(sd_event_source *delay, uint64_t usec);

/* The same, unless it is due earlier. */
void delay_set_earlier(sd_event_source *delay, uint64_t usec);
void delay_stop(sd_event_source *delay);
bool delay_is_set(sd_event_source *delay);

/* The monotonic clock, in µs. */
uint64_t delay_now(void);
