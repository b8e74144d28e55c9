/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "api.h"
#include "config.h"
#include "lookup.h"
#include "manager.h"
#include "rescan.h"
#include "status.h"
#include "turns.h"
#include "utf8.h"

static int append_list_row(sd_bus_message *m, const struct unit *unit) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = unit_object_path(unit, &path);
        if (r < 0)
                return r;
        return sd_bus_message_append(m, "(" EXPOSURED_LIST_SIGNATURE ")", unit->name,
                                     unit->exposure / 10.0,
                                     exposure_to_predicate(unit->exposure),
                                     unit_baseline_exposure(unit) / 10.0, (int) unit_regressed(unit), path);
}

static int reply_list(struct manager *manager, sd_bus_message *call, bool oneshots) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(" EXPOSURED_LIST_SIGNATURE ")");
        for (size_t i = 0; i < manager->units.n_units && r >= 0; i++) {
                const struct unit *unit = manager->units.units[i];

                if (unit->assessed && (oneshots || !unit->facts.oneshot))
                        r = append_list_row(reply, unit);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int turn_list_units(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        (void) uid, (void) error;
        return reply_list(manager, call, false);
}

static int turn_list_all_units(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        (void) uid, (void) error;
        return reply_list(manager, call, true);
}

static int method_list_units(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return turns_request(((struct manager *) userdata)->turns, m, turn_list_units, error);
}

static int method_list_all_units(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return turns_request(((struct manager *) userdata)->turns, m, turn_list_all_units, error);
}

static int turn_list_freshness(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        (void) uid, (void) error;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" EXPOSURED_FRESHNESS_SIGNATURE ")");
        for (size_t i = 0; i < manager->units.n_units && r >= 0; i++) {
                const struct unit *unit = manager->units.units[i];

                if (unit->assessed)
                        r = sd_bus_message_append(reply, "(" EXPOSURED_FRESHNESS_SIGNATURE ")", unit->name,
                                                  unit->last_read, (int) unit->stale);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int method_list_freshness(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return turns_request(((struct manager *) userdata)->turns, m, turn_list_freshness, error);
}

static int refuse_name(sd_bus_error *error, const char *name) {
        return sd_bus_error_setf(error, EXPOSURED_ERROR_INVALID_NAME, "'%.*s' is not the name of a service unit.",
                                 (int) utf8_fit(name, UNIT_NAME_SIZE), name);
}

static int method_get_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *path = NULL;
        struct manager *manager = userdata;
        const struct unit *unit;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        if (!unit_name_is_service(name))
                return turns_refused(manager->turns, m, refuse_name(error, name));
        /* That there is none is an answer like any other. */
        unit = unit_table_get(&manager->units, name);
        if (!unit || !unit->assessed)
                return sd_bus_error_setf(error, EXPOSURED_ERROR_NO_SUCH_UNIT, "Unit %s is not loaded.", name);
        r = unit_object_path(unit, &path);
        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

static int reply_unit(sd_bus_message *call, const struct unit *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = api_append_unit(reply, unit);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* The name in an AssessUnit call, a template's as its instance. 1: it is one; else the error is set. */
static int read_unit_name(sd_bus_message *m, char name[static UNIT_NAME_SIZE], sd_bus_error *error) {
        const char *given;
        int r;

        r = sd_bus_message_read(m, "s", &given);
        if (r < 0)
                return r;
        if (unit_name_is_template(given))
                return unit_name_instantiate(given, name) < 0 ? refuse_name(error, given) : 1;
        if (!unit_name_is_service(given))
                return refuse_name(error, given);
        memcpy(name, given, strlen(given) + 1);
        return 1;
}

static int turn_assess_unit(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        char name[UNIT_NAME_SIZE];
        const char *problem;
        struct unit *unit;
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = read_unit_name(call, name, error);
        if (r < 0)
                return r;
        unit = unit_table_get(&manager->units, name);
        if (unit && unit->assessed)
                return reply_unit(call, unit);
        problem = manager_unavailable(manager);
        if (problem)
                return sd_bus_error_set(error, EXPOSURED_ERROR_MANAGER_UNAVAILABLE, problem);
        r = lookups_request(manager->lookups, call, name, uid);
        if (r == -EBUSY)
                return sd_bus_error_set(error, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                        "Too many units that are not loaded are being looked up, try again later.");
        return r;
}

static int method_assess_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct manager *manager = userdata;
        char name[UNIT_NAME_SIZE];
        int r;

        r = read_unit_name(m, name, error);
        return r < 0 ? turns_refused(manager->turns, m, r) :
                       turns_request(manager->turns, m, turn_assess_unit, error);
}

static int turn_rescan(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        const char *problem = manager_unavailable(manager);
        int r;

        if (problem)
                return sd_bus_error_set(error, EXPOSURED_ERROR_MANAGER_UNAVAILABLE, problem);
        r = rescan_request(manager->rescan, call, uid);
        if (r == -EBUSY)
                return sd_bus_error_set(error, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                        "Too many wait for a rescan already, try again later.");
        return r;
}

static int method_rescan(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return turns_request(((struct manager *) userdata)->turns, m, turn_rescan, error);
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        (void) bus, (void) path, (void) interface, (void) property, (void) userdata, (void) error;
        return sd_bus_message_append(reply, "s", PROJECT_VERSION);
}

/* Properties that are texts: by name, so that one getter serves all. */
static const char *text_of(const struct manager *m, const char *property, char *buffer, size_t size) {
        if (streq(property, "Scope"))
                return m->scope == SCOPE_USER ? "user" : "system";
        if (streq(property, "SystemdVersion"))
                return m->systemd_version;
        if (streq(property, "State"))
                return status_state(m);
        if (streq(property, "Status"))
                return status_problem(m, buffer, size);
        return m->policy_path;
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        char buffer[256];

        (void) bus, (void) path, (void) interface, (void) error;
        return sd_bus_message_append(reply, "s", text_of(userdata, property, buffer, sizeof(buffer)) ?: "");
}

static int get_healthy(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        char buffer[256];

        (void) bus, (void) path, (void) interface, (void) property, (void) error;
        return sd_bus_message_append(reply, "b", status_problem(userdata, buffer, sizeof(buffer)) == NULL);
}

static int get_unit_count(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct manager *manager = userdata;

        (void) bus, (void) path, (void) interface, (void) property, (void) error;
        return sd_bus_message_append(reply, "u", (uint32_t) manager->units.n_units);
}

static uint64_t counter_of(const struct manager *m, const char *property) {
        struct reader_counters counters = manager_counters(m);

        if (streq(property, "ScanCount"))
                return scan_state(m->scan)->sweeps;
        if (streq(property, "ReadCount"))
                return counters.reads;
        if (streq(property, "CallCount"))
                return counters.calls;
        if (streq(property, "FailedCallCount"))
                return counters.failed_calls;
        return lookups_count(m->lookups);
}

static int get_counter(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        (void) bus, (void) path, (void) interface, (void) error;
        return sd_bus_message_append(reply, "t", counter_of(userdata, property));
}

#define EVENT_SIGNAL(member)                                                                            \
        SD_BUS_SIGNAL_WITH_ARGS(member,                                                                 \
                                SD_BUS_ARGS("s", id, "t", time, "s", unit, "as", units, "d", before,    \
                                            "d", after, "a(stt)", checks, "a(sstas)", causes), 0)
#define EMITS SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define MEMBER(member) offsetof(struct manager, member)

const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListUnits", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(" EXPOSURED_LIST_SIGNATURE ")", units),
                                method_list_units, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListAllUnits", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(" EXPOSURED_LIST_SIGNATURE ")", units), method_list_all_units,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListFreshness", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(" EXPOSURED_FRESHNESS_SIGNATURE ")", units), method_list_freshness,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetUnit", SD_BUS_ARGS("s", name), SD_BUS_RESULT("o", unit), method_get_unit,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AssessUnit", SD_BUS_ARGS("s", name), SD_BUS_RESULT("a{sv}", unit),
                                method_assess_unit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Rescan", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_rescan,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListRegressions", SD_BUS_NO_ARGS,
                                SD_BUS_RESULT("a(" EXPOSURED_REGRESSION_SIGNATURE ")", regressions),
                                method_list_regressions, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_ARGS("s", unit, "s", before, "u", max),
                                SD_BUS_RESULT("a(" EXPOSURED_HISTORY_SIGNATURE ")", events), method_get_history,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetEventUnits", SD_BUS_ARGS("s", id),
                                SD_BUS_RESULT("a(" EXPOSURED_EVENT_UNIT_SIGNATURE ")", units), method_get_event_units,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Accept", SD_BUS_ARGS("s", unit, "s", reason, "t", until), SD_BUS_RESULT("s", id),
                                method_accept, SD_BUS_VTABLE_UNPRIVILEGED),
        EVENT_SIGNAL("Regressed"),
        EVENT_SIGNAL("Improved"),
        EVENT_SIGNAL("Changed"),
        EVENT_SIGNAL("Appeared"),
        EVENT_SIGNAL("Gone"),
        EVENT_SIGNAL("Accepted"),
        EVENT_SIGNAL("Model"),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, CONST),
        SD_BUS_PROPERTY("Scope", "s", get_text, 0, CONST),
        SD_BUS_PROPERTY("SystemdVersion", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("State", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("Healthy", "b", get_healthy, 0, EMITS),
        SD_BUS_PROPERTY("Status", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("UnitCount", "u", get_unit_count, 0, EMITS),
        SD_BUS_PROPERTY("RegressedCount", "u", NULL, MEMBER(ledger.n_regressed), EMITS),
        SD_BUS_PROPERTY("PolicyPath", "s", get_text, 0, EMITS),
        SD_BUS_PROPERTY("LastScan", "t", NULL, MEMBER(last_scan), 0),
        SD_BUS_PROPERTY("LastScanDuration", "t", NULL, MEMBER(last_scan_duration), 0),
        SD_BUS_PROPERTY("ScanCount", "t", get_counter, 0, 0),
        SD_BUS_PROPERTY("ReadCount", "t", get_counter, 0, 0),
        SD_BUS_PROPERTY("CallCount", "t", get_counter, 0, 0),
        SD_BUS_PROPERTY("FailedCallCount", "t", get_counter, 0, 0),
        SD_BUS_PROPERTY("ReloadCount", "t", NULL, MEMBER(n_reloads), 0),
        SD_BUS_PROPERTY("LookupCount", "t", get_counter, 0, 0),
        SD_BUS_VTABLE_END,
};
