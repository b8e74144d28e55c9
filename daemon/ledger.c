/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>

#include <exposured/macro.h>

#include "ledger.h"
#include "named.h"

static struct entry *entry_free(struct entry *entry) {
        if (!entry)
                return NULL;
        if (entry->regression)
                event_unref(entry->regression->event);
        free(entry->regression);
        free(entry->spare);
        free(entry->key);
        free(entry->files_key);
        free(entry->composite);
        free(entry->settled);
        free(entry->first);
        free(entry->before_acceptance);
        free(entry);
        return NULL;
}

void ledger_done(struct ledger *ledger) {
        if (!ledger)
                return;
        for (size_t i = 0; i < ledger->n_entries; i++)
                entry_free(ledger->entries[i]);
        free(ledger->entries);
        *ledger = (struct ledger) {};
}

_Static_assert(offsetof(struct entry, key) == 0, "begins with its name");

struct entry *ledger_get(const struct ledger *ledger, const char *key) {
        size_t i;

        return named_find(ledger->entries, ledger->n_entries, key, &i) ? ledger->entries[i] : NULL;
}

static struct entry *entry_new(const char *key) {
        struct entry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return NULL;
        entry->key = strdup(key);
        return entry->key ? entry : entry_free(entry);
}

struct entry *ledger_add(struct ledger *ledger, const char *key) {
        struct entry *entry;
        size_t i;

        if (named_find(ledger->entries, ledger->n_entries, key, &i))
                return ledger->entries[i];
        entry = entry_new(key);
        if (!entry || named_insert(&ledger->entries, &ledger->n_entries, &ledger->n_allocated, i, entry) < 0)
                return entry_free(entry);
        return entry;
}

void ledger_remove(struct ledger *ledger, struct entry *entry) {
        if (!named_take(ledger->entries, &ledger->n_entries, entry->key))
                return;
        ledger_clear_regression(ledger, entry);
        entry_free(entry);
}

const struct facts *entry_settled(const struct entry *entry) {
        return entry->settled ?: &entry->baseline;
}

int entry_set_settled(struct entry *entry, const struct facts *facts) {
        struct facts *copy;

        if (facts_equal(facts, &entry->baseline)) {
                free(TAKE_PTR(entry->settled));
                return 0;
        }
        copy = malloc(sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        *copy = *facts;
        free(entry->settled);
        entry->settled = copy;
        return 0;
}

/* The state told last stays what it was. */
int entry_set_baseline(struct entry *entry, const struct model *model, const struct facts *facts,
                       const struct assessment *composite) {
        const struct facts settled = entry->known ? *entry_settled(entry) : *facts, old = entry->baseline;
        struct assessment *copy = NULL, assessment;
        int r;

        if (composite) {
                copy = malloc(sizeof(*copy));
                if (!copy)
                        return -ENOMEM;
                *copy = *composite;
        }
        entry->baseline = *facts;
        r = entry_set_settled(entry, &settled);
        if (r < 0) {
                entry->baseline = old;
                free(copy);
                return r;
        }
        free(entry->composite);
        entry->composite = copy;
        entry->known = true;
        entry_baseline(entry, model, &assessment);
        entry->exposure = assessment.exposure;
        return 0;
}

int ledger_copy_entry(struct ledger *to, struct entry *entry, const struct model *model, const struct entry *from) {
        struct baseline *before = NULL;

        if (entry_set_baseline(entry, model, &from->baseline, from->composite) < 0 ||
            entry_set_settled(entry, entry_settled(from)) < 0)
                return -ENOMEM;
        if (from->before_acceptance) {
                before = malloc(sizeof(*before));
                if (!before)
                        return -ENOMEM;
                *before = *from->before_acceptance;
        }
        free(entry->before_acceptance);
        entry->before_acceptance = before;
        entry->until = from->until;
        entry->taken = from->taken;
        memcpy(entry->acceptance_id, from->acceptance_id, sizeof(entry->acceptance_id));
        ledger_clear_regression(to, entry);
        if (!from->regression)
                return 0;
        return ledger_set_regression(to, entry, from->regression->event, from->regression->since);
}

void entry_baseline(const struct entry *entry, const struct model *model, struct assessment *ret) {
        if (entry->composite)
                *ret = *entry->composite;
        else
                assess(model, &entry->baseline, ret);
}

bool entry_has_composite(const struct entry *entry) {
        return entry->composite || (entry->before_acceptance && entry->before_acceptance->is_composite);
}

/* What the old model said of the facts alone is replaced by what the new one says; the rest is kept. */
static void composite_update(struct assessment *composite, const struct facts *facts, const struct model *old,
                             const struct model *model) {
        struct assessment was, is;

        assess(old, facts, &was);
        assess(model, facts, &is);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                if (composite->badness[i] == was.badness[i] || is.badness[i] == BADNESS_NOT_APPLICABLE)
                        composite->badness[i] = is.badness[i];
        assessment_rate(model, composite);
}

void ledger_update_model(struct ledger *ledger, const struct model *old, const struct model *model) {
        for (size_t i = 0; i < ledger->n_entries; i++) {
                struct entry *entry = ledger->entries[i];
                struct baseline *before = entry->before_acceptance;
                struct assessment assessment;

                if (entry->composite)
                        composite_update(entry->composite, &entry->baseline, old, model);
                if (before && before->is_composite)
                        composite_update(&before->composite, &before->facts, old, model);
                entry_baseline(entry, model, &assessment);
                entry->exposure = assessment.exposure;
        }
}

int entry_reserve_regression(struct entry *entry) {
        if (!entry->regression && !entry->spare)
                entry->spare = calloc(1, sizeof(*entry->spare));
        return entry->regression || entry->spare ? 0 : -ENOMEM;
}

int ledger_set_regression(struct ledger *ledger, struct entry *entry, struct event *event, uint64_t since) {
        if (!entry->regression) {
                if (entry_reserve_regression(entry) < 0)
                        return -ENOMEM;
                entry->regression = TAKE_PTR(entry->spare);
                entry->regression->since = since;
                ledger->n_regressed++;
        }
        event_ref(event);
        event_unref(entry->regression->event);
        entry->regression->event = event;
        return 0;
}

void ledger_clear_regression(struct ledger *ledger, struct entry *entry) {
        if (!entry->regression)
                return;
        event_unref(entry->regression->event);
        free(TAKE_PTR(entry->regression));
        ledger->n_regressed--;
}

/* Whether it is the entry that the event is about, or the first one of those where that has it no more. */
static bool stands_for(const struct ledger *ledger, const struct entry *entry, struct event *event) {
        const struct entry *about = ledger_get(ledger, event->unit);
        bool met = event->met;

        event->met = true;
        return about && about->regression && about->regression->event == event ? about == entry : !met;
}

int ledger_each_regression(struct ledger *ledger, regression_fn fn, void *userdata) {
        int r = 0;

        for (size_t i = 0; i < ledger->n_entries; i++)
                if (ledger->entries[i]->regression)
                        ledger->entries[i]->regression->event->met = false;
        for (size_t i = 0; i < ledger->n_entries && r >= 0; i++) {
                const struct entry *entry = ledger->entries[i];

                if (entry->regression && stands_for(ledger, entry, entry->regression->event))
                        r = fn(entry, userdata);
        }
        return r < 0 ? r : 0;
}

uint8_t check_harm(uint8_t badness) {
        return badness == BADNESS_NOT_APPLICABLE ? 0 : badness;
}

bool assessment_improve(struct assessment *assessment, const struct assessment *by) {
        bool improved = false;

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                if (check_harm(by->badness[i]) < check_harm(assessment->badness[i])) {
                        assessment->badness[i] = by->badness[i];
                        improved = true;
                }
        return improved;
}

static bool worse_than(const struct assessment *now, const struct assessment *then) {
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                if (check_harm(now->badness[i]) > check_harm(then->badness[i]))
                        return true;
        return false;
}

bool entry_is_worse(const struct entry *entry, const struct model *model) {
        struct assessment now, baseline;

        assess(model, entry_settled(entry), &now);
        entry_baseline(entry, model, &baseline);
        return worse_than(&now, &baseline);
}

/* A check that went back to what the baseline has anyway is no regression. */
static bool new_regression(const struct difference *difference, const struct assessment *baseline) {
        for (unsigned i = 0; i < difference->n_changes; i++) {
                const struct check_change *c = &difference->changes[i];

                if (check_harm(c->after) > check_harm(c->before) &&
                    check_harm(c->after) > check_harm(baseline->badness[c->check]))
                        return true;
        }
        return false;
}

void entry_judge(const struct entry *entry, const struct model *model, const struct facts *facts, bool ratchet,
                 struct judgement *ret) {
        struct assessment told, now, baseline;

        *ret = (struct judgement) {};
        assess(model, entry_settled(entry), &told);
        assess(model, facts, &now);
        entry_baseline(entry, model, &baseline);
        assessment_compare(&told, &now, &ret->difference);
        ret->before = told.exposure;
        ret->after = now.exposure;
        ret->open = worse_than(&now, &baseline);
        ret->type = new_regression(&ret->difference, &baseline) ? EVENT_REGRESSED :
                    ret->difference.n_better > 0 ? EVENT_IMPROVED : EVENT_CHANGED;
        ret->composite = baseline;
        if (!ratchet)
                return;
        ret->baseline_moves = assessment_improve(&ret->composite, &now);
        assessment_rate(model, &ret->composite);
        ret->composite_differs = ret->baseline_moves && !assessment_equal(&ret->composite, &now);
}

void judgement_from_baseline(struct judgement *judgement, const struct entry *entry, const struct model *model,
                             const struct facts *facts) {
        struct assessment baseline, now;

        entry_baseline(entry, model, &baseline);
        assess(model, facts, &now);
        assessment_compare(&baseline, &now, &judgement->difference);
        judgement->before = baseline.exposure;
        judgement->type = EVENT_REGRESSED;
}

int entry_settle(struct entry *entry, const struct model *model, const struct facts *facts,
                 const struct judgement *judgement) {
        int r = 0;

        /* Where no facts are the baseline, those stay that were accepted last. */
        if (judgement->baseline_moves)
                r = judgement->composite_differs ?
                        entry_set_baseline(entry, model, &entry->baseline, &judgement->composite) :
                        entry_set_baseline(entry, model, facts, NULL);
        /* Last: what was not told differs from it until then. */
        return r < 0 ? r : entry_set_settled(entry, facts);
}

uint8_t unit_baseline_exposure(const struct unit *unit) {
        return unit->entry && unit->entry->known ? unit->entry->exposure : unit->exposure;
}

bool unit_regressed(const struct unit *unit) {
        return unit->entry && unit->entry->regression;
}
