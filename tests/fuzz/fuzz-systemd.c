/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What systemd says: who it is, what it lists, what it signals, through watch, reader and scan as the manager
 * joins them. Steps as peer.h has them, and "time", which lets so many µs pass, "sweep", "again" with the
 * name of a unit whose files changed. Whatever happened: once systemd answers properly, the table is what its
 * list says, and nothing is stale.
 */
#include <exposured/macro.h>

#include "fuzz.h"
#include "log.h"
#include "peer.h"
#include "scan.h"
#include "systemd.h"
#include "tests/unit/fake-timer.h"
#include "watch.h"

#define UNITS_MAX 8U
#define PASS_MAX_USEC (3600 * USEC_PER_SEC)
#define RECOVERY_SECONDS_MAX 60U

static struct {
        struct watch *watch;
        struct reader *reader;
        struct scan *scan;
        struct unit_table units;
        bool ready;
        uint64_t calls;         /* of the reader, when systemd was last said to be busy */
        unsigned n_told;        /* by the watch */
} f;

/* What is true in the end, sorted. */
static const char *const true_units[] = { "a.service", "b@x.service", "kept.service" };

/* Watch to scan. */

static void on_ready(void *userdata, const char *version) {
        (void) userdata;
        fuzz_assert(version);
        f.n_told++;
        f.ready = true;
        scan_set_reader(f.scan, f.reader);
}

static void on_busy(void *userdata, enum watch_busy busy) {
        (void) userdata, (void) busy;
        f.n_told++;
        f.ready = false;
        scan_set_reader(f.scan, NULL);
        reader_cancel(f.reader);
        f.calls = reader_counters(f.reader)->calls;
}

static void check_told(const char *name) {
        f.n_told++;
        fuzz_assert(f.ready && unit_name_is_service(name));
}

static void on_loaded(void *userdata, const char *name) {
        (void) userdata;
        check_told(name);
        scan_unit_loaded(f.scan, name);
}

static void on_removed(void *userdata, const char *name) {
        (void) userdata;
        check_told(name);
        scan_unit_removed(f.scan, name);
}

static void on_changed(void *userdata, const char *name) {
        (void) userdata;
        check_told(name);
        scan_unit_changed(f.scan, name);
}

static const struct watch_ops watch_ops = {
        .manager_ready = on_ready,
        .manager_busy = on_busy,
        .unit_loaded = on_loaded,
        .unit_removed = on_removed,
        .unit_changed = on_changed,
};

/* Reader to scan. */

static void on_room(void *userdata) {
        (void) userdata;
        fuzz_assert(reader_has_room(f.reader));
        scan_advance(f.scan);
}

static void on_listed(void *userdata, const char *name, bool loaded) {
        (void) userdata;
        fuzz_assert(unit_name_is_service(name));
        scan_unit_listed(f.scan, name, loaded);
}

static void on_list_ended(void *userdata, int error) {
        (void) userdata;
        scan_list_ended(f.scan, error);
}

static void on_read_ended(void *userdata, const char *name, enum read_result result, struct reading *reading,
                          const char *problem) {
        (void) userdata;
        fuzz_assert(result == READ_DONE ? reading_is_complete(reading) : problem && *problem);
        scan_read_ended(f.scan, name, result, reading, problem);
}

static const struct reader_ops reader_ops = {
        .has_room = on_room,
        .unit_listed = on_listed,
        .list_ended = on_list_ended,
        .read_ended = { [READ_LOADED] = on_read_ended },
};

/* Scan to nobody. */

static void on_unit_read(void *userdata, struct unit *unit, struct reading *reading) {
        (void) userdata, (void) reading;
        unit->last_read = timer_realtime();
}

static void on_unit(void *userdata, struct unit *unit) {
        (void) userdata;
        fuzz_assert(unit_table_get(&f.units, unit->name) == unit);
}

static void on_restarted(void *userdata, uint64_t began, uint64_t now) {
        (void) userdata;
        fuzz_assert(began <= now);
}

static void on_sweep_done(void *userdata, uint64_t usec) {
        (void) userdata, (void) usec;
}

static void on_state(void *userdata) {
        (void) userdata;
}

static const struct scan_ops scan_ops = {
        .unit_read = on_unit_read,
        .unit_stale = on_unit,
        .unit_gone = on_unit,
        .sweep_restarted = on_restarted,
        .sweep_done = on_sweep_done,
        .state_changed = on_state,
};

static void check(void) {
        const struct scan_state *state = scan_state(f.scan);
        unsigned n_stale = 0, n_reading = 0;

        for (size_t i = 0; i < f.units.n_units; i++) {
                const struct unit *unit = f.units.units[i];

                fuzz_assert(i == 0 || strcmp(f.units.units[i - 1]->name, unit->name) < 0);
                fuzz_assert(unit_name_is_service(unit->name));
                fuzz_assert(!unit->queued || !unit->reading);
                n_stale += unit->stale;
                n_reading += unit->reading;
        }
        fuzz_assert(f.units.n_units <= UNITS_MAX && n_reading <= READER_UNITS_MAX);
        fuzz_assert(state->n_stale == n_stale);
        /* Nothing is asked of a systemd that is busy. */
        fuzz_assert(f.ready || (n_reading == 0 && reader_counters(f.reader)->calls == f.calls));
}

/* An honest systemd. */

static bool is_asked_for(char **patterns, const char *name) {
        return strv_contains(patterns, name) || strv_contains(patterns, "*.service");
}

static void append_row(sd_bus_message *m, const char *name) {
        fuzz_assert(sd_bus_message_append(m, "(ssssssouso)", name, "", "loaded", "active", "running", "", "/", 0,
                                          "", "/") >= 0);
}

static void fill_list(sd_bus_message *call, sd_bus_message *m) {
        _cleanup_(strv_freep) char **states = NULL, **patterns = NULL;

        fuzz_assert(sd_bus_message_read_strv(call, &states) >= 0);
        fuzz_assert(sd_bus_message_read_strv(call, &patterns) >= 0);
        fuzz_assert(sd_bus_message_open_container(m, 'a', "(ssssssouso)") >= 0);
        for (size_t i = 0; i < ELEMENTSOF(true_units); i++)
                if (is_asked_for(patterns, true_units[i]))
                        append_row(m, true_units[i]);
        fuzz_assert(sd_bus_message_close_container(m) >= 0);
}

static void fill_all(sd_bus_message *m) {
        static const char *const switches[] = {
                "Delegate", "DynamicUser", "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges",
                "PrivateDevices", "PrivateMounts", "PrivateNetwork", "PrivateTmp", "PrivateUsers",
                "ProtectClock", "ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs",
                "ProtectKernelModules", "ProtectKernelTunables", "RemoveIPC", "RestrictRealtime",
                "RestrictSUIDSGID",
        };
        static const char *const words[] = {
                "DevicePolicy", "KeyringMode", "NotifyAccess", "ProcSubset", "ProtectHome", "ProtectProc",
                "ProtectSystem", "RootDirectory", "RootImage", "Type", "User",
        };

        fuzz_assert(sd_bus_message_open_container(m, 'a', "{sv}") >= 0);
        for (size_t i = 0; i < ELEMENTSOF(switches); i++)
                fuzz_assert(sd_bus_message_append(m, "{sv}", switches[i], "b", true) >= 0);
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                fuzz_assert(sd_bus_message_append(m, "{sv}", words[i], "s", "") >= 0);
        fuzz_assert(sd_bus_message_close_container(m) >= 0);
}

static void fill_property(sd_bus_message *call, sd_bus_message *m) {
        const char *property;

        fuzz_assert(sd_bus_message_read(call, "ss", NULL, &property) >= 0);
        if (streq(property, "DefaultDependencies"))
                fuzz_assert(sd_bus_message_append(m, "v", "b", true) >= 0);
        else if (streq(property, "DropInPaths"))
                fuzz_assert(sd_bus_message_append(m, "v", "as", 0) >= 0);
        else
                fuzz_assert(sd_bus_message_append(m, "v", "s", "257") >= 0);
}

static void answer(sd_bus_message *call) {
        const char *member = sd_bus_message_get_member(call);
        sd_bus_message *m;

        fuzz_assert(sd_bus_message_new_method_return(call, &m) >= 0);
        if (streq(member, "GetNameOwner"))
                fuzz_assert(sd_bus_message_append(m, "s", PEER_OWNER) >= 0);
        else if (streq(member, "ListUnitsByPatterns"))
                fill_list(call, m);
        else if (streq(member, "GetAll"))
                fill_all(m);
        else if (streq(member, "Get"))
                fill_property(call, m);
        else
                fuzz_assert(streq(member, "Subscribe"));
        (void) peer_send(m);
        sd_bus_message_unref(call);
}

static bool has_recovered(void) {
        const struct scan_state *state = scan_state(f.scan);

        if (!f.ready || state->sweeping || state->failed || state->n_stale > 0 ||
            f.units.n_units != ELEMENTSOF(true_units))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(true_units); i++)
                if (!streq(f.units.units[i]->name, true_units[i]))
                        return false;
        return true;
}

static void recover(void) {
        sd_bus_message *m = peer_signal(DBUS_BUS_NAME, "/org/freedesktop/DBus", DBUS_BUS_NAME,
                                        "NameOwnerChanged");

        fuzz_assert(sd_bus_message_append(m, "sss", SYSTEMD_BUS_NAME, "", PEER_OWNER) >= 0);
        (void) peer_send(m);
        for (unsigned i = 0; i < RECOVERY_SECONDS_MAX && !has_recovered(); i++) {
                while ((m = peer_take_call()))
                        answer(m);
                fake_time_pass(USEC_PER_SEC);
                peer_handle();
                check();
        }
        fuzz_assert(has_recovered());
}

/* Begin and end. */

static void start(void) {
        log_set_max_level(LOG_EMERG);
        fuzz_assert(scan_new(&f.scan, NULL, &f.units, UNITS_MAX, &scan_ops, NULL) == 0);
        fuzz_assert(reader_new(&f.reader, peer_bus(), 0, &reader_ops, NULL) == 0);
        fuzz_assert(watch_new(&f.watch, NULL, peer_bus(), 0, &watch_ops, NULL) == 0);
        peer_handle();
}

static void stop(void) {
        f.watch = watch_free(f.watch);
        f.scan = scan_free(f.scan);
        f.reader = reader_free(f.reader);
        unit_table_done(&f.units);
        peer_forget();
        f.ready = false;
        f.calls = 0;
}

static void pass_time(struct input *input) {
        uint64_t usec = input_number(input);

        fake_time_pass(usec < PASS_MAX_USEC ? usec : PASS_MAX_USEC);
}

static void read_again(struct input *input) {
        _cleanup_(freep) char *name = input_line(input);

        scan_read_again(f.scan, name);
}

static void take_step(struct input *input, bool stranger_is_one) {
        static const struct peer_signal signals[] = {
                { "NameOwnerChanged", DBUS_BUS_NAME, "/org/freedesktop/DBus" },
                { "Reloading", SYSTEMD_MANAGER_INTERFACE, SYSTEMD_PATH },
                { "UnitNew", SYSTEMD_MANAGER_INTERFACE, SYSTEMD_PATH },
                { "UnitRemoved", SYSTEMD_MANAGER_INTERFACE, SYSTEMD_PATH },
                { "PropertiesChanged", PROPERTIES_INTERFACE, NULL },
                {}
        };
        unsigned n_told = f.n_told;
        enum peer_step step = peer_step(input, signals);

        fuzz_assert(step != PEER_SENT_BY_STRANGER || !stranger_is_one || f.n_told == n_told);
        if (step != PEER_NOTHING)
                return;
        if (input_take(input, "time"))
                pass_time(input);
        else if (input_take(input, "sweep"))
                scan_sweep(f.scan);
        else if (input_take(input, "again"))
                read_again(input);
        else
                free(input_line(input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        bool stranger_is_one = size == 0 || !memmem(data, size, PEER_STRANGER, strlen(PEER_STRANGER));

        start();
        while (!input_at_end(&input)) {
                take_step(&input, stranger_is_one);
                peer_handle();
                check();
        }
        recover();
        stop();
        return 0;
}
