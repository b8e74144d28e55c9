/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include <exposured/assessment.h>

#include "event.h"
#include "unit.h"

/* The daemon's face on the bus. Handlers translate and call the manager; they decide nothing. */
struct manager;

/* Puts our objects on the bus; the slots are kept in the manager. 0 or a negative errno. */
int api_add(struct manager *manager, sd_bus *bus);
void api_remove(struct manager *manager);

/* What is told of a unit, as bits: one for each property that can change. */
enum unit_property {
        UNIT_EXPOSURE       = 1 << 0, /* Predicate with it */
        UNIT_BASELINE       = 1 << 1,
        UNIT_REGRESSED      = 1 << 2,
        UNIT_SINCE          = 1 << 3,
        UNIT_ONESHOT        = 1 << 4,
        UNIT_FRAGMENT_PATH  = 1 << 5,
        UNIT_DROP_IN_PATHS  = 1 << 6,
        UNIT_STALE          = 1 << 7,
        UNIT_FINDINGS       = 1 << 8,
        UNIT_PREDICATE      = 1 << 9,
};

/* Signals. While nobody can know us they are not sent; failures are logged. */
void api_unit_added(struct manager *manager, const struct unit *unit);
void api_unit_removed(struct manager *manager, const struct unit *unit);
void api_unit_changed(struct manager *manager, const struct unit *unit, unsigned properties);
void api_manager_changed(struct manager *manager, char **properties);

/* For answers that come later: r is what became of one. Who waits hears at least that there is none. */
void api_ensure_reply(sd_bus_message *call, int r);

/* All there is to say of a unit, as a{sv}. */
int api_append_unit(sd_bus_message *m, const struct unit *unit);

/* The signal of an event. */
void api_emit_event(struct manager *manager, const struct event *event);

/* For api-*.c alone. */
extern const sd_bus_vtable manager_vtable[];
extern const sd_bus_vtable unit_vtable[];
/* As it hit that unit; NULL: the one hit worst. */
int append_event(sd_bus_message *m, const struct event *event, const char *unit);
int append_checks(sd_bus_message *m, const struct check_change *checks, size_t n_checks);
int append_causes(sd_bus_message *m, const struct causes *causes);
int method_list_regressions(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_history(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_event_units(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_accept(sd_bus_message *m, void *userdata, sd_bus_error *error);
int unit_object_path(const struct unit *unit, char **ret);
/* The properties as a{sv}. */
int append_unit_properties(sd_bus_message *m, const struct unit *unit, bool with_findings);
int append_findings_variant(sd_bus_message *m, const struct unit *unit);
int api_add_filter(struct manager *manager, sd_bus *bus, sd_bus_slot **slot);

/* The names of the properties that these bits stand for, and NULL. */
#define UNIT_PROPERTIES_MAX 12
void unit_property_names(unsigned properties, char *names[static UNIT_PROPERTIES_MAX + 1]);
