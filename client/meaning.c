/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "meaning.h"

#include <stdbool.h>

#include <exposured/bus.h>

#include "cleanup.h"

const struct finding *meanings_find(const struct meanings *meanings, const char *json_field,
                                    uint64_t badness) {
        for (size_t i = 0; i < meanings->n_units; i++) {
                const struct unit *unit = meanings->units + i;

                for (size_t k = 0; k < unit->n_findings; k++) {
                        const struct finding *f = unit->findings + k;

                        if (f->result == FINDING_BAD && f->badness == badness &&
                            streq(f->json_field, json_field))
                                return f;
                }
        }
        return NULL;
}

static bool is_known(const struct meanings *meanings, const struct event *event) {
        for (size_t i = 0; i < event->n_checks; i++)
                if (!meanings_find(meanings, event->checks[i].json_field, event->checks[i].after))
                        return false;
        return true;
}

static void ask_unit(struct meanings *meanings, sd_bus *bus, const char *name) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        struct unit *unit = meanings->units + meanings->n_units;

        if (sd_bus_call_method(bus, EXPOSURED_BUS_NAME, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                               "AssessUnit", NULL, &reply, "s", name) < 0)
                return;
        if (unit_read(unit, reply) < 0)
                unit_done(unit);
        else
                meanings->n_units++;
}

void meanings_ask(struct meanings *meanings, sd_bus *bus, const struct event_list *events) {
        size_t n_asked = 0;

        for (size_t i = 0; i < events->n_events && n_asked < MEANINGS_MAX_UNITS; i++)
                if (!is_known(meanings, events->events + i)) {
                        ask_unit(meanings, bus, events->events[i].unit);
                        n_asked++;
                }
}

void meanings_done(struct meanings *meanings) {
        for (size_t i = 0; i < meanings->n_units; i++)
                unit_done(meanings->units + i);
        meanings->n_units = 0;
}
