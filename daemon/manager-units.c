/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "api.h"
#include "log.h"
#include "manager.h"
#include "settle.h"
#include "status.h"
#include "timer.h"

/* Which properties differ between two assessments. */
static unsigned compare(const struct assessment *before, const struct assessment *now) {
        unsigned changed = 0;

        if (before->exposure != now->exposure)
                changed |= UNIT_EXPOSURE;
        if (!streq(exposure_to_predicate(before->exposure), exposure_to_predicate(now->exposure)))
                changed |= UNIT_PREDICATE;
        if (!assessment_equal(before, now))
                changed |= UNIT_FINDINGS;
        return changed;
}

void manager_tell_settled(struct manager *m, struct unit *unit) {
        uint8_t baseline = unit_baseline_exposure(unit);
        bool regressed = unit_regressed(unit);
        unsigned changed = 0;

        if (baseline != unit->told_baseline)
                changed |= UNIT_BASELINE;
        if (regressed != unit->told_regressed)
                changed |= UNIT_REGRESSED;
        unit->told_baseline = baseline;
        unit->told_regressed = regressed;
        api_unit_changed(m, unit, changed);
}

void manager_tell_all_settled(struct manager *m) {
        for (size_t i = 0; i < m->units.n_units; i++)
                manager_tell_settled(m, m->units.units[i]);
        status_changed(m->status);
}

/* Takes the paths over. Returns what changed. */
static unsigned take_paths(struct unit *unit, struct reading *reading) {
        unsigned changed = 0;

        if (!streq_ptr(unit->fragment_path, reading->fragment_path)) {
                free(unit->fragment_path);
                unit->fragment_path = TAKE_PTR(reading->fragment_path);
                changed |= UNIT_FRAGMENT_PATH;
        }
        if (!strv_equal(unit->drop_in_paths, reading->drop_in_paths)) {
                strv_free(unit->drop_in_paths);
                unit->drop_in_paths = TAKE_PTR(reading->drop_in_paths);
                changed |= UNIT_DROP_IN_PATHS;
        }
        return changed;
}

/* Assesses by the present model what was assessed by the former one before, if it was. Returns what changed. */
static unsigned take_facts(struct manager *m, struct unit *unit, const struct facts *facts,
                           const struct model *former) {
        struct assessment before = {}, now;
        unsigned changed = unit->facts.oneshot != facts->oneshot ? UNIT_ONESHOT : 0;

        if (unit->assessed)
                assess(former, &unit->facts, &before);
        assess(&m->model, facts, &now);
        unit->facts = *facts;
        unit->exposure = now.exposure;
        changed |= compare(&before, &now);
        if (changed & UNIT_FINDINGS) {
                unit->since = unit->last_read;
                changed |= UNIT_SINCE;
        }
        return changed;
}

void manager_unit_read(struct manager *m, struct unit *unit, struct reading *reading) {
        bool first = !unit->assessed, same = !first && facts_equal(&unit->facts, &reading->facts);
        unsigned changed;

        unit->last_read = timer_realtime();
        changed = take_paths(unit, reading);
        if (!same)
                changed |= take_facts(m, unit, &reading->facts, &m->model);
        if (first) {
                unit->model = &m->model;
                unit->since = unit->last_read;
                unit->assessed = true;
                status_changed(m->status);
        }
        settle_unit_read(m->settle, unit, !same, scan_change_began(m->scan));
        if (first) {
                unit->told_baseline = unit_baseline_exposure(unit);
                unit->told_regressed = unit_regressed(unit);
                api_unit_added(m, unit);
        } else {
                api_unit_changed(m, unit, changed);
                manager_tell_settled(m, unit);
        }
}

void manager_unit_gone(struct manager *m, struct unit *unit) {
        if (unit->assessed) {
                settle_unit_gone(m->settle, unit, scan_change_began(m->scan));
                api_unit_removed(m, unit);
                unit->assessed = false;
        }
        status_changed(m->status);
}

void manager_assess_once(struct manager *m, struct unit *unit, struct reading *reading) {
        struct assessment assessment;

        unit->last_read = unit->since = timer_realtime();
        unit->facts = reading->facts;
        unit->model = &m->model;
        (void) take_paths(unit, reading);
        assess(&m->model, &unit->facts, &assessment);
        unit->exposure = assessment.exposure;
        unit->assessed = true;
}

/* What the model alone changed: the settings are those told last. */
static struct event *model_event(struct manager *m, const struct model *old) {
        struct event *event = event_new(EVENT_MODEL, "", m->systemd_version);

        for (size_t i = 0; event && i < m->ledger.n_entries; i++) {
                const struct entry *entry = m->ledger.entries[i];
                struct assessment before, after;
                struct difference difference;

                if (!entry->known || entry->passing)
                        continue;
                assess(old, entry_settled(entry), &before);
                assess(&m->model, entry_settled(entry), &after);
                assessment_compare(&before, &after, &difference);
                if (difference.n_changes == 0 && before.exposure == after.exposure)
                        continue;
                if (event_add_unit(event, entry->key, before.exposure, after.exposure, difference.changes,
                                   difference.n_changes) < 0)
                        event = event_unref(event);
        }
        return event;
}

/* Which policy file came, went or changed. */
static int find_policy_cause(const struct manager *m, const struct former_model *model, struct causes *ret,
                             uint64_t time) {
        enum cause_change change = CAUSE_CHANGED;
        const char *former = model->policy_path;

        if (!model->policy_changed || (!former && !m->policy_path))
                return 0;
        if (m->policy_path && !streq_ptr(former, m->policy_path))
                change = CAUSE_CREATED;
        else if (!m->policy_path && !m->policy_problem)
                change = CAUSE_REMOVED;
        return causes_set_file(ret, m->policy_path ?: former, change, time);
}

/* Where systemd is another one that comes first. */
static int find_causes(const struct manager *m, const struct former_model *former, struct event *event) {
        struct causes policy = {};
        int r;

        r = find_policy_cause(m, former, &policy, event->time);
        if (r >= 0 && former->version)
                r = causes_set_manager(&event->causes, former->version, m->systemd_version, event->time);
        if (r >= 0)
                r = causes_merge(&event->causes, &policy);
        causes_done(&policy);
        return r;
}

/* A model that judges otherwise is one event, whatever it does to how many units. */
static void tell_model(struct manager *m, const struct former_model *former) {
        _cleanup_(event_unrefp) struct event *event = model_event(m, &former->model);
        int r;

        r = event ? find_causes(m, former, event) : -ENOMEM;
        if (r < 0)
                (void) log_oom();
        else if (former->version)
                settle_upgrade(m->settle, event);
        else if (event->n_units > 0)
                settle_event(m->settle, event);
}

void manager_reassess(struct manager *m, const struct former_model *former) {
        ledger_update_model(&m->ledger, &former->model, &m->model);
        tell_model(m, former);
        if (former->version || former->policy_changed)
                settle_model_changed(m->settle);
        for (size_t i = 0; i < m->units.n_units; i++) {
                struct unit *unit = m->units.units[i];

                if (unit->assessed)
                        api_unit_changed(m, unit, take_facts(m, unit, &unit->facts, &former->model));
        }
        manager_tell_all_settled(m);
}
