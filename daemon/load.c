/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "announce.h"
#include "archive.h"
#include "load.h"
#include "log.h"
#include "manager.h"
#include "settle.h"

/* Events of open regressions, and those that a crash kept from being told. */
#define EVENTS_MAX 65536U

struct loaded {
        struct ledger ledger;
        struct event **events;
        size_t n_events;
        char *systemd_version;
};

static struct loaded *loaded_free(struct loaded *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < l->n_events; i++)
                event_unref(l->events[i]);
        free(l->events);
        free(l->systemd_version);
        ledger_done(&l->ledger);
        free(l);
        return NULL;
}

/* In the archive's thread. */

static int on_baseline(void *userdata, const struct store_baseline *row) {
        struct loaded *l = userdata;
        struct entry *entry = ledger_add(&l->ledger, row->unit);

        if (!entry)
                return -ENOMEM;
        entry->baseline = row->facts;
        entry->known = true;
        entry->taken = row->taken;
        entry->seen = row->seen;
        entry->files_signature = row->files_signature;
        entry->exposure = row->assessment.exposure;
        if (row->composite) {
                entry->composite = malloc(sizeof(*entry->composite));
                if (!entry->composite)
                        return -ENOMEM;
                *entry->composite = row->assessment;
        }
        return entry_set_settled(entry, &row->settled);
}

static int on_acceptance(void *userdata, const struct store_acceptance *row) {
        struct loaded *l = userdata;
        struct entry *entry = ledger_get(&l->ledger, row->unit);

        if (!entry)
                return 0;
        if (!entry->before_acceptance)
                entry->before_acceptance = malloc(sizeof(*entry->before_acceptance));
        if (!entry->before_acceptance)
                return -ENOMEM;
        *entry->before_acceptance = row->facts;
        entry->until = row->until;
        (void) snprintf(entry->acceptance_id, sizeof(entry->acceptance_id), "%s", row->id);
        return 0;
}

static int on_unannounced(void *userdata, const struct store_event *row) {
        struct loaded *l = userdata;
        struct event **grown;

        if (l->n_events >= EVENTS_MAX)
                return 0;
        grown = reallocarray(l->events, l->n_events + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        l->events = grown;
        grown[l->n_events] = event_from_store(row);
        l->n_events += grown[l->n_events] != NULL;
        return 0;
}

static int on_regression_event(void *userdata, const struct store_event *row) {
        struct event **event = userdata;

        *event = event_from_store(row);
        return 0;
}

struct regressions {
        struct loaded *loaded;
        struct store *store;
};

static int on_regression(void *userdata, const struct store_regression *row) {
        const struct regressions *rs = userdata;
        struct entry *entry = ledger_get(&rs->loaded->ledger, row->unit);
        _cleanup_(event_unrefp) struct event *event = NULL;
        int r;

        if (!entry)
                return 0;
        r = store_get_event(rs->store, row->id, on_regression_event, &event);
        if (r < 0 || !event)
                return r < 0 ? r : 0;
        return ledger_set_regression(&rs->loaded->ledger, entry, event, row->since);
}

static int run_load(struct store *store, void *data) {
        struct loaded *l = data;
        int r;

        if (!store)
                return -ENOTCONN;
        r = store_each_baseline(store, on_baseline, l);
        if (r >= 0)
                r = store_each_acceptance(store, on_acceptance, l);
        if (r >= 0)
                r = store_each_regression(store, on_regression, &(struct regressions) { l, store });
        if (r >= 0)
                r = store_each_unannounced(store, on_unannounced, l);
        if (r >= 0)
                r = store_get_text(store, "systemd-version", &l->systemd_version);
        return r;
}

/* In the event loop. */

static void on_loaded(void *userdata, void *data, int result) {
        struct manager *m = userdata;
        struct loaded *l = data;

        if (result != -ECANCELED) {
                if (result < 0 && result != -ENOTCONN)
                        log_errno(LOG_ERR, result, "Cannot read the database, going on with what was read");
                (void) archive_take_renewed(m->archive);
                ledger_done(&m->ledger);
                m->ledger = l->ledger;
                l->ledger = (struct ledger) {};
                m->stored_version = TAKE_PTR(l->systemd_version);
                m->ledger_is_new = m->ledger.n_entries == 0;
                for (size_t i = 0; i < l->n_events; i++)
                        announce(m, l->events[i], true, true);
                manager_loaded(m);
        }
        loaded_free(l);
}

int load_start(struct manager *m) {
        struct loaded *l;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        r = archive_submit(m->archive, run_load, on_loaded, l);
        if (r < 0)
                loaded_free(l);
        return r;
}
