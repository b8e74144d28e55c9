/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stands in for the daemon on a private bus. Says "ready" on standard output once it owns the name,
 * then takes commands from standard input, a line each, and says "done" after each:
 *   emit MEMBER UNIT   sends that signal; the unit "hostile.service" has hostile texts, "none" is none
 *   unhealthy          has Healthy say no from now on
 *   stale              has some units that may have changed from now on
 *   old                does not know ListFreshness from now on
 *   events N           has generated.service so many events in its history
 *   no-regressions     has no regression open from now on
 *   hostile            has hostile texts in all that is remembered, the list and its state
 *   hold               answers no method any more, but says its name in a line
 *   release            answers what was held
 *   quit
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/bus.h>
#include <exposured/checks.h>
#include <exposured/macro.h>

#include "mock-memory.h"

#define MAX_HELD 16

struct mock {
        sd_bus *bus;
        sd_event *event;
        unsigned n_units;       /* beyond the fixed ones */
        bool healthy, hold, stale, old;
        struct mock_memory memory;
        sd_bus_message *held[MAX_HELD];
        size_t n_held;
        char line[256];
        size_t line_length;
};

struct mock_unit {
        const char *name;
        double exposure;
        const char *predicate;
        double baseline;
        bool regressed, oneshot;
};

/* Not in the order of names, which is for the client to bring about. */
static const struct mock_unit units[] = {
        { "nginx.service",             5.1, "MEDIUM",    2.8, true,  false },
        { "getty@tty1.service",        9.6, "UNSAFE",    9.6, false, false },
        { "dbus-broker.service",       8.7, "EXPOSED",   8.7, false, false },
        { "systemd-logind.service",    2.8, "OK",        2.8, false, false },
        { "systemd-tmpfiles.service",  9.4, "UNSAFE",    9.4, false, true },
        { "exposured.service",         0.1, "SAFE",      0.1, false, false },
        { "open.service",             10.0, "DANGEROUS", 10.0, true, false },
        { "closed.service",            0.0, "PERFECT",   0.4, false, false },
        { "mnt\\x2ddata@\xc3\xa9.service", 7.4, "MEDIUM", 7.4, false, false },
};
#define N_UNITS ELEMENTSOF(units)

static const struct {
        const char *unit, *error, *message;
} refusals[] = {
        { "missing.service", EXPOSURED_ERROR_NO_SUCH_UNIT, "Unit missing.service not found." },
        { "masked.service", EXPOSURED_ERROR_UNIT_MASKED, "Unit masked.service is masked." },
        { "broken.service", EXPOSURED_ERROR_UNIT_BAD_SETTING, "Unit broken.service has a bad setting." },
        { "a.socket", EXPOSURED_ERROR_INVALID_NAME, "a.socket is not the name of a service unit." },
        { "limited.service", EXPOSURED_ERROR_LIMIT_EXCEEDED, "Too many look-ups are waiting." },
        { "away.service", EXPOSURED_ERROR_MANAGER_UNAVAILABLE, "systemd cannot be asked: \033[31m" },
};

static int append_row(sd_bus_message *m, const char *name, double exposure, const char *predicate,
                      double baseline, bool regressed) {
        char *path;
        int r = sd_bus_path_encode(EXPOSURED_UNIT_PATH, name, &path);

        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "(" EXPOSURED_LIST_SIGNATURE ")", name, exposure, predicate, baseline,
                                  regressed, path);
        free(path);
        return r;
}

/* Hostile, wide, so wide that it fits nowhere, and with letters above each other. */
static int append_hostile_rows(sd_bus_message *m) {
        static const char *const names[] = {
                "\xe6\x97\xa5\xe6\x9c\xac.service",
                ("\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
                 "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
                 "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5.service"),
                "e\xcc\x81\xcc\x81.service",
        };
        int r = append_row(m, HOSTILE, 9.8, HOSTILE, 1.0, true);

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(names); i++)
                r = append_row(m, names[i], 9.8, "UNSAFE", 1.0, true);
        return r;
}

static int append_rows(struct mock *mock, sd_bus_message *m, bool all) {
        int r = mock->memory.hostile ? append_hostile_rows(m) : 0;

        for (size_t i = 0; r >= 0 && i < N_UNITS; i++)
                if (all || !units[i].oneshot)
                        r = append_row(m, units[i].name, units[i].exposure, units[i].predicate,
                                       units[i].baseline, units[i].regressed);
        for (unsigned i = 0; r >= 0 && i < mock->n_units; i++) {
                char name[64];

                snprintf(name, sizeof(name), "generated-%05u.service", i);
                r = append_row(m, name, (i % 101) / 10.0, "ANY", 5.0, i % 7 == 0);
        }
        return r;
}

static int reply_list(struct mock *mock, sd_bus_message *call, bool all) {
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_return(call, &m);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(" EXPOSURED_LIST_SIGNATURE ")");
        if (r >= 0)
                r = append_rows(mock, m, all);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

/* In the order of names, as the daemon has them; one of them is in no list. */
static int append_freshness(const struct mock *mock, sd_bus_message *m) {
        static const struct {
                const char *name;
                bool stale;
        } rows[] = {
                { "aaa.service", true },
                { "closed.service", false },
                { "getty@tty1.service", true },
                { "nginx.service", true },
                { "systemd-tmpfiles.service", true },
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(rows); i++)
                r = sd_bus_message_append(m, "(" EXPOSURED_FRESHNESS_SIGNATURE ")", rows[i].name,
                                          UINT64_C(1700000000000000) + i, mock->stale && rows[i].stale);
        return r;
}

static int reply_freshness(const struct mock *mock, sd_bus_message *call) {
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_return(call, &m);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(" EXPOSURED_FRESHNESS_SIGNATURE ")");
        if (r >= 0)
                r = append_freshness(mock, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

static const struct mock_unit *find_unit(const char *name) {
        for (size_t i = 0; i < N_UNITS; i++)
                if (streq(units[i].name, name))
                        return units + i;
        return NULL;
}

/* Good, bad and not applicable in turn; the shares fall and rise. */
static int append_findings(sd_bus_message *m, bool hostile) {
        int r = sd_bus_message_open_container(m, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Findings");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(" EXPOSURED_FINDING_SIGNATURE ")");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(" EXPOSURED_FINDING_SIGNATURE ")");
        for (int i = 0; r >= 0 && i < _CHECK_MAX; i++) {
                const struct check_info *info = check_info(i);
                enum result result = i % 5 == 0 ? RESULT_NOT_APPLICABLE : i % 2 ? RESULT_BAD : RESULT_GOOD;
                bool bad = result == RESULT_BAD;

                r = sd_bus_message_append(m, "(" EXPOSURED_FINDING_SIGNATURE ")", info->json_field,
                                          info->name, result_to_string(result),
                                          (uint64_t) (bad ? info->range : 0), info->weight, info->range,
                                          bad ? (i * 7 % 5 + 1) / 10.0 : 0.0,
                                          hostile ? HOSTILE : info->texts[result] ?: "It does not matter",
                                          info->setting);
        }
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_unit(sd_bus_message *m, const char *name, const struct mock_unit *unit, bool hostile) {
        static const struct mock_unit any = { "", 9.2, "UNSAFE", 9.2, false, false };
        const struct mock_unit *u = unit ?: &any;
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}",
                                          "Name", "s", hostile ? HOSTILE : name,
                                          "Exposure", "d", u->exposure,
                                          "Predicate", "s", hostile ? HOSTILE : u->predicate,
                                          "Baseline", "d", u->baseline,
                                          "Regressed", "b", u->regressed,
                                          "Since", "t", UINT64_C(1700000000123456),
                                          "Oneshot", "b", u->oneshot,
                                          "FragmentPath", "s", hostile ? HOSTILE : "/usr/lib/a.service",
                                          "DropInPaths", "as", 2, "/etc/a.service.d/10-first.conf",
                                          hostile ? HOSTILE : "/etc/a.service.d/20-second.conf",
                                          "LastRead", "t", UINT64_C(1700000001000000),
                                          "Stale", "b", hostile,
                                          "NotKnownYet", "(si)", "skipped", 1);
        if (r >= 0)
                r = append_findings(m, hostile);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int reply_unit(sd_bus_message *call, const char *name) {
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_return(call, &m);

        if (r >= 0)
                r = append_unit(m, name, find_unit(name), streq(name, "hostile.service"));
        if (r >= 0)
                r = sd_bus_send(NULL, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

static int reply_path(sd_bus_message *call, const char *name) {
        char *path;
        int r;

        if (!find_unit(name))
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_NO_SUCH_UNIT,
                                                  "Unit %s is not loaded.", name);
        r = sd_bus_path_encode(EXPOSURED_UNIT_PATH, name, &path);
        if (r < 0)
                return r;
        r = sd_bus_reply_method_return(call, "o", path);
        free(path);
        return r;
}

static int reply_assessment(sd_bus_message *call, const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                if (streq(name, refusals[i].unit))
                        return sd_bus_reply_method_errorf(call, refusals[i].error, "%s", refusals[i].message);
        return reply_unit(call, name);
}

static int answer(struct mock *mock, sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call), *name;
        int r;

        if (streq(member, "ListUnits"))
                return reply_list(mock, call, false);
        if (streq(member, "ListAllUnits"))
                return reply_list(mock, call, true);
        if (streq(member, "ListFreshness"))
                return mock->old ? sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_METHOD, "No such method.") :
                                   reply_freshness(mock, call);
        if (streq(member, "Rescan"))
                return sd_bus_reply_method_return(call, NULL);
        r = mock_memory_answer(&mock->memory, call);
        if (r != 0)
                return r;
        r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        return streq(member, "GetUnit") ? reply_path(call, name) : reply_assessment(call, name);
}

static int method(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        struct mock *mock = userdata;

        (void) error;

        if (!mock->hold)
                return answer(mock, call);
        if (mock->n_held == MAX_HELD)
                return -ENOBUFS;
        mock->held[mock->n_held++] = sd_bus_message_ref(call);
        printf("%s\n", sd_bus_message_get_member(call));
        fflush(stdout);
        return 1;
}

/* Texts, and numbers by their type; whatever is not listed is the counter 7. */
static const struct {
        const char *name, *text;
        char type;
        uint64_t number;
} values[] = {
        { "Version", "0.1", 's', 0 },
        { "Scope", "system", 's', 0 },
        { "SystemdVersion", "262 (262-1)", 's', 0 },
        { "State", "current", 's', 0 },
        { "PolicyPath", "", 's', 0 },
        { "RegressedCount", NULL, 'u', 2 },
        { "LastScan", NULL, 't', UINT64_C(1700000000000000) },
        { "LastScanDuration", NULL, 't', 38400 },
};

static int append_value(sd_bus_message *reply, const char *text, char type, uint64_t number) {
        if (type == 's')
                return sd_bus_message_append(reply, "s", text);
        if (type == 'u')
                return sd_bus_message_append(reply, "u", (uint32_t) number);
        return sd_bus_message_append(reply, "t", number);
}

static bool is_text(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (streq(name, values[i].name))
                        return values[i].type == 's';
        return streq(name, "Status");
}

static int property(sd_bus *bus, const char *path, const char *interface, const char *name,
                    sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct mock *mock = userdata;

        (void) bus;
        (void) path;
        (void) interface;
        (void) error;

        if (mock->memory.hostile && is_text(name))
                return sd_bus_message_append(reply, "s", HOSTILE);
        if (streq(name, "Status"))
                return sd_bus_message_append(reply, "s", mock->healthy ? "" : "No answer\033[0m");
        if (streq(name, "Healthy"))
                return sd_bus_message_append(reply, "b", mock->healthy);
        if (streq(name, "UnitCount"))
                return sd_bus_message_append(reply, "u", (uint32_t) N_UNITS + mock->n_units);
        for (size_t i = 0; i < ELEMENTSOF(values); i++)
                if (streq(name, values[i].name))
                        return append_value(reply, values[i].text, values[i].type, values[i].number);
        return sd_bus_message_append(reply, "t", UINT64_C(7));
}

#define EVENT_SIGNATURE "stsasdda(stt)a(sstas)"

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ListUnits", NULL, "a(sdsdbo)", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListAllUnits", NULL, "a(sdsdbo)", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListFreshness", NULL, "a(stb)", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetUnit", "s", "o", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AssessUnit", "s", "a{sv}", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Rescan", NULL, NULL, method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("ListRegressions", NULL, "a(" EXPOSURED_REGRESSION_SIGNATURE ")", method,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetHistory", "ssu", "a(" EXPOSURED_HISTORY_SIGNATURE ")", method,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Accept", "sst", "s", method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Version", "s", property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Scope", "s", property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SystemdVersion", "s", property, 0, 0),
        SD_BUS_PROPERTY("State", "s", property, 0, 0),
        SD_BUS_PROPERTY("Healthy", "b", property, 0, 0),
        SD_BUS_PROPERTY("Status", "s", property, 0, 0),
        SD_BUS_PROPERTY("UnitCount", "u", property, 0, 0),
        SD_BUS_PROPERTY("RegressedCount", "u", property, 0, 0),
        SD_BUS_PROPERTY("PolicyPath", "s", property, 0, 0),
        SD_BUS_PROPERTY("LastScan", "t", property, 0, 0),
        SD_BUS_PROPERTY("LastScanDuration", "t", property, 0, 0),
        SD_BUS_PROPERTY("ScanCount", "t", property, 0, 0),
        SD_BUS_PROPERTY("ReadCount", "t", property, 0, 0),
        SD_BUS_PROPERTY("CallCount", "t", property, 0, 0),
        SD_BUS_PROPERTY("FailedCallCount", "t", property, 0, 0),
        SD_BUS_PROPERTY("ReloadCount", "t", property, 0, 0),
        SD_BUS_PROPERTY("LookupCount", "t", property, 0, 0),
        SD_BUS_VTABLE_END
};

static int append_event(sd_bus_message *m, const char *unit) {
        bool hostile = streq(unit, "hostile.service");

        if (streq(unit, "none"))
                return sd_bus_message_append(m, EVENT_SIGNATURE, "0123456789abcdef",
                                             UINT64_C(1700000000000001), "", 1, "other.service",
                                             0.0, 0.0, 0, 0);
        bool limit = streq(unit, "above-limit.service");

        return sd_bus_message_append(m, EVENT_SIGNATURE,
                                     "0123456789abcdef", UINT64_C(1700000000000001), hostile ? HOSTILE : unit,
                                     2, hostile ? HOSTILE : unit, "other.service",
                                     2.8, 5.1,
                                     3, "PrivateTmp", UINT64_C(0), UINT64_C(1),
                                     "UMask", UINT64_C(10), UINT64_C(2),
                                     "RemoveIPC", UINT64_C(1), UINT64_C(255),
                                     1, hostile ? HOSTILE : limit ? "" : "/etc/systemd/system/nginx.service.d/50-tmp.conf",
                                     hostile ? HOSTILE : limit ? "limit" : "modified", UINT64_C(1700000000000000),
                                     2, "-PrivateTmp=yes", hostile ? HOSTILE : "+PrivateTmp=no");
}

/* Sends an event; to all where no destination is given. */
static int emit(sd_bus *bus, const char *destination, const char *member, const char *unit) {
        sd_bus_message *m = NULL;
        int r = sd_bus_message_new_signal(bus, &m, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE, member);

        if (r >= 0 && destination)
                r = sd_bus_message_set_destination(m, destination);
        if (r >= 0)
                r = append_event(m, unit);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        sd_bus_message_unref(m);
        return r < 0 ? r : sd_bus_flush(bus);
}

static int release(struct mock *mock) {
        int r = 0;

        mock->hold = false;
        for (size_t i = 0; i < mock->n_held; i++) {
                if (r >= 0)
                        r = answer(mock, mock->held[i]);
                mock->held[i] = sd_bus_message_unref(mock->held[i]);
        }
        mock->n_held = 0;
        return r < 0 ? r : sd_bus_flush(mock->bus);
}

static int run_command(struct mock *mock, const char *line) {
        char member[64], unit[128];
        int r = 0;

        if (sscanf(line, "emit %63s %127s", member, unit) == 2)
                r = emit(mock->bus, NULL, member, unit);
        else if (sscanf(line, "events %u", &mock->memory.n_events) == 1)
                r = 0;
        else if (streq(line, "no-regressions"))
                mock->memory.no_regressions = true;
        else if (streq(line, "hostile"))
                mock->memory.hostile = true;
        else if (streq(line, "unhealthy"))
                mock->healthy = false;
        else if (streq(line, "stale"))
                mock->stale = true;
        else if (streq(line, "old"))
                mock->old = true;
        else if (streq(line, "hold"))
                mock->hold = true;
        else if (streq(line, "release"))
                r = release(mock);
        else if (streq(line, "quit"))
                return sd_event_exit(mock->event, 0);
        else
                r = -EINVAL;
        if (r < 0)
                return r;
        printf("done\n");
        return fflush(stdout) == 0 ? 0 : -errno;
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct mock *mock = userdata;
        char c;
        ssize_t n = read(fd, &c, 1);

        (void) source;
        (void) events;

        /* Without a driver there is nothing left to do. */
        if (n <= 0)
                return sd_event_exit(mock->event, 0);
        if (c != '\n') {
                if (mock->line_length + 1 >= sizeof(mock->line))
                        return -ENOBUFS;
                mock->line[mock->line_length++] = c;
                return 0;
        }
        mock->line[mock->line_length] = '\0';
        mock->line_length = 0;
        return run_command(mock, mock->line);
}

static int serve(struct mock *mock, bool activated) {
        int r = sd_event_new(&mock->event);

        if (r >= 0)
                r = sd_bus_open_system(&mock->bus);
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(mock->bus, true);
        if (r >= 0)
                r = sd_bus_attach_event(mock->bus, mock->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_bus_add_object_vtable(mock->bus, NULL, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                                             vtable, mock);
        if (r >= 0)
                r = sd_bus_request_name(mock->bus, EXPOSURED_BUS_NAME, 0);
        if (r >= 0 && !activated)
                r = sd_event_add_io(mock->event, NULL, STDIN_FILENO, EPOLLIN, on_input, mock);
        if (r < 0)
                return r;

        printf("ready\n");
        fflush(stdout);
        return sd_event_loop(mock->event);
}

/* Tells a client that exposured went away and came back under our own name. */
static int forge_owner(sd_bus *bus, const char *destination) {
        const char *self;
        sd_bus_message *m = NULL;
        int r = sd_bus_get_unique_name(bus, &self);

        if (r >= 0)
                r = sd_bus_message_new_signal(bus, &m, "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                              "NameOwnerChanged");
        if (r >= 0)
                r = sd_bus_message_set_destination(m, destination);
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", EXPOSURED_BUS_NAME, "", self);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

/* Sends every client on the bus signals that only exposured and the bus may send. */
static int forge(void) {
        sd_bus *bus = NULL;
        char **names = NULL;
        const char *self = "";
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_list_names(bus, &names, NULL);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &self);
        for (char **name = names; name && *name; name++) {
                if (r >= 0 && **name == ':' && !streq(*name, self)) {
                        r = emit(bus, *name, "Regressed", "forged.service");
                        if (r >= 0)
                                r = forge_owner(bus, *name);
                        if (r >= 0)
                                r = emit(bus, *name, "Regressed", "forged.service");
                }
                free(*name);
        }
        free(names);
        sd_bus_flush_close_unref(bus);
        return r;
}

int main(int argc, char **argv) {
        struct mock mock = { .healthy = true };
        bool activated = false;
        int r;

        for (int i = 1; i < argc; i++)
                if (streq(argv[i], "--forge")) {
                        r = forge();
                        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                } else if (streq(argv[i], "--activated"))
                        activated = true;
                else
                        mock.n_units = (unsigned) strtoul(argv[i], NULL, 10);

        r = serve(&mock, activated);
        for (size_t i = 0; i < mock.n_held; i++)
                sd_bus_message_unref(mock.held[i]);
        sd_bus_flush_close_unref(mock.bus);
        sd_event_unref(mock.event);
        if (r < 0)
                fprintf(stderr, "mock-exposured: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
