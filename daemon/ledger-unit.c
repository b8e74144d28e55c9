/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "ledger.h"

/* Which entry a unit belongs to. */

static struct entry *find_entry(struct ledger *ledger, const struct unit *unit) {
        char template[UNIT_NAME_SIZE];
        struct entry *entry = ledger_get(ledger, unit->name);

        if (entry || !unit_name_template(unit->name, template) || unit_has_own_files(unit))
                return entry ?: ledger_add(ledger, unit->name);
        return ledger_add(ledger, template);
}

void unit_join_entry(struct unit *unit, struct entry *entry) {
        if (unit->entry)
                unit->entry->n_loaded--;
        unit->entry = entry;
        entry->n_loaded++;
}

/* Gives an instance an entry of its own, that begins with what its template's holds. */
static int split_entry(struct ledger *ledger, const struct model *model, struct unit *unit) {
        const struct entry *from = unit->entry;
        struct entry *entry;

        entry = ledger_add(ledger, unit->name);
        if (!entry)
                return -ENOMEM;
        entry->files_key = strdup(from->key);
        if (!entry->files_key || ledger_copy_entry(ledger, entry, model, from) < 0) {
                ledger_remove(ledger, entry);
                return -ENOMEM;
        }
        unit_join_entry(unit, entry);
        return 0;
}

/* An instance that got, or lost, settings of its own. */
static bool leaves_template(const struct unit *unit) {
        char template[UNIT_NAME_SIZE];

        return unit_name_template(unit->name, template) && streq(unit->entry->key, template) &&
               unit_has_own_files(unit) && unit->entry->known;
}

int ledger_join_unit(struct ledger *ledger, const struct model *model, struct unit *unit) {
        struct entry *entry;

        if (!unit->entry) {
                entry = find_entry(ledger, unit);
                if (!entry)
                        return -ENOMEM;
                unit_join_entry(unit, entry);
                entry->passing = unit_name_is_passing(unit->name);
        }
        return leaves_template(unit) ? split_entry(ledger, model, unit) : 0;
}

struct entry *ledger_find(const struct ledger *ledger, const struct unit_table *units, const char *name) {
        const struct unit *unit = unit_table_get(units, name);
        struct entry *entry = unit && unit->entry ? unit->entry : ledger_get(ledger, name);
        char template[UNIT_NAME_SIZE];

        if (!entry && unit_name_template(name, template))
                entry = ledger_get(ledger, template);
        return entry;
}
