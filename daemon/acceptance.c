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

/* An event about one entry: from one assessment to another. */
static struct event *entry_event(struct manager *m, enum event_type type, const struct entry *entry,
                                 const struct assessment *before, const struct assessment *after) {
        _cleanup_(event_unrefp) struct event *event = event_new(type, entry->key, m->systemd_version);
        struct difference difference;

        if (!event)
                return NULL;
        assessment_compare(before, after, &difference);
        if (event_add_unit(event, entry->key, before->exposure, after->exposure, difference.changes,
                           difference.n_changes) < 0)
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

/* The state told last becomes the baseline. Of several that end, the first one's baseline comes back. */
static int accept_entry(struct manager *m, struct entry *entry, struct event *event) {
        const struct facts settled = *entry_settled(entry);
        _cleanup_(freep) struct facts *old = NULL;
        int r;

        if (event->until != 0 && !entry->before_acceptance) {
                old = malloc(sizeof(*old));
                if (!old)
                        return -ENOMEM;
                *old = entry->baseline;
        }
        r = entry_set_baseline(entry, &m->model, &settled, NULL);
        if (r < 0)
                return r;
        if (event->until == 0)
                free(TAKE_PTR(entry->before_acceptance));
        else if (old)
                entry->before_acceptance = TAKE_PTR(old);
        entry->until = event->until;
        entry->taken = event->time;
        memcpy(entry->acceptance_id, event->id, sizeof(entry->acceptance_id));
        ledger_clear_regression(&m->ledger, entry);
        return 0;
}

/* What is changed is told: there is room for that before it is changed. */
static int change_entry(struct manager *m, struct entry *entry, struct event *event,
                        int (*change)(struct manager *m, struct entry *entry, struct event *event)) {
        int r;

        r = settle_prepare(m->settle, event, entry);
        if (r < 0)
                return r;
        r = change(m, entry, event);
        if (r < 0)
                settle_withdraw(m->settle);
        else
                settle_commit(m->settle, entry);
        return r;
}

static struct entry *find_entry(struct manager *m, const char *name) {
        const struct unit *unit = unit_table_get(&m->units, name);

        return unit && unit->entry ? unit->entry : ledger_get(&m->ledger, name);
}

int accept_unit(struct manager *m, const char *name, const char *reason, uint64_t until, uint32_t uid,
                char *ret_id) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct entry *entry = find_entry(m, name);
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

static struct event *expiry_event(struct manager *m, const struct entry *entry) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        struct assessment before, now;
        struct difference difference;

        assess(&m->model, entry->before_acceptance, &before);
        assess(&m->model, entry_settled(entry), &now);
        assessment_compare(&before, &now, &difference);
        event = entry_event(m, difference.n_worse > 0 ? EVENT_REGRESSED : EVENT_CHANGED, entry, &before,
                            &now);
        if (!event || causes_set_expired(&event->causes, event->time) < 0)
                return NULL;
        return TAKE_PTR(event);
}

/* The acceptance ends last: until then it is tried again. */
static int expire_entry(struct manager *m, struct entry *entry, struct event *event) {
        int r;

        r = entry_set_baseline(entry, &m->model, entry->before_acceptance, NULL);
        if (r >= 0 && event->type == EVENT_REGRESSED)
                r = ledger_set_regression(&m->ledger, entry, event, event->time);
        if (r < 0)
                return r;
        free(TAKE_PTR(entry->before_acceptance));
        entry->until = 0;
        return 0;
}

/* The baseline comes back; what is worse than it is a regression again. */
static int expire(struct manager *m, struct entry *entry) {
        _cleanup_(event_unrefp) struct event *event = expiry_event(m, entry);

        return event ? change_entry(m, entry, event, expire_entry) : -ENOMEM;
}

static uint64_t min_usec(uint64_t a, uint64_t b) {
        return a < b ? a : b;
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
                        next = min_usec(next, entry->until);
                        continue;
                }
                r = expire(m, entry);
                if (r >= 0)
                        continue;
                log_errno(LOG_ERR, r, "Cannot end the acceptance of %s, trying again", entry->key);
                next = min_usec(next, now + RETRY_USEC);
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
