/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pace.h"

/* What comes within that time is told together. */
#define WINDOW_USEC (500 * USEC_PER_MSEC)
/* As long as that there is silence in between, or as little as that. */
#define LONG_USEC (60 * USEC_PER_SEC)
#define SHORT_USEC (1 * USEC_PER_SEC)
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

uint64_t pace_wait(const struct pace *pace, uint64_t now) {
        uint64_t due = pace->since + WINDOW_USEC, silent = 0;

        if (pace->cost > 0)
                silent = pace->last + (pace->cost < COST_MAX ? SHORT_USEC : LONG_USEC);
        if (due < silent)
                due = silent;
        return due > now ? due - now : 0;
}

void pace_tell(struct pace *pace, uint64_t now, unsigned n) {
        pace->last = now;
        pace->cost += n > 1 ? 2 : 1;
        pace->has_news = false;
}
