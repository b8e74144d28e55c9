/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "announce.h"
#include "archive.h"
#include "batch.h"
#include "file.h"
#include "judge.h"
#include "log.h"
#include "manager.h"
#include "policy-text.h"
#include "prune.h"
#include "settle.h"
#include "snapshot.h"
#include "status.h"
#include "timer.h"
#include "unsaved.h"
#include "upgrade.h"

/* A unit that changes all the time is judged after so many settle times. */
#define PATIENCE_FACTOR 10
#define RETRY_USEC (30 * USEC_PER_SEC)
#define RETRY_TELLING_USEC USEC_PER_SEC

struct settle {
        struct manager *manager;
        struct timer *timer, *retry_timer;
        unsigned n_pending;             /* units with unit->changed */
        struct batch *next;             /* what waits to be kept beside them */
        struct batch *held;             /* what could not be told yet for want of memory */
        struct upgrade upgrade;
        uint64_t left;                  /* monotonic, µs: when the last unit of an entry went; 0: none did */
        bool in_flight;                 /* a batch is being kept */
        bool model_changed;             /* what the old one made of several states is still to be written anew */
        bool rewrite;                   /* all is to be written again */
        bool incomplete;                /* the archive lacks something that could not be written */
        uint64_t rest_until;            /* monotonic, µs: memory ran out, nothing is tried before */
        int failure;                    /* of the last batch, logged */
        struct unsaved unsaved;
};

static void set_pending(struct settle *s, struct unit *unit, uint64_t changed) {
        if ((unit->changed != 0) != (changed != 0))
                s->n_pending += changed ? 1 : -1U;
        if (!unit->changed || !changed)
                unit->unsettled = changed;
        unit->changed = changed;
}

/* When a unit is judged: once it has settled, or when it never does. */
static uint64_t due_time(const struct settle *s, const struct unit *unit) {
        uint64_t settle = s->manager->config.settle_usec;

        /* The first start takes all as it is, at once: what comes after that is a change. */
        if (s->manager->ledger_is_new)
                return unit->changed;
        return usec_min(unit->changed + settle, unit->unsettled + settle * PATIENCE_FACTOR);
}

/* Arms the timer for the earliest change. */
static void schedule(struct settle *s) {
        uint64_t settle = s->manager->config.settle_usec, now = timer_now(), due = UINT64_MAX;

        if (s->in_flight)
                return;
        if (s->left)
                due = s->left + settle;
        for (size_t i = 0; s->n_pending > 0 && i < s->manager->units.n_units; i++)
                if (s->manager->units.units[i]->changed)
                        due = usec_min(due, due_time(s, s->manager->units.units[i]));
        /* No unit is judged before. */
        if (s->upgrade.event)
                due = s->upgrade.due;
        else if (s->model_changed)
                due = now;
        if (s->next || (s->rewrite && !s->manager->unread))
                due = now;
        if (due < s->rest_until)
                due = s->rest_until;
        if (due == UINT64_MAX)
                timer_disarm(s->timer);
        else
                timer_arm(s->timer, due > now ? due - now : 0);
}

static void try_again(struct settle *s) {
        s->rest_until = timer_now() + RETRY_TELLING_USEC;
        schedule(s);
}

/*
 * A file that was edited says nothing of the unit before the manager has loaded it again; until then
 * what it said before is what a cause is found by.
 */
static bool files_changed(const struct settle *s, const struct unit *unit) {
        /* An instance that has just left its template is not kept yet. */
        return unit->entry->files_key ||
                (s->manager->after_reload && unit->entry->files_signature != unit->files_signature);
}

void settle_unit_read(struct settle *s, struct unit *unit, bool changed, uint64_t began) {
        struct entry *entry;

        unit->files_signature = files_signature(unit->fragment_path, unit->drop_in_paths);
        if (ledger_join_unit(&s->manager->ledger, &s->manager->model, unit) < 0) {
                (void) log_oom();
                set_pending(s, unit, began);
                try_again(s);
                return;
        }
        entry = unit->entry;
        entry->seen = unit->last_read;
        if (entry->known && !entry->gone && facts_equal(entry_settled(entry), &unit->facts) &&
            !files_changed(s, unit))
                set_pending(s, unit, 0);
        else if (changed || !unit->changed) {
                set_pending(s, unit, began);
                /* Where the timer is set it comes early enough, and sets itself again. */
                if (!timer_is_armed(s->timer))
                        schedule(s);
        }
}

void settle_sweep_restarted(struct settle *s, uint64_t began, uint64_t now) {
        for (size_t i = 0; s->n_pending > 0 && i < s->manager->units.n_units; i++)
                if (s->manager->units.units[i]->changed >= began)
                        s->manager->units.units[i]->changed = now;
        if (s->left >= began)
                s->left = now;
}

/* What one reload took away and what it changed has settled at the same time. */
static void entry_leaves(struct settle *s, struct entry *entry, uint64_t began) {
        if (!entry || entry->left)
                return;
        entry->left = true;
        if (s->left < began)
                s->left = began;
        schedule(s);
}

void settle_unit_gone(struct settle *s, struct unit *unit, uint64_t began) {
        struct entry *entry = unit->entry;

        set_pending(s, unit, 0);
        unit->entry = NULL;
        if (!entry)
                return;
        entry->n_loaded--;
        if (entry->n_loaded > 0)
                return;
        if (!entry->known || entry->passing) {
                ledger_remove(&s->manager->ledger, entry);
                return;
        }
        if (unit->fragment_path && !file_is_missing(unit->fragment_path))
                return;
        entry_leaves(s, entry, began);
}

void settle_gone(struct settle *s, const char *key) {
        entry_leaves(s, ledger_get(&s->manager->ledger, key), timer_now());
}

/* Judging. */

static struct batch *new_batch(const struct settle *s) {
        const struct manager *m = s->manager;

        return batch_new(m->systemd_version ?: m->stored_version, m->scope == SCOPE_USER);
}

static struct batch *next_batch(struct settle *s) {
        if (!s->next)
                s->next = new_batch(s);
        return s->next;
}

static void judge_one(struct settle *s, struct batch *batch, struct unit *unit) {
        int r;

        r = judge_unit(s->manager, batch, unit);
        if (r >= 0) {
                set_pending(s, unit, 0);
                return;
        }
        log_errno(LOG_ERR, r, "Cannot judge %s, trying again", unit->name);
        try_again(s);
}

static void judge_due(struct settle *s, struct batch *batch) {
        const struct unit_table *units = &s->manager->units;
        uint64_t now = timer_now();

        for (size_t i = 0; i < units->n_units; i++)
                if (units->units[i]->changed && due_time(s, units->units[i]) <= now)
                        judge_one(s, batch, units->units[i]);
        for (size_t i = 0; batch->n_items > 0 && s->n_pending > 0 && i < units->n_units; i++)
                if (units->units[i]->changed && judge_joins(batch, units->units[i]))
                        judge_one(s, batch, units->units[i]);
}

/* Units whose files were removed, and that did not come back meanwhile. */
static void judge_left(struct settle *s, struct batch *batch) {
        const struct ledger *ledger = &s->manager->ledger;

        if (!s->left || timer_now() < s->left + s->manager->config.settle_usec)
                return;
        for (size_t i = 0; i < ledger->n_entries; i++) {
                struct entry *entry = ledger->entries[i];

                if (entry->left && entry->n_loaded == 0 && !entry->gone &&
                    judge_gone(s->manager, batch, entry) < 0) {
                        log_error("Cannot keep that %s is gone, trying again.", entry->key);
                        try_again(s);
                        return;
                }
                entry->left = false;
        }
        s->left = 0;
}

/* Keeping. */

/* What is told is told with the regressions in place. */
static void apply_regressions(struct manager *m, const struct batch *batch) {
        for (size_t i = 0; i < batch->n_items; i++) {
                const struct item *item = &batch->items[i];
                struct entry *entry = ledger_get(&m->ledger, item->key);

                if (!entry || !item->open || !item->event || item->type != EVENT_REGRESSED)
                        continue;
                /* Accepted while it was being kept. */
                if (entry->taken != item->taken)
                        continue;
                if (ledger_set_regression(&m->ledger, entry, item->event, item->since) < 0)
                        (void) log_oom();
        }
        for (size_t i = 0; i < m->units.n_units; i++)
                manager_tell_settled(m, m->units.units[i]);
}

static void tell(struct settle *s, const struct batch *batch, bool kept) {
        apply_regressions(s->manager, batch);
        for (size_t i = 0; i < batch->n_events; i++) {
                announce(s->manager, batch->events[i], kept);
                if (!kept)
                        unsaved_add(&s->unsaved, batch->events[i]);
        }
}

/* Once, not with each try. That there is no database was said before. */
static void log_failure(const struct settle *s, int error) {
        if (error != s->failure && error != -ENOTCONN)
                log_errno(LOG_ERR, error, "Cannot write to the database, trying again every %u s",
                          (unsigned) (RETRY_USEC / USEC_PER_SEC));
}

static void on_kept(void *userdata, void *data, int result) {
        struct manager *m = userdata;
        struct settle *s = m->settle;
        struct batch *batch = data;

        if (result == -ECANCELED || !s) {
                batch_free(batch);
                return;
        }
        if (!batch_is_complete(batch)) {
                log_errno(LOG_WARNING, result, "Cannot find out what to tell, trying again");
                s->held = batch;
                timer_arm(s->retry_timer, RETRY_TELLING_USEC);
                return;
        }
        s->in_flight = false;
        if (!batch->announced)
                tell(s, batch, result >= 0);
        if (result < 0) {
                log_failure(s, result);
                settle_retry(s);
        } else if (batch->announced) {
                unsaved_done(&s->unsaved);
                s->incomplete = false;
                timer_disarm(s->retry_timer);
                announcer_mark(m->announcer);
        } else
                s->rewrite = s->rewrite || s->incomplete;
        s->failure = result < 0 ? result : 0;
        batch_end_waits(batch, result < 0 ? result : 0);
        /* After a new database was filled it is noted there for sure. */
        if (result >= 0 && (batch->policy || batch->announced)) {
                free(m->stored_policy);
                m->stored_policy = TAKE_PTR(batch->policy);
        }
        batch_free(batch);
        if (result >= 0)
                prune_if_due(m);
        manager_worked(m);
        status_changed(m->status);
        settle_advance(s);
}

static bool policy_is_noted(const struct manager *m) {
        return streq_ptr(m->stored_policy, m->policy_text);
}

/* By what all is judged. It is noted once all that it does is told, so that a crash forgets nothing. */
static void add_model(const struct settle *s, struct batch *batch) {
        const struct manager *m = s->manager;

        (void) snprintf(batch->model_version, sizeof(batch->model_version), "%u %016" PRIx64,
                        m->model.systemd_version, policy_text_digest(m->policy_text ?: ""));
        batch->old_model = !m->systemd_version || s->upgrade.event || s->next || s->model_changed;
        free(batch->policy);
        batch->policy = NULL;
        /* Without memory it is done another time. */
        if (!batch->old_model && m->policy_text && (batch->announced || !policy_is_noted(m)))
                batch->policy = strdup(m->policy_text);
}

static void submit(struct settle *s, struct batch *batch) {
        int r;

        s->in_flight = true;
        batch->unread = s->manager->unread < 0;
        batch->new_unit_exposure_max = s->manager->config.new_unit_exposure_max;
        add_model(s, batch);
        r = archive_submit(s->manager->archive, batch_run, on_kept, batch);
        if (r < 0)
                on_kept(s->manager, batch, r);
}

static void rewrite(struct settle *s) {
        _cleanup_(batch_freep) struct batch *batch = new_batch(s);

        if (!batch || unsaved_fill(&s->unsaved, s->manager, batch) < 0) {
                (void) log_oom();
                s->rewrite = true;
                try_again(s);
                return;
        }
        s->rewrite = false;
        submit(s, TAKE_PTR(batch));
}

static void judge_all(struct settle *s, struct batch *batch) {
        if (upgrade_join(&s->upgrade, batch) < 0) {
                (void) log_oom();
                try_again(s);
                return;
        }
        batch->manager_changed = s->manager->manager_changed;
        judge_due(s, batch);
        judge_left(s, batch);
        if (batch->n_items > 0 || batch->n_events > 0)
                s->manager->manager_changed = false;
}

/* An assessment that stands for several states cannot be made again from their facts. */
static void keep_composites(struct settle *s, struct batch *batch) {
        const struct ledger *ledger = &s->manager->ledger;
        size_t n_items = batch->n_items;

        for (size_t i = 0; i < ledger->n_entries; i++) {
                struct entry *entry = ledger->entries[i];
                struct item *item;
                char *files_key;

                if (!entry_has_composite(entry) || entry->passing || batch_find(batch, entry->key))
                        continue;
                item = batch_add(batch, entry->key);
                if (!item) {
                        (void) log_oom();
                        batch_cut(batch, n_items, batch->n_events);
                        try_again(s);
                        return;
                }
                /* No files are written: whose they were is still to be known. */
                files_key = TAKE_PTR(entry->files_key);
                item_take_entry(item, entry);
                item_take_regression(item, entry);
                entry->files_key = files_key;
        }
        s->model_changed = false;
}

/* What a sweep or a reload finds may take back what waits to be judged; they are heard of when they end. */
static bool may_judge(const struct manager *m) {
        return m->systemd_version && !scan_state(m->scan)->sweeping && (m->ready || m->busy != BUSY_RELOADING);
}

void settle_advance(struct settle *s) {
        struct manager *m = s->manager;
        bool judging = may_judge(m);
        struct batch *batch;

        /* What is decided waits for nothing: who accepts is answered when it is kept. */
        if (s->in_flight || !m->loaded || (!judging && !s->next))
                return;
        if (judging && !m->unread && (s->rewrite || archive_take_renewed(m->archive))) {
                rewrite(s);
                return;
        }
        batch = next_batch(s);
        if (!batch) {
                (void) log_oom();
                try_again(s);
                return;
        }
        judging = judging && !upgrade_waits(&s->upgrade, m->config.settle_usec);
        if (judging)
                judge_all(s, batch);
        if (s->model_changed && !s->upgrade.event)
                keep_composites(s, batch);
        s->next = NULL;
        if (batch->n_items > 0 || batch->n_events > 0) {
                m->ledger_is_new = m->ledger_is_new && !judging;
                submit(s, batch);
        } else if (judging && !m->unread && !s->incomplete && !policy_is_noted(m))
                submit(s, batch);
        else
                batch_free(batch);
        schedule(s);
}

void settle_event(struct settle *s, struct event *event) {
        struct batch *batch = next_batch(s);

        if (!batch || batch_add_event(batch, event) < 0)
                (void) log_oom();
        schedule(s);
}

int settle_prepare(struct settle *s, struct event *event, const struct entry *entry) {
        struct batch *batch = next_batch(s);

        if (!batch || (event && batch_add_event(batch, event) < 0))
                return -ENOMEM;
        if (batch_add(batch, entry->key))
                return 0;
        batch_cut(batch, batch->n_items, batch->n_events - (event ? 1 : 0));
        return -ENOMEM;
}

void settle_commit(struct settle *s, struct entry *entry) {
        struct item *item = &s->next->items[s->next->n_items - 1];

        item_take_entry(item, entry);
        /* The event of one that is open may be on its way still. */
        item->open = entry_is_worse(entry, &s->manager->model);
        item_take_regression(item, entry);
        schedule(s);
}

void settle_withdraw(struct settle *s, const struct event *event) {
        batch_cut(s->next, s->next->n_items - 1, s->next->n_events - (event ? 1 : 0));
}

void settle_await(struct settle *s, struct batch_wait *wait) {
        wait->next = s->next->waits;
        s->next->waits = wait;
}

void settle_upgrade(struct settle *s, struct event *event) {
        /* One that another one overtakes is told for itself. */
        if (s->upgrade.event) {
                settle_event(s, s->upgrade.event);
                event_unref(s->upgrade.event);
        }
        s->upgrade = (struct upgrade) { .event = event_ref(event) };
        schedule(s);
}

void settle_model_changed(struct settle *s) {
        s->model_changed = true;
        schedule(s);
}

void settle_rewrite(struct settle *s) {
        s->rewrite = true;
        schedule(s);
}

void settle_retry(struct settle *s) {
        s->incomplete = true;
        if (!timer_is_armed(s->retry_timer))
                timer_arm(s->retry_timer, RETRY_USEC);
        status_changed(s->manager->status);
}

void settle_again(struct settle *s) {
        const struct unit_table *units = &s->manager->units;
        uint64_t now = timer_now();

        for (size_t i = 0; i < units->n_units; i++)
                if (units->units[i]->assessed)
                        settle_unit_read(s, units->units[i], true, now);
        s->rewrite = s->rewrite || s->incomplete;
        schedule(s);
}

void settle_end(struct settle *s) {
        bool in_flight = s->in_flight;

        if (s->next)
                submit(s, TAKE_PTR(s->next));
        /* What is in flight is not in place yet. */
        if (s->incomplete && !in_flight && !s->manager->unread)
                rewrite(s);
}

bool settle_incomplete(const struct settle *s) {
        return s->incomplete;
}

unsigned settle_unsaved(const struct settle *s) {
        return s->unsaved.n_events;
}

unsigned settle_dropped(const struct settle *s) {
        return s->unsaved.n_dropped;
}

static void on_timer(void *userdata) {
        settle_advance(userdata);
}

static void on_retry(void *userdata) {
        struct settle *s = userdata;

        if (s->held)
                submit(s, TAKE_PTR(s->held));
        else
                settle_rewrite(s);
}

int settle_new(struct settle **ret, struct manager *manager) {
        struct settle *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->manager = manager;
        r = timer_new(&s->timer, manager->event, on_timer, s);
        if (r >= 0)
                r = timer_new(&s->retry_timer, manager->event, on_retry, s);
        if (r < 0) {
                settle_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct settle *settle_free(struct settle *s) {
        if (!s)
                return NULL;
        unsaved_done(&s->unsaved);
        event_unref(s->upgrade.event);
        batch_free(s->next);
        batch_free(s->held);
        timer_free(s->timer);
        timer_free(s->retry_timer);
        free(s);
        return NULL;
}
