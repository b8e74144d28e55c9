/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <exposured/macro.h>

#include "fake-systemd.h"

/* What a test may tell the fake manager, as org.exposured.Test1. */
#define TEST_NAME "org.exposured.Test1"
#define TEST_PATH "/org/exposured/Test1"
#define RECONNECT_USEC 10000U

static int done(sd_bus_message *m) {
        return sd_bus_reply_method_return(m, NULL);
}

static void copy(char *to, size_t size, const char *from) {
        (void) snprintf(to, size, "%s", from);
}

static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;
        const char *name, *load_state;
        struct unit *unit;
        int announce;

        (void) error;
        must(sd_bus_message_read(m, "ssb", &name, &load_state, &announce), "Load");
        unit = units_add(fake, name);
        unit->loaded = true;
        copy(unit->load_state, sizeof(unit->load_state), load_state);
        if (announce)
                fake_emit_unit(fake, "UnitNew", name);
        return done(m);
}

static int method_unload(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;
        const char *name;
        int announce;

        (void) error;
        must(sd_bus_message_read(m, "sb", &name, &announce), "Unload");
        units_add(fake, name)->loaded = false;
        if (announce)
                fake_emit_unit(fake, "UnitRemoved", name);
        return done(m);
}

static int method_write(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *load_state;
        struct unit *unit;

        (void) error;
        must(sd_bus_message_read(m, "ss", &name, &load_state), "Write");
        unit = units_add(userdata, name);
        unit->file = true;
        copy(unit->load_state, sizeof(unit->load_state), load_state);
        return done(m);
}

static int method_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *interface, *property;
        sd_bus_message *value;

        (void) error;
        must(sd_bus_message_read(m, "sss", &name, &interface, &property), "Set");
        must(sd_bus_message_new_signal(sd_bus_message_get_bus(m), &value, TEST_PATH, TEST_NAME, "Value"),
             "Set");
        must(sd_bus_message_copy(value, m, false), "Set");
        must(sd_bus_message_seal(value, 1, 0), "Set");
        unit_set(units_add(userdata, name), interface, property, value);
        return done(m);
}

static int method_omit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *property;

        (void) error;
        must(sd_bus_message_read(m, "ss", &name, &property), "Omit");
        unit_set(units_add(userdata, name), "Service", property, NULL);
        return done(m);
}

static int method_reset(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *property;

        (void) error;
        must(sd_bus_message_read(m, "ss", &name, &property), "Reset");
        unit_reset(units_add(userdata, name), property);
        return done(m);
}

static int method_emit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *member, *name;

        (void) error;
        must(sd_bus_message_read(m, "ss", &member, &name), "Emit");
        if (streq(member, "PropertiesChanged"))
                fake_emit_properties(userdata, name);
        else
                fake_emit_unit(userdata, member, name);
        return done(m);
}

static int method_reloading(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;
        int active, tell;

        (void) error;
        must(sd_bus_message_read(m, "bb", &active, &tell), "Reloading");
        fake->reloading = active;
        if (tell)
                fake_emit_reloading(fake, active);
        fake_answer_soon(fake);
        return done(m);
}

/* An empty action takes the rule away. What was held is answered by what stands then. */
static int method_rule(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *member, *name, *action;
        struct fake *fake = userdata;
        size_t i = 0;

        (void) error;
        must(sd_bus_message_read(m, "sss", &member, &name, &action), "Rule");
        while (i < fake->n_rules &&
               !(streq(fake->rules[i].member, member) && streq(fake->rules[i].unit, name)))
                i++;
        must(i < RULES_MAX ? 0 : -ENOBUFS, "Rule");
        if (i == fake->n_rules)
                fake->n_rules++;
        copy(fake->rules[i].member, sizeof(fake->rules[i].member), member);
        copy(fake->rules[i].unit, sizeof(fake->rules[i].unit), name);
        copy(fake->rules[i].action, sizeof(fake->rules[i].action), action);
        if (!*action)
                fake->rules[i] = fake->rules[--fake->n_rules];
        fake_answer_soon(fake);
        return done(m);
}

static int method_slow(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;

        (void) error;
        must(sd_bus_message_read(m, "t", &fake->delay_usec), "Slow");
        fake_answer_soon(fake);
        return done(m);
}

static int method_leave(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) error;
        fake_leave(userdata);
        return done(m);
}

static int method_return(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) error;
        fake_connect(userdata);
        return done(m);
}

static int method_version(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;
        const char *version;

        (void) error;
        must(sd_bus_message_read(m, "s", &version), "Version");
        copy(fake->version, sizeof(fake->version), version);
        return done(m);
}

static int method_calls(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct fake *fake = userdata;

        (void) error;
        must(sd_bus_message_new_method_return(m, &reply), "Calls");
        must(sd_bus_message_open_container(reply, 'a', "(ssssbb)"), "Calls");
        for (size_t i = 0; i < fake->n_records; i++) {
                const struct record *record = &fake->records[i];

                must(sd_bus_message_append(reply, "(ssssbb)", record->member, record->argument, record->unit,
                                           record->sender, (int) record->during_reload,
                                           (int) record->unloaded), "Calls");
        }
        must(sd_bus_message_close_container(reply), "Calls");
        return sd_bus_send(NULL, reply, NULL);
}

static int method_in_flight(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct fake *fake = userdata;

        (void) error;
        return sd_bus_reply_method_return(m, "uu", (uint32_t) fake->n_pending, fake->in_flight_max);
}

static int method_forget(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;

        (void) error;
        fake->n_records = 0;
        fake->in_flight_max = 0;
        return done(m);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        /* name, load state, whether to say UnitNew */
        SD_BUS_METHOD("Load", "ssb", "", method_load, SD_BUS_VTABLE_UNPRIVILEGED),
        /* name, whether to say UnitRemoved */
        SD_BUS_METHOD("Unload", "sb", "", method_unload, SD_BUS_VTABLE_UNPRIVILEGED),
        /* a file on disk, not loaded: name, load state that it will have */
        SD_BUS_METHOD("Write", "ss", "", method_write, SD_BUS_VTABLE_UNPRIVILEGED),
        /* name, "Unit" or "Service", property, value */
        SD_BUS_METHOD("Set", "sssv", "", method_set, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Omit", "ss", "", method_omit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Reset", "ss", "", method_reset, SD_BUS_VTABLE_UNPRIVILEGED),
        /* member, name: a signal and nothing else */
        SD_BUS_METHOD("Emit", "ss", "", method_emit, SD_BUS_VTABLE_UNPRIVILEGED),
        /* whether it reloads, whether it says so */
        SD_BUS_METHOD("Reloading", "bb", "", method_reloading, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Rule", "sss", "", method_rule, SD_BUS_VTABLE_UNPRIVILEGED),
        /* µs before each answer */
        SD_BUS_METHOD("Slow", "t", "", method_slow, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Leave", "", "", method_leave, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Return", "", "", method_return, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Version", "s", "", method_version, SD_BUS_VTABLE_UNPRIVILEGED),
        /* member, argument, unit, sender, whether it came during a reload, whether the unit is not loaded */
        SD_BUS_METHOD("Calls", "", "a(ssssbb)", method_calls, SD_BUS_VTABLE_UNPRIVILEGED),
        /* calls that wait for an answer, and the most there were at once of one client */
        SD_BUS_METHOD("InFlight", "", "uu", method_in_flight, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Forget", "", "", method_forget, SD_BUS_VTABLE_UNPRIVILEGED),
        /* a call came: member, argument, unit */
        SD_BUS_SIGNAL("Called", "sss", 0),
        SD_BUS_VTABLE_END,
};

void control_tell_call(struct fake *fake, const struct record *record) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (!fake->control)
                return;
        must(sd_bus_message_new_signal(fake->control, &m, TEST_PATH, TEST_NAME, "Called"), "Called");
        must(sd_bus_message_append(m, "sss", record->member, record->argument, record->unit), "Called");
        (void) sd_bus_send(fake->control, m, NULL);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        control_connect(userdata);
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct fake *fake = userdata;

        (void) m, (void) error;
        must(sd_event_source_set_time_relative(fake->control_timer, RECONNECT_USEC), "timer");
        must(sd_event_source_set_enabled(fake->control_timer, SD_EVENT_ONESHOT), "timer");
        return 0;
}

static int connect_control(struct fake *fake) {
        int r;

        r = sd_bus_new(&fake->control);
        if (r >= 0)
                r = sd_bus_set_address(fake->control, fake->connections[0].address);
        if (r >= 0)
                r = sd_bus_set_bus_client(fake->control, true);
        if (r >= 0)
                r = sd_bus_start(fake->control);
        if (r >= 0)
                r = sd_bus_add_object_vtable(fake->control, NULL, TEST_PATH, TEST_NAME, vtable, fake);
        if (r >= 0)
                r = sd_bus_match_signal_async(fake->control, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                              NULL, fake);
        if (r >= 0)
                r = sd_bus_request_name(fake->control, TEST_NAME, 0);
        return r < 0 ? r : sd_bus_attach_event(fake->control, fake->event, SD_EVENT_PRIORITY_NORMAL);
}

void control_connect(struct fake *fake) {
        if (!fake->control_timer)
                must(sd_event_add_time(fake->event, &fake->control_timer, CLOCK_MONOTONIC, UINT64_MAX, 1,
                                       on_timer, fake), "timer");
        if (fake->control) {
                (void) sd_bus_detach_event(fake->control);
                fake->control = sd_bus_close_unref(fake->control);
        }
        if (connect_control(fake) >= 0)
                return;
        fake->control = sd_bus_close_unref(fake->control);
        (void) on_disconnected(NULL, fake, NULL);
}
