/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "judge.h"

#include <errno.h>

#include <exposured/macro.h>

#include "batch.h"
#include "manager.h"
#include "strv.h"
#include "timer.h"

static struct item *find_item(const struct batch *batch, const char *key) {
        for (size_t i = batch->n_items; i-- > 0;)
                if (streq(batch->items[i].key, key))
                        return &batch->items[i];
        return NULL;
}

/* An item for the entry of a unit, with all that it takes memory for. */
static struct item *add_item(struct batch *batch, const struct unit *unit) {
        struct item *item = batch_add(batch, unit->entry->key);

        if (!item || strv_extend(&item->units, unit->name) < 0 || item_take_paths(item, unit) < 0)
                return NULL;
        return item;
}

static int entry_set_first(struct entry *entry, const struct facts *facts) {
        free(entry->first);
        entry->first = malloc(sizeof(*entry->first));
        if (!entry->first)
                return -ENOMEM;
        *entry->first = *facts;
        return 0;
}

/* A unit that nobody remembers: what it is now is its baseline. */
static int judge_new(struct manager *m, struct batch *batch, struct unit *unit, bool variant) {
        struct entry *entry = unit->entry;
        struct item *item = entry->passing ? NULL : add_item(batch, unit);
        int r;

        if (!item && !entry->passing)
                return -ENOMEM;
        r = m->unread ? entry_set_first(entry, &unit->facts) : 0;
        if (r >= 0)
                r = entry_set_baseline(entry, &m->model, &unit->facts, NULL);
        if (r < 0)
                return r;
        entry->taken = unit->last_read;
        entry->files_signature = unit->files_signature;
        if (!item)
                return 0;
        /*
         * The first start takes all as it is, and an instance is announced by its template. Who does not know
         * what was there before does not call it new.
         */
        item->told = !m->ledger_is_new && !m->unread && !variant;
        item->type = EVENT_APPEARED;
        item->before = item->after = unit->exposure;
        item_take_entry(item, entry);
        return 0;
}

static int judge_known(struct manager *m, struct batch *batch, struct unit *unit) {
        struct entry *entry = unit->entry;
        struct judgement judgement;
        struct item *item;
        int r;

        entry_judge(entry, &m->model, &unit->facts, m->config.ratchet, &judgement);
        if (entry->gone && judgement.open)
                judgement_from_baseline(&judgement, entry, &m->model, &unit->facts);
        item = add_item(batch, unit);
        if (!item || (judgement.open && entry_reserve_regression(entry) < 0))
                return -ENOMEM;
        item->told = !facts_equal(entry_settled(entry), &unit->facts) || entry->gone;
        item->type = entry->gone && judgement.type == EVENT_CHANGED ? EVENT_APPEARED : judgement.type;
        item->difference = judgement.difference;
        item->before = judgement.before;
        item->after = judgement.after;
        item->open = judgement.open;
        item->since = entry->regression ? entry->regression->since : timer_realtime();
        r = entry_settle(entry, &m->model, &unit->facts, &judgement);
        if (r < 0)
                return r;
        entry->gone = false;
        entry->files_signature = unit->files_signature;
        if (judgement.baseline_moves)
                entry->taken = unit->last_read;
        if (!judgement.open)
                ledger_clear_regression(&m->ledger, entry);
        item_take_entry(item, entry);
        return 0;
}

/*
 * Instances that share an entry share an item while they agree. One that differs though the files
 * are the same does so by its name ("User=%i"): what it is, is its baseline.
 */
static int judge_instance(struct manager *m, struct batch *batch, struct unit *unit, struct item *item) {
        struct entry *entry;

        if (facts_equal(&item->settled, &unit->facts))
                return strv_extend(&item->units, unit->name);
        entry = ledger_add(&m->ledger, unit->name);
        if (!entry)
                return -ENOMEM;
        unit_join_entry(unit, entry);
        entry->known = false;
        return judge_new(m, batch, unit, true);
}

static bool is_variant(const struct unit *unit) {
        const struct entry *entry = unit->entry;

        return !streq(entry->key, unit->name) && entry->known && !entry->gone &&
               entry->files_signature == unit->files_signature &&
               !facts_equal(entry_settled(entry), &unit->facts);
}

static int judge(struct manager *m, struct batch *batch, struct unit *unit) {
        struct item *item = streq(unit->entry->key, unit->name) ? NULL : find_item(batch, unit->entry->key);
        bool variant = is_variant(unit);
        struct entry *entry;

        if (item)
                return judge_instance(m, batch, unit, item);
        if (variant) {
                entry = ledger_add(&m->ledger, unit->name);
                if (!entry)
                        return -ENOMEM;
                unit_join_entry(unit, entry);
        }
        return unit->entry->known && !unit->entry->passing ? judge_known(m, batch, unit) :
                                                             judge_new(m, batch, unit, variant);
}

/* What is left of an item that is not complete is dropped: the batch is as it was. */
static int finish(struct batch *batch, size_t n_items, int r) {
        if (r < 0)
                batch_cut(batch, n_items, batch->n_events);
        return r;
}

int judge_unit(struct manager *m, struct batch *batch, struct unit *unit) {
        size_t n_items = batch->n_items;
        int r;

        r = ledger_join_unit(&m->ledger, &m->model, unit);
        if (r < 0)
                return r;
        unit->entry->seen = unit->last_read;
        return finish(batch, n_items, judge(m, batch, unit));
}

bool judge_joins(const struct batch *batch, const struct unit *unit) {
        const struct item *item;

        if (!unit->entry || streq(unit->entry->key, unit->name))
                return false;
        item = find_item(batch, unit->entry->key);
        return item && facts_equal(&item->settled, &unit->facts);
}

static int write_gone(struct manager *m, struct batch *batch, struct entry *entry) {
        struct assessment last;
        struct item *item = batch_add(batch, entry->key);

        if (!item || strv_extend(&item->units, entry->key) < 0)
                return -ENOMEM;
        assess(&m->model, entry_settled(entry), &last);
        item->told = true;
        item->type = EVENT_GONE;
        item->before = item->after = last.exposure;
        entry->gone = true;
        ledger_clear_regression(&m->ledger, entry);
        item_take_entry(item, entry);
        return 0;
}

int judge_gone(struct manager *m, struct batch *batch, struct entry *entry) {
        size_t n_items = batch->n_items;

        return finish(batch, n_items, write_gone(m, batch, entry));
}
