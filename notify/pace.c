/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pace.h"

/* What comes within that time is told together. */
#define WINDOW_USEC (500 * USEC_PER_MSEC)
/* As long as that there is silence in between, or as little as that. */
#define LONG_USEC (60 * USEC_PER_SEC)
#define SHORT_USEC (1 * USEC_PER_SEC)
/* What is on the screen stays as it is for that long, so that it can be read. */
#define UPDATE_USEC (10 * USEC_PER_SEC)
/* From here on the silence is long. */
#define COST_MAX 3U

void pace_arrive(struct pace *pace, uint64_t now) {
        if (pace->has_news)
                return;
        pace->has_news = true;
        pace->since = now;
        /* Who had nothing to tell for long begins anew. */
        if (now - pace->last >= LONG_USEC)
                pace->cost = 0;
}

static uint64_t later(uint64_t a, uint64_t b) {
        return a > b ? a : b;
}

/* There is room for one more where the oldest of the last times is more than a minute ago. */
static uint64_t urgent_silence(const struct pace *pace) {
        uint64_t oldest = pace->told[pace->next];

        return later(pace->last + SHORT_USEC, oldest > 0 ? oldest + LONG_USEC : 0);
}

uint64_t pace_wait(const struct pace *pace, uint64_t now, bool urgent) {
        uint64_t due = pace->since + WINDOW_USEC;

        if (pace->cost > 0)
                due = later(due, urgent                 ? urgent_silence(pace) :
                                 pace->cost < COST_MAX ? pace->last + SHORT_USEC :
                                                         pace->last + LONG_USEC);
        return due > now ? due - now : 0;
}

uint64_t pace_wait_update(const struct pace *pace, uint64_t now) {
        uint64_t due = pace->updated > 0 ? pace->updated + UPDATE_USEC : 0;

        if (pace->has_news)
                due = later(due, pace->since + WINDOW_USEC);
        return due > now ? due - now : 0;
}

void pace_tell(struct pace *pace, uint64_t now, unsigned n) {
        pace->last = pace->told[pace->next] = now;
        pace->next = (pace->next + 1) % PACE_MINUTE_MAX;
        pace->cost += n > 1 ? 2 : 1;
        pace->has_news = false;
}

void pace_update(struct pace *pace, uint64_t now) {
        pace->updated = now;
}
