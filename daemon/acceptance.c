/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <time.h>

#include <exposured/macro.h>

#include "acceptance.h"
#include "event.h"
#include "log.h"
#include "manager.h"
#include "settle.h"
#include "timer.h"

#define RETRY_USEC USEC_PER_SEC

struct acceptances {
        struct manager *manager;
        sd_event_source *source;        /* on the clock of the day: an end is a date */
};

/* Each unit that the entry stands for, or the entry alone. */
static int add_units(struct event *event, const struct manager *m, const struct entry *entry,
                     const struct difference *difference) {
        int r = 0;

        for (size_t i = 0; i < m->units.n_units && r >= 0 && entry->n_loaded > 0; i++)
                if (m->units.units[i]->entry == entry)
                        r = event_add_unit(event, m->units.units[i]->name, event->before, event->after,
                                           difference->changes, difference->n_changes);
        if (r < 0 || event->n_units > 0)
                return r;
        return event_add_unit(event, entry->key, event->before, event->after, difference->changes,
                              difference->n_changes);
}

/* An event about one entry: from one assessment to another. */
static struct event *entry_event(struct manager *m, enum event_type type, const struct entry *entry,
                                 const struct assessment *before, const struct assessment *after) {
        _cleanup_(event_unrefp) struct event *event = event_new(type, entry->key, m->systemd_version);
        struct difference difference;

        if (!event)
                return NULL;
        event->before = before->exposure;
        event->after = after->exposure;
        assessment_compare(before, after, &difference);
        if (add_units(event, m, entry, &difference) < 0)
                return NULL;
        return TAKE_PTR(event);
}

static struct event *acceptance_event(struct manager *m, const struct entry *entry, const char *reason,
                                      uint64_t until, uint32_t uid) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct assessment before, after;

        entry_baseline(entry, &m->model, &before);
        assess(&m->model, entry_settled(entry), &after);
        event = entry_event(m, EVENT_ACCEPTED, entry, &before, &after);
        if (!event)
                return NULL;
        event->reason = strdup(reason);
        event->uid = uid;
        event->until = until;
        return event->reason ? TAKE_PTR(event) : NULL;
}

static int accept_entry(struct manager *m, struct entry *entry, struct event *event) {
        int r;

        r = entry_accept(entry, &m->model, m->config.ratchet, event->until);
        if (r < 0)
                return r;
        entry->taken = event->time;
        memcpy(entry->acceptance_id, event->id, sizeof(entry->acceptance_id));
        ledger_clear_regression(&m->ledger, entry);
        return 0;
}

/* What is changed is kept and, with an event, told: there is room for that before it is changed. */
static int change_entry(struct manager *m, struct entry *entry, struct event *event,
                        int (*change)(struct manager *m, struct entry *entry, struct event *event)) {
        int r;

        r = settle_prepare(m->settle, event, entry);
        if (r < 0)
                return r;
        r = change(m, entry, event);
        if (r < 0)
                settle_withdraw(m->settle, event);
        else
                settle_commit(m->settle, entry);
        return r;
}

const char *acceptance_find_regression(const struct manager *m, const char *name) {
        const struct entry *entry = ledger_find(&m->ledger, &m->units, name);

        return entry && entry->regression ? entry->regression->event->id : "";
}

int accept_unit(struct manager *m, const char *name, const char *reason, uint64_t until, uint32_t uid,
                char *ret_id) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct entry *entry = ledger_find(&m->ledger, &m->units, name);
        int r;

        if (!entry || !entry->known)
                return ACCEPTED_UNKNOWN;
        if (!entry->settled && !entry->composite)
                return ACCEPTED_NOTHING;
        event = acceptance_event(m, entry, reason, until, uid);
        r = event ? change_entry(m, entry, event, accept_entry) : -ENOMEM;
        if (r < 0)
                return r;
        memcpy(ret_id, event->id, EVENT_ID_SIZE);
        manager_tell_all_settled(m);
        acceptances_advance(m->acceptances);
        return ACCEPTED;
}

static struct event *expiry_event(struct manager *m, const struct entry *entry, const struct expiry *expiry) {
        _cleanup_(event_unrefp) struct event *event = entry_event(m, EVENT_REGRESSED, entry, &expiry->before,
                                                                  &expiry->now);

        if (!event || causes_set_expired(&event->causes, event->time) < 0)
                return NULL;
        return TAKE_PTR(event);
}

/* The event is NULL where there is nothing to tell. */
static int expire_entry(struct manager *m, struct entry *entry, struct event *event) {
        struct expiry expiry;
        int r;

        entry_judge_expiry(entry, &m->model, m->config.ratchet, &expiry);
        r = event ? entry_reserve_regression(entry) : 0;
        if (r >= 0)
                r = entry_expire(entry, &m->model, &expiry);
        if (r < 0)
                return r;
        if (event)
                r = ledger_set_regression(&m->ledger, entry, event, event->time);
        else if (!expiry.open)
                ledger_clear_regression(&m->ledger, entry);
        /* A regression of before that is being kept is none any more, but for one that stays open. */
        if (event || !expiry.open)
                entry->taken = timer_realtime();
        return r;
}

/* The baseline comes back; what is worse than it is a regression again. */
static int expire(struct manager *m, struct entry *entry) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct expiry expiry;

        entry_judge_expiry(entry, &m->model, m->config.ratchet, &expiry);
        if (expiry.told) {
                event = expiry_event(m, entry, &expiry);
                if (!event)
                        return -ENOMEM;
        }
        return change_entry(m, entry, event, expire_entry);
}

/* What is about to be judged comes first: it may be mended, or gone. */
static bool is_unsettled(const struct manager *m, const struct entry *entry) {
        for (size_t i = 0; i < m->units.n_units; i++)
                if (m->units.units[i]->entry == entry && m->units.units[i]->changed)
                        return true;
        return entry->left;
}

void acceptances_advance(struct acceptances *a) {
        struct manager *m = a->manager;
        uint64_t now = timer_realtime(), next = UINT64_MAX;
        int r;

        for (size_t i = 0; i < m->ledger.n_entries; i++) {
                struct entry *entry = m->ledger.entries[i];

                if (entry->until == 0 || !entry->before_acceptance)
                        continue;
                if (entry->until > now) {
                        next = usec_min(next, entry->until);
                        continue;
                }
                r = is_unsettled(m, entry) ? -EAGAIN : expire(m, entry);
                if (r >= 0)
                        continue;
                if (r != -EAGAIN)
                        log_errno(LOG_ERR, r, "Cannot end the acceptance of %s, trying again", entry->key);
                next = usec_min(next, now + RETRY_USEC);
        }
        manager_tell_all_settled(m);
        r = sd_event_source_set_time(a->source, next);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->source, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
        if (r < 0 && r != -ESTALE)
                log_errno(LOG_ERR, r, "Cannot wait for the end of an acceptance");
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        acceptances_advance(userdata);
        return 0;
}

int acceptances_new(struct acceptances **ret, struct manager *manager) {
        struct acceptances *a;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->manager = manager;
        r = sd_event_add_time(manager->event, &a->source, CLOCK_REALTIME, UINT64_MAX, USEC_PER_SEC, on_time, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->source, SD_EVENT_OFF);
        if (r < 0) {
                acceptances_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

struct acceptances *acceptances_free(struct acceptances *a) {
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->source);
        free(a);
        return NULL;
}
