/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "archive.h"
#include "log.h"
#include "manager.h"
#include "prune.h"
#include "settle.h"
#include "strv.h"
#include "timer.h"

#define INTERVAL_USEC (3600 * USEC_PER_SEC)
/* Baselines that are kept though their units are not loaded. */
#define BASELINES_SPARE 10000U
/*
 * A clock that is years ahead, as one without a battery may be, must not make all old at once: what counts as now
 * goes on by no more than that each time. After a long time without power it catches up within hours or days.
 */
#define STEP_USEC (24 * 3600 * USEC_PER_SEC)
#define CLOCK_KEY "clock"

struct prune {
        char **loaded;                  /* keys of entries that are in use, and so are not old */
        bool begun;
        uint64_t last_seen;             /* where nobody noted what counted as now the last time; 0: never */
        uint64_t now;                   /* realtime, µs; then what counts as that */
        uint64_t history_age, baseline_age; /* µs */
        struct store_limits limits;
};

static struct prune *prune_free(struct prune *prune) {
        if (!prune)
                return NULL;
        strv_free(prune->loaded);
        free(prune);
        return NULL;
}
DEFINE_CLEANUP(struct prune *, prune_free)

static uint64_t before(uint64_t now, uint64_t age) {
        return now > age ? now - age : 0;
}

static int advance_clock(struct store *store, struct prune *prune) {
        _cleanup_(freep) char *text = NULL;
        uint64_t last;
        int r;

        r = store_get_text(store, CLOCK_KEY, &text);
        if (r < 0)
                return r;
        last = text ? strtoull(text, NULL, 10) : prune->last_seen;
        if (last != 0)
                prune->now = usec_min(prune->now, last + STEP_USEC);
        prune->limits.events_since = before(prune->now, prune->history_age);
        prune->limits.baselines_since = before(prune->now, prune->baseline_age);
        return 0;
}

static int touch_loaded(struct store *store, struct prune *prune) {
        char text[24];
        int r;

        (void) snprintf(text, sizeof(text), "%" PRIu64, prune->now);
        r = store_begin(store);
        if (r >= 0)
                r = store_put_text(store, CLOCK_KEY, text);
        for (char **key = prune->loaded; key && *key && r >= 0; key++)
                r = store_touch_baseline(store, *key, prune->now);
        if (r >= 0)
                return store_commit(store);
        store_rollback(store);
        return r;
}

static int run_prune(struct store *store, void *data) {
        struct prune *prune = data;
        int r = 0;

        if (!store)
                return -ENOTCONN;
        if (!prune->begun) {
                r = advance_clock(store, prune);
                if (r >= 0)
                        r = touch_loaded(store, prune);
                prune->begun = true;
        }
        return r < 0 ? r : store_prune(store, &prune->limits);
}

/* More to do comes behind what waits by now. */
static void on_pruned(void *userdata, void *data, int result) {
        struct manager *m = userdata;

        if (result > 0 && archive_submit(m->archive, run_prune, on_pruned, data) >= 0)
                return;
        if (result < 0 && result != -ECANCELED && result != -ENOTCONN)
                log_errno(LOG_WARNING, result, "Cannot forget what is too old");
        if (result < 0 && result != -ECANCELED)
                settle_retry(m->settle);
        prune_free(data);
}

static struct prune *prune_new(const struct manager *m) {
        _cleanup_(prune_freep) struct prune *prune = calloc(1, sizeof(*prune));

        if (!prune)
                return NULL;
        prune->now = timer_realtime();
        prune->last_seen = m->last_seen;
        prune->history_age = m->config.history_age_usec;
        prune->baseline_age = m->config.baseline_age_usec;
        prune->limits = (struct store_limits) {
                .events_max = m->config.history_max,
                .baselines_max = (size_t) m->config.units_max + BASELINES_SPARE,
        };
        for (size_t i = 0; i < m->ledger.n_entries; i++)
                if (m->ledger.entries[i]->n_loaded > 0 && strv_extend(&prune->loaded, m->ledger.entries[i]->key) < 0)
                        return NULL;
        return TAKE_PTR(prune);
}

void prune_if_due(struct manager *m) {
        uint64_t now = timer_now();
        struct prune *prune;

        if (m->pruned != 0 && now - m->pruned < INTERVAL_USEC)
                return;
        m->pruned = now;
        prune = prune_new(m);
        if (!prune || archive_submit(m->archive, run_prune, on_pruned, prune) < 0) {
                log_warning("Cannot forget what is too old now, trying again later.");
                prune_free(prune);
        }
}
