/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/macro.h>

#include "fake-systemd.h"

#define BUS_NAME "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PATH MANAGER_PATH "/unit"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define RECONNECT_USEC 10000U

/* A bus that has just gone is no reason to go, too. */
static void send_out(sd_bus *bus, sd_bus_message *m) {
        int r;

        r = sd_bus_send(bus, m, NULL);
        must(r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE ? 0 : r, "send");
}

/* Signals: to whoever listens, once somebody has subscribed. */

static void emit(struct fake *fake, const char *path, const char *interface, const char *member,
                 int (*append)(sd_bus_message *m, const void *data), const void *data) {
        for (size_t i = 0; i < fake->n_connections; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                struct connection *c = &fake->connections[i];

                if (!c->bus || c->n_subscribers == 0)
                        continue;
                must(sd_bus_message_new_signal(c->bus, &m, path, interface, member), member);
                must(append(m, data), member);
                send_out(c->bus, m);
        }
}

static void unit_path(const char *name, char **ret) {
        must(sd_bus_path_encode(UNIT_PATH, name, ret), "path");
}

static int append_unit(sd_bus_message *m, const void *data) {
        _cleanup_(freep) char *path = NULL;

        unit_path(data, &path);
        return sd_bus_message_append(m, "so", data, path);
}

void fake_emit_unit(struct fake *fake, const char *member, const char *name) {
        emit(fake, MANAGER_PATH, MANAGER_INTERFACE, member, append_unit, name);
}

static int append_properties(sd_bus_message *m, const void *data) {
        (void) data;
        return sd_bus_message_append(m, "sa{sv}as", "org.freedesktop.systemd1.Service", 1, "ExecMainPID", "u",
                                     7, 1, "ExecStart");
}

void fake_emit_properties(struct fake *fake, const char *name) {
        _cleanup_(freep) char *path = NULL;

        unit_path(name, &path);
        emit(fake, path, PROPERTIES_INTERFACE, "PropertiesChanged", append_properties, NULL);
}

static int append_active(sd_bus_message *m, const void *data) {
        return sd_bus_message_append_basic(m, 'b', data);
}

void fake_emit_reloading(struct fake *fake, bool active) {
        int value = active;

        emit(fake, MANAGER_PATH, MANAGER_INTERFACE, "Reloading", append_active, &value);
}

/* Answers. */

/* What no manager would list, and a unit twice. */
static void append_rubbish_rows(struct fake *fake, sd_bus_message *reply) {
        char overlong[400] = "";
        const char *names[] = { "", ".service", "../x.service", "x\n.service", "x.socket", "x@.service", "\xc3\xa9.service",
                                overlong, fake->units ? fake->units->name : "" };

        memset(overlong, 'x', sizeof(overlong) - 1);
        memcpy(overlong + sizeof(overlong) - 9, ".service", 8);
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                must(sd_bus_message_append(reply, "(ssssssouso)", names[i], "A unit", "loaded", "\033[31m", "", "", "/",
                                           UINT32_MAX, "", "/"), "row");
}

static int reply_list(struct fake *fake, sd_bus_message *call, sd_bus_message *reply, bool rubbish) {
        const char *pattern;
        char *patterns[64];
        size_t n = 0;

        must(sd_bus_message_rewind(call, true), "rewind");
        must(sd_bus_message_skip(call, "as"), "states");
        must(sd_bus_message_enter_container(call, 'a', "s"), "patterns");
        while (n < ELEMENTSOF(patterns) && sd_bus_message_read(call, "s", &pattern) > 0)
                patterns[n++] = (char *) pattern;

        must(sd_bus_message_open_container(reply, 'a', "(ssssssouso)"), "list");
        for (const struct unit *unit = fake->units; unit; unit = unit->next) {
                _cleanup_(freep) char *path = NULL;
                bool matches = false;

                for (size_t i = 0; i < n && unit->loaded; i++)
                        matches = matches || fnmatch(patterns[i], unit->name, FNM_NOESCAPE) == 0;
                if (!matches)
                        continue;
                unit_path(unit->name, &path);
                must(sd_bus_message_append(reply, "(ssssssouso)", unit->name, "A unit", unit->load_state,
                                           "active", "running", "", path, 0, "", "/"), "row");
        }
        if (rubbish)
                append_rubbish_rows(fake, reply);
        return sd_bus_message_close_container(reply);
}

static const char *short_name(const char *interface) {
        const char *dot = strrchr(interface, '.');

        return dot ? dot + 1 : interface;
}

static int reply_properties(struct fake *fake, sd_bus_message *call, sd_bus_message *reply,
                            const char *name, enum telling telling) {
        struct unit *unit = units_find(fake, name);
        bool question = !unit || !unit->loaded;
        const char *interface, *property;
        int r;

        must(sd_bus_message_rewind(call, true), "rewind");
        must(sd_bus_message_read(call, "s", &interface), "interface");
        /* It is loaded for the question, and dropped when that is answered. */
        if (question)
                fake_emit_unit(fake, "UnitNew", name);
        if (streq(sd_bus_message_get_member(call), "GetAll"))
                r = unit_append_all(reply, unit, name, short_name(interface), telling);
        else if (telling == TELL_RUBBISH)
                r = sd_bus_message_append(reply, "v", "(sax)", "\033[31m", 1, INT64_MIN);
        else {
                must(sd_bus_message_read(call, "s", &property), "property");
                r = unit_append_one(reply, unit, name, short_name(interface), property);
        }
        if (question)
                fake_emit_unit(fake, "UnitRemoved", name);
        return r;
}

static int reply_version(struct fake *fake, sd_bus_message *reply) {
        return sd_bus_message_append(reply, "v", "s", fake->version);
}

static struct connection *connection_of(struct fake *fake, sd_bus_message *call) {
        for (size_t i = 0; i < fake->n_connections; i++)
                if (fake->connections[i].bus == sd_bus_message_get_bus(call))
                        return &fake->connections[i];
        return NULL;
}

/* Returns the name of an error, or NULL. */
static const char *subscribe(struct fake *fake, sd_bus_message *call) {
        struct connection *c = connection_of(fake, call);
        const char *sender = sd_bus_message_get_sender(call);

        for (size_t i = 0; i < c->n_subscribers; i++)
                if (streq(c->subscribers[i], sender))
                        return "org.freedesktop.systemd1.AlreadySubscribed";
        if (c->n_subscribers < SUBSCRIBERS_MAX)
                (void) snprintf(c->subscribers[c->n_subscribers++], sizeof(c->subscribers[0]), "%s", sender);
        return NULL;
}

/* The unit that a call is about, or "". */
static void unit_of(sd_bus_message *call, char name[static NAME_SIZE]) {
        _cleanup_(freep) char *decoded = NULL;

        name[0] = '\0';
        if (sd_bus_path_decode(sd_bus_message_get_path(call), UNIT_PATH, &decoded) > 0)
                (void) snprintf(name, NAME_SIZE, "%s", decoded);
}

static const struct rule *find_rule(const struct fake *fake, const char *member, const char *unit) {
        for (size_t i = 0; i < fake->n_rules; i++) {
                const struct rule *rule = &fake->rules[i];

                if ((streq(rule->member, "") || streq(rule->member, member)) &&
                    (streq(rule->unit, "") || streq(rule->unit, unit)))
                        return rule;
        }
        return NULL;
}

static enum telling telling_of(const struct rule *rule) {
        static const struct {
                const char *action;
                enum telling telling;
        } table[] = {
                { "empty", TELL_NOTHING },
                { "half", TELL_HALF },
                { "rubbish", TELL_RUBBISH },
        };

        for (size_t i = 0; rule && i < ELEMENTSOF(table); i++)
                if (streq(rule->action, table[i].action))
                        return table[i].telling;
        return TELL_TRUTH;
}

static int append_reply(struct fake *fake, sd_bus_message *call, sd_bus_message *reply, const char *unit,
                        const struct rule *rule) {
        const char *member = sd_bus_message_get_member(call);
        enum telling telling = telling_of(rule);

        if (rule && streq(rule->action, "wrong"))
                return sd_bus_message_append(reply, "u", 5);
        if (streq(member, "Subscribe") || (telling == TELL_NOTHING && !streq(member, "GetAll")))
                return 0;
        if (streq(member, "ListUnitsByPatterns"))
                return reply_list(fake, call, reply, telling == TELL_RUBBISH);
        if (*unit)
                return reply_properties(fake, call, reply, unit, telling);
        return telling == TELL_RUBBISH ? sd_bus_message_append(reply, "v", "t", UINT64_MAX) : reply_version(fake, reply);
}

static void answer(struct fake *fake, sd_bus_message *call, const struct rule *rule, const char *unit) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *error = NULL;
        int r;

        if (rule && strchr(rule->action, '.'))
                error = rule->action;
        else if (streq(sd_bus_message_get_member(call), "Subscribe"))
                error = subscribe(fake, call);
        if (!error) {
                must(sd_bus_message_new_method_return(call, &reply), "reply");
                r = append_reply(fake, call, reply, unit, rule);
                if (r == -ENOENT)
                        error = SD_BUS_ERROR_UNKNOWN_PROPERTY;
                else
                        must(r, "reply");
        }
        if (error) {
                reply = sd_bus_message_unref(reply);
                must(sd_bus_message_new_method_errorf(call, &reply, error, "As the test wants it."), "error");
        }
        send_out(NULL, reply);
}

/* A manager that reloads answers nothing, neither does one that is away. */
static int on_answer(sd_event_source *source, void *userdata) {
        struct fake *fake = userdata;
        bool slow = fake->delay_usec > 0, answered = false;
        size_t n = 0;

        (void) source;
        for (size_t i = 0; i < fake->n_pending; i++) {
                sd_bus_message *call = fake->pending[i];
                const struct rule *rule;
                char unit[NAME_SIZE];

                unit_of(call, unit);
                rule = find_rule(fake, sd_bus_message_get_member(call), unit);
                if (fake->reloading || (rule && streq(rule->action, "hold")) || (slow && answered)) {
                        fake->pending[n++] = call;
                        continue;
                }
                answered = true;
                if (connection_of(fake, call))
                        answer(fake, call, rule, unit);
                sd_bus_message_unref(call);
        }
        fake->n_pending = n;
        if (slow && answered && n > 0)
                fake_answer_soon(fake);
        return 0;
}

static int on_delay(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) usec;
        return on_answer(source, userdata);
}

/* Calls that are on their way come first: so it is seen how many there are at once. */
void fake_answer_soon(struct fake *fake) {
        int enabled;

        if (fake->delay_usec > 0) {
                must(sd_event_source_get_enabled(fake->delay_timer, &enabled), "event");
                if (enabled != SD_EVENT_OFF)
                        return;
                must(sd_event_source_set_time_relative(fake->delay_timer, fake->delay_usec), "timer");
                must(sd_event_source_set_enabled(fake->delay_timer, SD_EVENT_ONESHOT), "timer");
                return;
        }
        must(sd_event_source_set_enabled(fake->answer_source, SD_EVENT_ONESHOT), "event");
}

/* Calls. */

static void describe(sd_bus_message *m, struct record *record) {
        const char *text, *property;

        *record = (struct record) {};
        (void) snprintf(record->member, sizeof(record->member), "%s", sd_bus_message_get_member(m));
        (void) snprintf(record->sender, sizeof(record->sender), "%s", sd_bus_message_get_sender(m));
        unit_of(m, record->unit);
        if (streq(record->member, "ListUnitsByPatterns")) {
                size_t n = 0;

                must(sd_bus_message_skip(m, "as"), "states");
                must(sd_bus_message_enter_container(m, 'a', "s"), "patterns");
                while (sd_bus_message_read(m, "s", &text) > 0 && n < sizeof(record->argument))
                        n += (size_t) snprintf(record->argument + n, sizeof(record->argument) - n, "%s%s",
                                               n ? " " : "", text);
        } else if (streq(record->member, "GetAll") && sd_bus_message_read(m, "s", &text) > 0)
                (void) snprintf(record->argument, sizeof(record->argument), "%s", text);
        else if (streq(record->member, "Get") && sd_bus_message_read(m, "ss", &text, &property) > 0)
                (void) snprintf(record->argument, sizeof(record->argument), "%s %s", text, property);
}

static void count(struct fake *fake, sd_bus_message *m, struct record *record) {
        const struct unit *unit = units_find(fake, record->unit);
        unsigned in_flight = 0;

        for (size_t i = 0; i < fake->n_pending; i++)
                in_flight += sd_bus_message_get_bus(fake->pending[i]) == sd_bus_message_get_bus(m) &&
                             streq(sd_bus_message_get_sender(fake->pending[i]), sd_bus_message_get_sender(m));
        record->during_reload = fake->reloading;
        record->unloaded = *record->unit && !(unit && unit->loaded);
        if (in_flight > fake->in_flight_max)
                fake->in_flight_max = in_flight;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct connection *c = userdata;
        struct fake *fake = c->fake;
        struct record *record;
        uint8_t type;

        (void) error;
        must(sd_bus_message_get_type(m, &type), "type");
        if (type != SD_BUS_MESSAGE_METHOD_CALL ||
            streq_ptr(sd_bus_message_get_interface(m), "org.freedesktop.DBus.Peer"))
                return 0;
        must(fake->n_records < CALLS_MAX ? 0 : -ENOBUFS, "calls");
        fake->pending = reallocarray(fake->pending, fake->n_pending + 1, sizeof(*fake->pending));
        fake->records = reallocarray(fake->records, fake->n_records + 1, sizeof(*fake->records));
        must(fake->pending && fake->records ? 0 : -ENOMEM, "calls");
        fake->pending[fake->n_pending++] = sd_bus_message_ref(m);
        record = &fake->records[fake->n_records++];
        describe(m, record);
        count(fake, m, record);
        control_tell_call(fake, record);
        fake_answer_soon(fake);
        return 1;
}

/* Connections. */

static void forget_calls_of(struct fake *fake, const sd_bus *bus) {
        size_t n = 0;

        for (size_t i = 0; i < fake->n_pending; i++)
                if (sd_bus_message_get_bus(fake->pending[i]) == bus)
                        sd_bus_message_unref(fake->pending[i]);
                else
                        fake->pending[n++] = fake->pending[i];
        fake->n_pending = n;
}

static void disconnect(struct connection *c) {
        if (!c->bus)
                return;
        forget_calls_of(c->fake, c->bus);
        (void) sd_bus_flush(c->bus);
        (void) sd_bus_detach_event(c->bus);
        c->bus = sd_bus_close_unref(c->bus);
        c->n_subscribers = 0;
}

static void try_again(struct connection *c) {
        must(sd_event_source_set_time_relative(c->timer, RECONNECT_USEC), "timer");
        must(sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT), "timer");
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        (void) m, (void) error;
        try_again(userdata);
        return 0;
}

static int connect_to(struct connection *c) {
        int r;

        r = sd_bus_new(&c->bus);
        if (r >= 0)
                r = sd_bus_set_address(c->bus, c->address);
        if (r >= 0)
                r = sd_bus_set_bus_client(c->bus, true);
        if (r >= 0)
                r = sd_bus_start(c->bus);
        if (r >= 0)
                r = sd_bus_add_filter(c->bus, NULL, on_message, c);
        if (r >= 0)
                r = sd_bus_match_signal_async(c->bus, NULL, "org.freedesktop.DBus.Local", NULL,
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                              NULL, c);
        if (r >= 0)
                r = sd_bus_request_name(c->bus, BUS_NAME, 0);
        return r < 0 ? r : sd_bus_attach_event(c->bus, c->fake->event, SD_EVENT_PRIORITY_NORMAL);
}

static int on_connect_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct connection *c = userdata;

        (void) source, (void) usec;
        disconnect(c);
        if (!c->fake->absent && connect_to(c) < 0) {
                disconnect(c);
                try_again(c);
        }
        return 0;
}

void fake_connect(struct fake *fake) {
        fake->absent = false;
        for (size_t i = 0; i < fake->n_connections; i++)
                (void) on_connect_timer(NULL, 0, &fake->connections[i]);
}

void fake_leave(struct fake *fake) {
        fake->absent = true;
        for (size_t i = 0; i < fake->n_connections; i++)
                disconnect(&fake->connections[i]);
}

static void set_up(struct fake *fake, int argc, char **argv) {
        must(argc >= 2 && argc - 1 <= (int) BUSES_MAX ? 0 : -EINVAL, "usage: fake-systemd ADDRESS...");
        must(sd_event_default(&fake->event), "event");
        must(sd_event_add_signal(fake->event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL),
             "signal");
        must(sd_event_add_defer(fake->event, &fake->answer_source, on_answer, fake), "event");
        must(sd_event_source_set_priority(fake->answer_source, SD_EVENT_PRIORITY_IDLE), "event");
        must(sd_event_source_set_enabled(fake->answer_source, SD_EVENT_OFF), "event");
        must(sd_event_add_time(fake->event, &fake->delay_timer, CLOCK_MONOTONIC, UINT64_MAX, 1, on_delay, fake), "event");
        must(sd_event_source_set_enabled(fake->delay_timer, SD_EVENT_OFF), "event");
        for (int i = 1; i < argc; i++) {
                struct connection *c = &fake->connections[fake->n_connections++];

                *c = (struct connection) { .fake = fake, .address = argv[i] };
                must(sd_event_add_time(fake->event, &c->timer, CLOCK_MONOTONIC, 0, 1, on_connect_timer, c),
                     "timer");
                must(sd_event_source_set_enabled(c->timer, SD_EVENT_OFF), "timer");
        }
        (void) snprintf(fake->version, sizeof(fake->version), "252.39-1");
}

static void tear_down(struct fake *fake) {
        fake_leave(fake);
        for (size_t i = 0; i < fake->n_connections; i++)
                sd_event_source_disable_unref(fake->connections[i].timer);
        sd_event_source_disable_unref(fake->answer_source);
        sd_event_source_disable_unref(fake->delay_timer);
        sd_event_source_disable_unref(fake->control_timer);
        if (fake->control)
                (void) sd_bus_detach_event(fake->control);
        sd_bus_close_unref(fake->control);
        units_forget(fake);
        free(fake->pending);
        free(fake->records);
        sd_event_unref(fake->event);
}

int main(int argc, char **argv) {
        struct fake fake = {};

        set_up(&fake, argc, argv);
        fake_connect(&fake);
        control_connect(&fake);
        must(puts("ready"), "ready");
        (void) fflush(stdout);
        must(sd_event_loop(fake.event), "loop");
        tear_down(&fake);
        return EXIT_SUCCESS;
}
