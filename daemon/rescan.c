/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>

#include <exposured/macro.h>

#include "api.h"
#include "log.h"
#include "rescan.h"
#include "timer.h"

#define WAITERS_MAX 64U
#define WAITERS_PER_USER_MAX 16U
#define REST_MIN_USEC USEC_PER_SEC
#define REST_FACTOR 10

struct waiter {
        sd_bus_message *call;
        uint32_t uid;
};

struct rescan {
        void (*sweep)(void *userdata);
        void *userdata;
        struct timer *timer;
        uint64_t rest_until;
        struct waiter waiters[WAITERS_MAX];
        size_t n_waiters;
        size_t n_asked;                 /* of those, the first, whom the sweep under way is for; 0: none is */
};

static unsigned count_user(const struct rescan *rescan, uint32_t uid) {
        unsigned n = 0;

        for (size_t i = 0; i < rescan->n_waiters; i++)
                n += rescan->waiters[i].uid == uid;
        return n;
}

static void on_timer(void *userdata) {
        struct rescan *rescan = userdata;

        rescan->n_asked = rescan->n_waiters;
        rescan->sweep(rescan->userdata);
}

/* Who asks during a sweep waits for the next one: this one may have read already what changed since. */
static void arm(struct rescan *rescan) {
        uint64_t now = timer_now();

        if (rescan->n_waiters > 0 && rescan->n_asked == 0 && !timer_is_armed(rescan->timer))
                timer_arm(rescan->timer, rescan->rest_until > now ? rescan->rest_until - now : 0);
}

int rescan_request(struct rescan *rescan, sd_bus_message *call, uint32_t uid) {
        if (rescan->n_waiters >= WAITERS_MAX || count_user(rescan, uid) >= WAITERS_PER_USER_MAX)
                return -EBUSY;
        rescan->waiters[rescan->n_waiters++] = (struct waiter) { sd_bus_message_ref(call), uid };
        arm(rescan);
        return 0;
}

static void forget_waiters(struct rescan *rescan, size_t n) {
        for (size_t i = 0; i < n; i++)
                sd_bus_message_unref(rescan->waiters[i].call);
        rescan->n_waiters -= n;
        rescan->n_asked = 0;
        memmove(rescan->waiters, rescan->waiters + n, rescan->n_waiters * sizeof(*rescan->waiters));
}

void rescan_sweep_done(struct rescan *rescan, uint64_t duration_usec) {
        uint64_t rest = duration_usec * REST_FACTOR;

        /* A sweep that had another reason may have begun before they asked. */
        if (rescan->n_asked == 0)
                return;
        rescan->rest_until = timer_now() + (rest > REST_MIN_USEC ? rest : REST_MIN_USEC);
        for (size_t i = 0; i < rescan->n_asked; i++)
                api_ensure_reply(rescan->waiters[i].call, sd_bus_reply_method_return(rescan->waiters[i].call, NULL));
        forget_waiters(rescan, rescan->n_asked);
        arm(rescan);
}

void rescan_fail(struct rescan *rescan, const sd_bus_error *error) {
        for (size_t i = 0; i < rescan->n_waiters; i++)
                (void) sd_bus_reply_method_error(rescan->waiters[i].call, error);
        forget_waiters(rescan, rescan->n_waiters);
        timer_disarm(rescan->timer);
}

int rescan_new(struct rescan **ret, sd_event *event, void (*sweep)(void *userdata), void *userdata) {
        struct rescan *rescan;
        int r;

        rescan = calloc(1, sizeof(*rescan));
        if (!rescan)
                return -ENOMEM;
        rescan->sweep = sweep;
        rescan->userdata = userdata;
        r = timer_new(&rescan->timer, event, on_timer, rescan);
        if (r < 0) {
                rescan_free(rescan);
                return r;
        }
        *ret = rescan;
        return 0;
}

struct rescan *rescan_free(struct rescan *rescan) {
        if (!rescan)
                return NULL;
        forget_waiters(rescan, rescan->n_waiters);
        timer_free(rescan->timer);
        free(rescan);
        return NULL;
}
