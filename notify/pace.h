/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)

/* New notifications within any minute. */
#define PACE_MINUTE_MAX 3U

/*
 * How often a person is told something: what is single at once, at most three times in a row; what comes
 * in numbers once, soon a second time for the rest of them, and after that once a minute. Times are in µs
 * on the monotonic clock.
 */
struct pace {
        uint64_t last;          /* when something was told; 0: never */
        uint64_t told[PACE_MINUTE_MAX];         /* the last times of that, in a ring; 0: none */
        unsigned next;                          /* of the ring, the oldest */
        uint64_t updated;       /* when a notification was changed without telling anew; 0: never */
        uint64_t since;         /* when the news came that is to be told */
        unsigned cost;
        bool has_news;
};

/* News have come; those that come before they are told change nothing. */
void pace_arrive(struct pace *pace, uint64_t now);

/* When the news may be told, in µs from now; 0: now. What is urgent only keeps to the most of a minute. */
uint64_t pace_wait(const struct pace *pace, uint64_t now, bool urgent);

/* The same for a change of what is on the screen already. */
uint64_t pace_wait_update(const struct pace *pace, uint64_t now);

/* So many alerts were told. */
void pace_tell(struct pace *pace, uint64_t now, unsigned n);

/* What is on the screen was changed. */
void pace_update(struct pace *pace, uint64_t now);
