/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "manager.h"
#include "unsaved.h"

void unsaved_add(struct unsaved *u, struct event *event) {
        if (u->n_events >= UNSAVED_MAX) {
                event_unref(u->events[0]);
                memmove(u->events, u->events + 1, (UNSAVED_MAX - 1) * sizeof(u->events[0]));
                u->n_events--;
                u->n_dropped++;
        }
        u->events[u->n_events++] = event_ref(event);
}

void unsaved_done(struct unsaved *u) {
        while (u->n_events > 0)
                event_unref(u->events[--u->n_events]);
}

static int add_entry(struct batch *batch, struct manager *m, struct entry *entry) {
        const struct unit *unit = unit_table_get(&m->units, entry->key);
        struct item *item = batch_add(batch, entry->key);

        if (!item || (unit && item_take_paths(item, unit) < 0))
                return -ENOMEM;
        item_take_entry(item, entry);
        item_take_regression(item, entry);
        return entry->regression ? batch_add_event(batch, entry->regression->event) : 0;
}

int unsaved_fill(const struct unsaved *u, struct manager *m, struct batch *batch) {
        int r = 0;

        batch->announced = true;
        for (unsigned i = 0; i < u->n_events && r >= 0; i++)
                r = batch_add_event(batch, u->events[i]);
        for (size_t i = 0; i < m->ledger.n_entries && r >= 0; i++)
                if (m->ledger.entries[i]->known && !m->ledger.entries[i]->passing)
                        r = add_entry(batch, m, m->ledger.entries[i]);
        return r;
}
