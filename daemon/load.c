/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "announce.h"
#include "archive.h"
#include "file.h"
#include "load.h"
#include "log.h"
#include "manager.h"
#include "settle.h"
#include "status.h"
#include "strv.h"
#include "timer.h"

/* Events of open regressions, and those that a crash kept from being told. */
#define EVENTS_MAX 65536U
#define RETRY_USEC (2 * USEC_PER_SEC)

struct load {
        struct manager *manager;
        struct timer *timer;
        int error;                      /* logged */
};

struct loaded {
        struct ledger ledger;
        struct event **events;
        size_t n_events;
        char *systemd_version;
        char *policy;
        uint64_t last_seen;             /* realtime, µs */
};

static struct loaded *loaded_free(struct loaded *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < l->n_events; i++)
                event_unref(l->events[i]);
        free(l->events);
        free(l->systemd_version);
        free(l->policy);
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
        entry->gone = row->gone;
        entry->taken = row->taken;
        entry->seen = row->seen;
        if (row->seen > l->last_seen)
                l->last_seen = row->seen;
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
        *entry->before_acceptance = (struct baseline) { .facts = row->facts, .is_composite = row->composite };
        memcpy(entry->before_acceptance->composite.badness, row->badness, sizeof(row->badness));
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
        struct event **events;          /* sorted by id: what told one of them */
        size_t n_events;
};

/* The event with that id, or where it belongs. */
static struct event *find_event(const struct regressions *rs, const char *id, size_t *ret_at) {
        size_t low = 0, high = rs->n_events;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(rs->events[middle]->id, id);

                if (order == 0)
                        return rs->events[middle];
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret_at = low;
        return NULL;
}

static int insert_event(struct regressions *rs, size_t at, struct event *event) {
        struct event **grown = reallocarray(rs->events, rs->n_events + 1, sizeof(*grown));

        if (!grown)
                return -ENOMEM;
        rs->events = grown;
        memmove(grown + at + 1, grown + at, (rs->n_events - at) * sizeof(*grown));
        grown[at] = event_ref(event);
        rs->n_events++;
        return 0;
}

static int on_regression(void *userdata, const struct store_regression *row) {
        struct regressions *rs = userdata;
        struct entry *entry = ledger_get(&rs->loaded->ledger, row->unit);
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct event *known;
        size_t at = 0;
        int r;

        if (!entry)
                return 0;
        known = find_event(rs, row->id, &at);
        if (known)
                return ledger_set_regression(&rs->loaded->ledger, entry, known, row->since);
        r = store_get_event(rs->store, row->id, on_regression_event, &event);
        if (r < 0 || !event)
                return r < 0 ? r : 0;
        r = ledger_set_regression(&rs->loaded->ledger, entry, event, row->since);
        return r < 0 ? r : insert_event(rs, at, event);
}

/* What hit many units is one event for all of them. */
static int load_regressions(struct store *store, struct loaded *l) {
        struct regressions rs = { .loaded = l, .store = store };
        int r = store_each_regression(store, on_regression, &rs);

        while (rs.n_events > 0)
                event_unref(rs.events[--rs.n_events]);
        free(rs.events);
        return r;
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
                r = load_regressions(store, l);
        if (r >= 0)
                r = store_each_unannounced(store, on_unannounced, l);
        if (r >= 0)
                r = store_get_text(store, "systemd-version", &l->systemd_version);
        if (r >= 0)
                r = store_get_text(store, "policy", &l->policy);
        return r;
}

/* In the event loop. */

/* Copies what is known of an entry to another ledger: if that ledger is given up, nothing is lost. */
static int copy_entry(const struct entry *from, struct ledger *to, const struct model *model) {
        struct entry *entry = ledger_add(to, from->key);

        if (!entry || ledger_copy_entry(to, entry, model, from) < 0)
                return -ENOMEM;
        entry->seen = from->seen;
        entry->files_signature = from->files_signature;
        entry->gone = from->gone;
        return 0;
}

/* What became of a unit since the state that the database knows was told, and stays so. */
static int replay(const struct entry *from, struct ledger *to, struct entry *entry, const struct model *model,
                  bool ratchet) {
        struct judgement judgement;
        int r;

        entry_judge(entry, model, entry_settled(from), ratchet, &judgement);
        r = entry_settle(entry, model, entry_settled(from), &judgement);
        if (r < 0)
                return r;
        entry->gone = from->gone;
        entry->files_signature = from->files_signature;
        if (judgement.baseline_moves)
                entry->taken = from->taken;
        if (!judgement.open || from->gone)
                ledger_clear_regression(to, entry);
        return judgement.open && from->regression ?
                ledger_set_regression(to, entry, from->regression->event, from->regression->since) : 0;
}

/* Who accepted did not know what the database says: that is what comes back. */
static void keep_before(const struct entry *stored, struct baseline *before, const struct model *model, bool ratchet) {
        const struct baseline since = *before;

        entry_get_lasting_baseline(stored, model, ratchet, before);
        if (ratchet)
                baseline_improve(before, model, &since);
}

static int keep_entry(struct entry *from, struct ledger *to, const struct model *model, bool ratchet) {
        struct entry *stored = ledger_get(to, from->key);

        if (!from->known || from->passing)
                return 0;
        /* What a person has accepted stands. */
        if (stored && *from->acceptance_id && from->before_acceptance)
                keep_before(stored, from->before_acceptance, model, ratchet);
        if (!stored || *from->acceptance_id)
                return copy_entry(from, to, model);
        if (from->first && facts_equal(from->first, entry_settled(stored)) && !stored->gone)
                return replay(from, to, stored, model, ratchet);
        /* It had changed before already: it is judged anew by what the database says. */
        return 0;
}

static void take(struct manager *m, struct loaded *l) {
        (void) archive_take_renewed(m->archive);
        for (size_t i = 0; i < m->units.n_units; i++)
                m->units.units[i]->entry = NULL;
        ledger_done(&m->ledger);
        m->ledger = l->ledger;
        l->ledger = (struct ledger) {};
        m->stored_version = TAKE_PTR(l->systemd_version);
        m->stored_policy = TAKE_PTR(l->policy);
        m->ledger_is_stored = true;
        m->last_seen = l->last_seen;
        m->ledger_is_new = m->ledger.n_entries == 0;
        m->unread = 0;
        for (size_t i = 0; i < l->n_events; i++)
                announce(m, l->events[i], true);
        manager_loaded(m);
        if (archive_error(m->archive) < 0)
                settle_retry(m->settle);
}

/* It is tried for as long as it takes; until then what is now is compared with what will be. */
static void try_again(struct load *load, int error) {
        struct manager *m = load->manager;

        if (error != load->error && error != -ENOTCONN)
                log_errno(LOG_ERR, error, "Cannot read the database, trying again every %u s",
                          (unsigned) (RETRY_USEC / USEC_PER_SEC));
        load->error = error;
        m->unread = error;
        timer_arm(load->timer, RETRY_USEC);
        if (!m->connection) {
                m->ledger_is_new = true;
                manager_loaded(m);
        }
        status_changed(m->status);
}

static void on_loaded(void *userdata, void *data, int result) {
        struct manager *m = userdata;
        struct loaded *l = data;

        for (size_t i = 0; i < m->ledger.n_entries && result >= 0; i++)
                result = keep_entry(m->ledger.entries[i], &l->ledger, &m->model, m->config.ratchet);
        if (result >= 0)
                take(m, l);
        else if (result != -ECANCELED)
                try_again(m->load, result);
        loaded_free(l);
}

static int load_submit(struct load *load) {
        struct loaded *l;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        r = archive_submit(load->manager->archive, run_load, on_loaded, l);
        if (r < 0)
                loaded_free(l);
        return r;
}

static void on_timer(void *userdata) {
        struct load *load = userdata;
        int r;

        r = load_submit(load);
        if (r < 0)
                try_again(load, r);
}

int load_new(struct load **ret, struct manager *manager) {
        struct load *load;
        int r;

        load = calloc(1, sizeof(*load));
        if (!load)
                return -ENOMEM;
        load->manager = manager;
        r = timer_new(&load->timer, manager->event, on_timer, load);
        if (r >= 0)
                r = load_submit(load);
        if (r < 0) {
                load_free(load);
                return r;
        }
        *ret = load;
        return 0;
}

struct load *load_free(struct load *load) {
        if (!load)
                return NULL;
        timer_free(load->timer);
        free(load);
        return NULL;
}

/* Units that are not loaded: are their files there still? */

struct absent {
        char **keys;
        char **gone;                    /* those of them whose fragment is not there */
};

static struct absent *absent_free(struct absent *absent) {
        if (!absent)
                return NULL;
        strv_free(absent->keys);
        strv_free(absent->gone);
        free(absent);
        return NULL;
}
DEFINE_CLEANUP(struct absent *, absent_free)

struct fragment {
        unsigned n_files;
        bool missing;
};

/* The fragment is the first of a unit's files. */
static int on_file(void *userdata, const struct store_file *file) {
        struct fragment *fragment = userdata;

        if (fragment->n_files++ == 0)
                fragment->missing = file_is_missing(file->path);
        return 0;
}

static int run_find_gone(struct store *store, void *data) {
        struct absent *absent = data;
        int r = 0;

        if (!store)
                return -ENOTCONN;
        for (char **key = absent->keys; key && *key && r >= 0; key++) {
                struct fragment fragment = {};

                r = store_each_file(store, *key, on_file, &fragment);
                if (r >= 0 && fragment.missing)
                        r = strv_extend(&absent->gone, *key);
        }
        return r;
}

static void on_gone_found(void *userdata, void *data, int result) {
        struct manager *m = userdata;
        struct absent *absent = data;

        if (result < 0 && result != -ECANCELED)
                settle_retry(m->settle);
        if (result >= 0)
                for (char **key = absent->gone; key && *key; key++)
                        settle_gone(m->settle, *key);
        absent_free(absent);
}

void load_find_gone(struct manager *m) {
        _cleanup_(absent_freep) struct absent *absent = calloc(1, sizeof(*absent));
        int r = absent ? 0 : -ENOMEM;

        for (size_t i = 0; i < m->ledger.n_entries && r >= 0; i++) {
                const struct entry *entry = m->ledger.entries[i];

                if (entry->known && !entry->gone && entry->n_loaded == 0)
                        r = strv_extend(&absent->keys, entry->key);
        }
        if (r >= 0 && !absent->keys)
                return;
        if (r >= 0)
                r = archive_submit(m->archive, run_find_gone, on_gone_found, absent);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot look for units that were removed");
        else
                TAKE_PTR(absent);
}
