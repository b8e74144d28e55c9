/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include <exposured/macro.h>

#include "fake-timer.h"

#define TIMERS_MAX 512

struct timer {
        void (*fn)(void *userdata);
        void *userdata;
        bool used, armed;
        uint64_t when;
};

static struct timer timers[TIMERS_MAX];
static uint64_t now = 1000 * USEC_PER_SEC;

int timer_new(struct timer **ret, sd_event *event, void (*fn)(void *userdata), void *userdata) {
        (void) event;
        for (size_t i = 0; i < ELEMENTSOF(timers); i++) {
                if (timers[i].used)
                        continue;
                timers[i] = (struct timer) { .fn = fn, .userdata = userdata, .used = true };
                *ret = &timers[i];
                return 0;
        }
        abort();
}

struct timer *timer_free(struct timer *timer) {
        if (timer)
                *timer = (struct timer) {};
        return NULL;
}

void timer_arm(struct timer *timer, uint64_t usec) {
        timer->armed = true;
        timer->when = now + usec;
}

void timer_disarm(struct timer *timer) {
        timer->armed = false;
}

bool timer_is_armed(const struct timer *timer) {
        return timer->armed;
}

uint64_t timer_now(void) {
        return now;
}

uint64_t timer_realtime(void) {
        return now;
}

static struct timer *first_armed(void) {
        struct timer *first = NULL;

        for (size_t i = 0; i < ELEMENTSOF(timers); i++)
                if (timers[i].armed && (!first || timers[i].when < first->when))
                        first = &timers[i];
        return first;
}

bool fake_time_next(uint64_t *ret_usec) {
        const struct timer *first = first_armed();

        if (first)
                *ret_usec = first->when > now ? first->when - now : 0;
        return first != NULL;
}

void fake_time_pass(uint64_t usec) {
        uint64_t end = now + usec;
        struct timer *first;

        while ((first = first_armed()) && first->when <= end) {
                now = first->when > now ? first->when : now;
                first->armed = false;
                first->fn(first->userdata);
        }
        now = end;
}
