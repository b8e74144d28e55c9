/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "api.h"
#include "log.h"
#include "manager.h"

static int find_unit(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                     sd_bus_error *error) {
        _cleanup_(freep) char *name = NULL;
        struct manager *manager = userdata;
        struct unit *unit;
        int r;

        (void) bus, (void) interface, (void) error;
        r = sd_bus_path_decode(path, EXPOSURED_UNIT_PATH, &name);
        if (r <= 0)
                return r;
        unit = unit_table_get(&manager->units, name);
        if (!unit || !unit->assessed)
                return 0;
        *ret_found = unit;
        return 1;
}

int api_add(struct manager *m, sd_bus *bus) {
        int r;

        r = sd_bus_add_object_vtable(bus, &m->api_slots[0], EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                                     manager_vtable, m);
        if (r < 0)
                return r;
        r = sd_bus_add_fallback_vtable(bus, &m->api_slots[1], EXPOSURED_UNIT_PATH, EXPOSURED_UNIT_INTERFACE,
                                       unit_vtable, find_unit, m);
        if (r < 0)
                return r;
        r = api_add_filter(m, bus, &m->api_slots[2]);
        if (r < 0)
                return r;
        return sd_bus_add_object_manager(bus, &m->api_slots[3], EXPOSURED_PATH);
}

void api_remove(struct manager *m) {
        for (size_t i = 0; i < ELEMENTSOF(m->api_slots); i++)
                m->api_slots[i] = sd_bus_slot_unref(m->api_slots[i]);
}

static void tell_unit(struct manager *m, const struct unit *unit,
                      int (*tell)(sd_bus *bus, const char *path)) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!m->served)
                return;
        r = unit_object_path(unit, &path);
        if (r >= 0)
                r = tell(m->bus, path);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot tell the bus of %s", unit->name);
}

void api_unit_added(struct manager *m, const struct unit *unit) {
        tell_unit(m, unit, sd_bus_emit_object_added);
}

void api_unit_removed(struct manager *m, const struct unit *unit) {
        tell_unit(m, unit, sd_bus_emit_object_removed);
}

void api_unit_changed(struct manager *m, const struct unit *unit, unsigned properties) {
        char *names[UNIT_PROPERTIES_MAX + 1];
        _cleanup_(freep) char *path = NULL;
        int r;

        if (!m->served || !unit->assessed || properties == 0)
                return;
        unit_property_names(properties, names);
        r = unit_object_path(unit, &path);
        if (r >= 0)
                r = sd_bus_emit_properties_changed_strv(m->bus, path, EXPOSURED_UNIT_INTERFACE, names);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot tell the bus what changed in %s", unit->name);
}

void api_ensure_reply(sd_bus_message *call, int r) {
        if (r >= 0)
                return;
        r = sd_bus_reply_method_errno(call, r, NULL);
        if (r < 0)
                log_errno(LOG_DEBUG, r, "Cannot answer a call");
}

void api_manager_changed(struct manager *m, char **properties) {
        int r;

        if (!m->served)
                return;
        r = sd_bus_emit_properties_changed_strv(m->bus, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE, properties);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot tell the bus what changed");
}

int append_checks(sd_bus_message *m, const struct check_change *checks, size_t n_checks) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(stt)");
        for (size_t i = 0; i < n_checks && r >= 0; i++)
                r = sd_bus_message_append(m, "(stt)", check_info(checks[i].check)->json_field,
                                          (uint64_t) checks[i].before, (uint64_t) checks[i].after);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_cause(sd_bus_message *m, const struct cause *cause) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sstas");
        if (r >= 0)
                r = sd_bus_message_append(m, "sst", cause->path, cause->change, cause->time);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, cause->lines);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int append_causes(sd_bus_message *m, const struct causes *causes) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "(sstas)");
        for (size_t i = 0; i < causes->n_causes && r >= 0; i++)
                r = append_cause(m, &causes->causes[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_units(sd_bus_message *m, const struct event *event) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < event->n_units && r >= 0; i++)
                r = sd_bus_message_append(m, "s", event->units[i].unit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static const struct event_unit *find_event_unit(const struct event *event, const char *unit) {
        for (size_t i = 0; unit && i < event->n_units; i++)
                if (streq(event->units[i].unit, unit))
                        return &event->units[i];
        return NULL;
}

int append_event(sd_bus_message *m, const struct event *event, const char *unit) {
        /* Where it is about no unit, the exposure of none is told. */
        static const struct event_unit nothing = {};
        const struct event_unit *worst = event->n_units > 0 ? &event->units[0] : NULL;
        const struct event_unit *meant = find_event_unit(event, unit);
        const struct event_unit *shown = meant ?: (*event->unit ? worst : &nothing);
        int r;

        r = sd_bus_message_append(m, "ts", event->time, meant ? meant->unit : event->unit);
        if (r >= 0)
                r = append_units(m, event);
        if (r >= 0)
                r = sd_bus_message_append(m, "dd", (shown ? shown->before : event->before) / 10.0,
                                          (shown ? shown->after : event->after) / 10.0);
        if (r >= 0)
                r = append_checks(m, shown ? shown->checks : NULL, shown ? shown->n_checks : 0);
        return r < 0 ? r : append_causes(m, &event->causes);
}

static int emit_event(struct manager *manager, const struct event *event) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(manager->bus, &m, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                                      event_type_to_member(event->type));
        if (r >= 0)
                r = sd_bus_message_append(m, "s", event->id);
        if (r >= 0)
                r = append_event(m, event, NULL);
        return r < 0 ? r : sd_bus_send(manager->bus, m, NULL);
}

void api_emit_event(struct manager *m, const struct event *event) {
        int r;

        if (!m->served)
                return;
        r = emit_event(m, event);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot tell the bus what happened to %s", event->unit);
}
