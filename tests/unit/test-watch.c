/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "capture.h"
#include "direct.h"
#include "fake-timer.h"
#include "strv.h"
#include "suite.h"
#include "systemd.h"
#include "watch.h"

#define OWNER ":1.5"
#define OTHER ":1.66"
#define TIMEOUT (100 * USEC_PER_SEC)

/* What the watch told, as texts, oldest first. */
static struct {
        struct direct direct;
        struct watch *watch;
        char **told;
} t;

static void tell(const char *what, const char *of) {
        char text[320];

        (void) snprintf(text, sizeof(text), "%s %s", what, of);
        ck_assert_int_eq(strv_extend(&t.told, text), 0);
}

static void on_ready(void *userdata, const char *version) {
        ck_assert_ptr_eq(userdata, &t);
        tell("ready", version);
}

static void on_busy(void *userdata, enum watch_busy busy) {
        static const char *const names[] = {
                [BUSY_ABSENT] = "absent", [BUSY_GREETED] = "greeted", [BUSY_RELOADING] = "reloading",
        };

        (void) userdata;
        tell("busy", names[busy]);
}

static void on_loaded(void *userdata, const char *name) {
        (void) userdata;
        tell("loaded", name);
}

static void on_removed(void *userdata, const char *name) {
        (void) userdata;
        tell("removed", name);
}

static void on_changed(void *userdata, const char *name) {
        (void) userdata;
        tell("changed", name);
}

static const struct watch_ops ops = {
        .manager_ready = on_ready,
        .manager_busy = on_busy,
        .unit_loaded = on_loaded,
        .unit_removed = on_removed,
        .unit_changed = on_changed,
};

static void set_up(void) {
        capture_start();
        direct_open(&t.direct);
        ck_assert_int_eq(watch_new(&t.watch, t.direct.event, t.direct.near, TIMEOUT, &ops, &t), 0);
        direct_handle(&t.direct);
}

static void tear_down(void) {
        ck_assert_ptr_null(watch_free(t.watch));
        t.told = strv_free(t.told);
        direct_close(&t.direct);
        free(capture_end());
}

/* Just this was told since the last time. */
static void told_names(const char *const *names) {
        size_t n = 0;

        for (; names[n]; n++) {
                ck_assert_msg(n < strv_length(t.told), "%s was not told", names[n]);
                ck_assert_str_eq(t.told[n], names[n]);
        }
        ck_assert_msg(n == strv_length(t.told), "%s was told", n < strv_length(t.told) ? t.told[n] : "");
        t.told = strv_free(t.told);
}

#define TOLD(...) told_names((const char *const[]) { __VA_ARGS__, NULL })
#define TOLD_NOTHING() told_names((const char *const[]) { NULL })

static void assert_no_call(void) {
        ck_assert_msg(t.direct.n_calls == 0, "%s is called", sd_bus_message_get_member(t.direct.calls[0]));
}

/* It asks nothing, and will not wake up by itself. */
static void assert_quiet(void) {
        uint64_t usec;

        assert_no_call();
        ck_assert(!fake_time_next(&usec));
}

static void answer_owner(const char *owner) {
        ck_assert_str_eq(sd_bus_message_get_destination(direct_call(&t.direct, "GetNameOwner")),
                         DBUS_BUS_NAME);
        if (owner)
                direct_reply(&t.direct, 0, "s", owner);
        else
                direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.NameHasNoOwner");
}

static void answer_subscribe(void) {
        ck_assert_str_eq(sd_bus_message_get_destination(direct_call(&t.direct, "Subscribe")),
                         SYSTEMD_BUS_NAME);
        direct_reply(&t.direct, 0, "");
}

static void answer_version(const char *version) {
        sd_bus_message *m = direct_call(&t.direct, "Get");
        const char *interface, *property;

        ck_assert_str_eq(sd_bus_message_get_destination(m), SYSTEMD_BUS_NAME);
        ck_assert_int_gt(sd_bus_message_read(m, "ss", &interface, &property), 0);
        ck_assert_str_eq(interface, SYSTEMD_MANAGER_INTERFACE);
        ck_assert_str_eq(property, "Version");
        direct_reply(&t.direct, 0, "v", "s", version);
}

static void start(void) {
        answer_owner(OWNER);
        answer_subscribe();
        answer_version("252");
        TOLD("busy greeted", "ready 252");
        assert_quiet();
}

static void owner_changes(const char *sender, const char *from, const char *to) {
        direct_signal(&t.direct, sender, "/org/freedesktop/DBus", DBUS_BUS_NAME, "NameOwnerChanged", "sss",
                      SYSTEMD_BUS_NAME, from, to);
}

static void reloading(const char *sender, bool active) {
        direct_signal(&t.direct, sender, SYSTEMD_PATH, SYSTEMD_MANAGER_INTERFACE, "Reloading", "b",
                      (int) active);
}

static void unit_signal(const char *sender, const char *member, const char *name) {
        direct_signal(&t.direct, sender, SYSTEMD_PATH, SYSTEMD_MANAGER_INTERFACE, member, "so", name, "/x");
}

static void properties_changed(const char *sender, const char *path, const char *interface) {
        direct_signal(&t.direct, sender, path, PROPERTIES_INTERFACE, "PropertiesChanged", "sa{sv}as",
                      interface, 0, 0);
}

START_TEST(no_manager_yet) {
        answer_owner(NULL);
        TOLD("busy absent");
        fake_time_pass(100 * USEC_PER_SEC);
        direct_handle(&t.direct);
        assert_no_call();

        owner_changes(DBUS_BUS_NAME, "", OWNER);
        TOLD("busy greeted");
        answer_subscribe();
        answer_version("257.1");
        TOLD("ready 257.1");
}
END_TEST

/* That the bus could not say it is no word of its absence. */
START_TEST(owner_is_asked_for_again) {
        for (unsigned i = 0; i < 3; i++) {
                direct_call(&t.direct, "GetNameOwner");
                direct_refuse(&t.direct, 0, i == 1 ? SD_BUS_ERROR_NO_MEMORY : SD_BUS_ERROR_NO_REPLY);
                TOLD_NOTHING();
                assert_no_call();
                fake_time_pass(USEC_PER_SEC);
                direct_handle(&t.direct);
        }
        answer_owner(OWNER);
        answer_subscribe();
        answer_version("252");
        TOLD("busy greeted", "ready 252");
        assert_quiet();
}
END_TEST

/* What the bus said meanwhile is newer than its answer. */
START_TEST(manager_comes_before_the_answer) {
        owner_changes(DBUS_BUS_NAME, "", OWNER);
        TOLD("busy greeted");
        answer_owner(NULL);
        TOLD_NOTHING();
        answer_subscribe();
        answer_version("252");
        TOLD("ready 252");
}
END_TEST

START_TEST(already_subscribed) {
        answer_owner(OWNER);
        direct_refuse(&t.direct, 0, SYSTEMD_ERROR_ALREADY_SUBSCRIBED);
        answer_version("252");
        TOLD("busy greeted", "ready 252");
}
END_TEST

START_TEST(greeting_is_refused) {
        answer_owner(OWNER);
        for (unsigned i = 0; i < 3; i++) {
                direct_call(&t.direct, "Subscribe");
                direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.AccessDenied");
                assert_no_call();
                fake_time_pass(USEC_PER_SEC - 1);
                direct_handle(&t.direct);
                assert_no_call();
                fake_time_pass(1);
                direct_handle(&t.direct);
        }
        answer_subscribe();
        direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.NoReply");
        TOLD("busy greeted");
        fake_time_pass(USEC_PER_SEC);
        direct_handle(&t.direct);
        answer_subscribe();
        /* no string */
        direct_reply(&t.direct, 0, "v", "u", 252);
        TOLD_NOTHING();
        fake_time_pass(USEC_PER_SEC);
        direct_handle(&t.direct);
        answer_subscribe();
        answer_version("252");
        TOLD("ready 252");
        assert_quiet();
}
END_TEST

START_TEST(units) {
        start();
        unit_signal(OWNER, "UnitNew", "a.service");
        unit_signal(OWNER, "UnitRemoved", "b@c.service");
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/c_2eservice", SYSTEMD_SERVICE_INTERFACE);
        TOLD("loaded a.service", "removed b@c.service", "changed c.service");
        assert_no_call();
}
END_TEST

START_TEST(what_is_no_service) {
        static const char *const names[] = {
                "a.socket", "a.mount", "dev-sda.device", "a@.service", "", "a.service ", "../a.service",
                ".service",
        };

        start();
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                unit_signal(OWNER, "UnitNew", names[i]);
                unit_signal(OWNER, "UnitRemoved", names[i]);
        }
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/a_2esocket", SYSTEMD_SERVICE_INTERFACE);
        properties_changed(OWNER, SYSTEMD_UNIT_PATH, SYSTEMD_SERVICE_INTERFACE);
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/a_2eservice/b", SYSTEMD_SERVICE_INTERFACE);
        properties_changed(OWNER, "/org/other/unit/a_2eservice", SYSTEMD_SERVICE_INTERFACE);
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/a_2eservice", SYSTEMD_UNIT_INTERFACE);
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/a_2eservice", "org.freedesktop.systemd1.Socket");
        TOLD_NOTHING();
}
END_TEST

START_TEST(other_senders) {
        static const char *const senders[] = { OTHER, ":1.55", ":1.5.5", "org.freedesktop.systemd1" };

        start();
        for (size_t i = 0; i < ELEMENTSOF(senders); i++) {
                unit_signal(senders[i], "UnitNew", "a.service");
                unit_signal(senders[i], "UnitRemoved", "a.service");
                properties_changed(senders[i], SYSTEMD_UNIT_PATH "/a_2eservice", SYSTEMD_SERVICE_INTERFACE);
                reloading(senders[i], true);
                reloading(senders[i], false);
                owner_changes(senders[i], OWNER, "");
                owner_changes(senders[i], OWNER, senders[i]);
        }
        owner_changes(OWNER, OWNER, OTHER);
        TOLD_NOTHING();
        assert_no_call();
}
END_TEST

START_TEST(other_senders_before_there_is_an_owner) {
        answer_owner(NULL);
        TOLD("busy absent");
        unit_signal(OTHER, "UnitNew", "a.service");
        reloading(OTHER, false);
        owner_changes(OTHER, "", OTHER);
        TOLD_NOTHING();
        assert_no_call();
}
END_TEST

/* Texts of the wrong shape are no reason to stop listening. */
START_TEST(signals_of_another_shape) {
        start();
        direct_signal(&t.direct, OWNER, SYSTEMD_PATH, SYSTEMD_MANAGER_INTERFACE, "UnitNew", "u", 1);
        direct_signal(&t.direct, OWNER, SYSTEMD_PATH, SYSTEMD_MANAGER_INTERFACE, "UnitRemoved", "");
        direct_signal(&t.direct, OWNER, SYSTEMD_PATH, SYSTEMD_MANAGER_INTERFACE, "Reloading", "s", "yes");
        direct_signal(&t.direct, DBUS_BUS_NAME, "/org/freedesktop/DBus", DBUS_BUS_NAME, "NameOwnerChanged",
                      "s", SYSTEMD_BUS_NAME);
        TOLD_NOTHING();
        unit_signal(OWNER, "UnitNew", "a.service");
        TOLD("loaded a.service");
}
END_TEST

START_TEST(reload) {
        start();
        reloading(OWNER, true);
        TOLD("busy reloading");
        unit_signal(OWNER, "UnitRemoved", "a.service");
        unit_signal(OWNER, "UnitNew", "a.service");
        properties_changed(OWNER, SYSTEMD_UNIT_PATH "/a_2eservice", SYSTEMD_SERVICE_INTERFACE);
        TOLD_NOTHING();
        assert_no_call();
        reloading(OWNER, false);
        unit_signal(OWNER, "UnitRemoved", "b.service");
        TOLD_NOTHING();
        answer_version("252");
        TOLD("ready 252");
        unit_signal(OWNER, "UnitRemoved", "c.service");
        TOLD("removed c.service");
        assert_quiet();
}
END_TEST

START_TEST(reload_that_never_ends) {
        start();
        reloading(OWNER, true);
        TOLD("busy reloading");
        fake_time_pass(10 * USEC_PER_SEC - 1);
        direct_handle(&t.direct);
        assert_no_call();
        fake_time_pass(1);
        direct_handle(&t.direct);
        answer_subscribe();
        answer_version("252");
        TOLD("ready 252");
}
END_TEST

/* Its end comes while it is asked whether it has ended. */
START_TEST(reload_that_ends_late) {
        start();
        reloading(OWNER, true);
        fake_time_pass(10 * USEC_PER_SEC);
        direct_handle(&t.direct);
        direct_call(&t.direct, "Subscribe");
        reloading(OWNER, false);
        direct_refuse(&t.direct, 0, SYSTEMD_ERROR_ALREADY_SUBSCRIBED);
        answer_version("252");
        TOLD("busy reloading", "ready 252");
        assert_no_call();
}
END_TEST

START_TEST(reload_after_reload) {
        start();
        reloading(OWNER, true);
        reloading(OWNER, false);
        reloading(OWNER, true);
        TOLD("busy reloading", "busy reloading");
        /* the answer to what was asked in between says nothing any more */
        answer_version("252");
        TOLD_NOTHING();
        reloading(OWNER, false);
        answer_version("252");
        TOLD("ready 252");
}
END_TEST

START_TEST(reload_during_the_greeting) {
        answer_owner(OWNER);
        TOLD("busy greeted");
        reloading(OWNER, true);
        TOLD("busy reloading");
        answer_subscribe();
        TOLD_NOTHING();
        assert_no_call();
        reloading(OWNER, false);
        answer_version("252");
        TOLD("ready 252");
}
END_TEST

START_TEST(reexec) {
        start();
        reloading(OWNER, true);
        unit_signal(OWNER, "UnitRemoved", "a.service");
        owner_changes(DBUS_BUS_NAME, OWNER, ":1.7");
        TOLD("busy reloading", "busy greeted");
        direct_call(&t.direct, "Subscribe");
        reloading(":1.7", false);
        direct_refuse(&t.direct, 0, SYSTEMD_ERROR_ALREADY_SUBSCRIBED);
        answer_version("257");
        TOLD("ready 257");

        unit_signal(OWNER, "UnitNew", "a.service");
        TOLD_NOTHING();
        unit_signal(":1.7", "UnitNew", "a.service");
        TOLD("loaded a.service");
}
END_TEST

/* The name is free for a moment. */
START_TEST(reexec_by_way_of_nobody) {
        start();
        reloading(OWNER, true);
        owner_changes(DBUS_BUS_NAME, OWNER, "");
        TOLD("busy reloading", "busy absent");
        fake_time_pass(100 * USEC_PER_SEC);
        direct_handle(&t.direct);
        assert_no_call();
        owner_changes(DBUS_BUS_NAME, "", ":1.7");
        answer_subscribe();
        answer_version("262");
        TOLD("busy greeted", "ready 262");
}
END_TEST

START_TEST(manager_goes_during_the_greeting) {
        answer_owner(OWNER);
        direct_call(&t.direct, "Subscribe");
        owner_changes(DBUS_BUS_NAME, OWNER, "");
        TOLD("busy greeted", "busy absent");
        direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.NoReply");
        fake_time_pass(100 * USEC_PER_SEC);
        direct_handle(&t.direct);
        assert_no_call();
        TOLD_NOTHING();
}
END_TEST

/* An answer that was sent before it went is of no use after. */
START_TEST(late_answer) {
        answer_owner(OWNER);
        answer_subscribe();
        direct_call(&t.direct, "Get");
        owner_changes(DBUS_BUS_NAME, OWNER, "");
        answer_version("252");
        TOLD("busy greeted", "busy absent");
}
END_TEST

START_TEST(freed_while_it_waits) {
        answer_owner(OWNER);
        TOLD("busy greeted");
        t.watch = watch_free(t.watch);
        direct_reply(&t.direct, 0, "");
        reloading(OWNER, true);
        unit_signal(OWNER, "UnitNew", "a.service");
        TOLD_NOTHING();
        assert_no_call();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("watch");
        TCase *tcase = tcase_create("watch");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, no_manager_yet);
        tcase_add_test(tcase, owner_is_asked_for_again);
        tcase_add_test(tcase, manager_comes_before_the_answer);
        tcase_add_test(tcase, already_subscribed);
        tcase_add_test(tcase, greeting_is_refused);
        tcase_add_test(tcase, units);
        tcase_add_test(tcase, what_is_no_service);
        tcase_add_test(tcase, other_senders);
        tcase_add_test(tcase, other_senders_before_there_is_an_owner);
        tcase_add_test(tcase, signals_of_another_shape);
        tcase_add_test(tcase, reload);
        tcase_add_test(tcase, reload_that_never_ends);
        tcase_add_test(tcase, reload_that_ends_late);
        tcase_add_test(tcase, reload_after_reload);
        tcase_add_test(tcase, reload_during_the_greeting);
        tcase_add_test(tcase, reexec);
        tcase_add_test(tcase, reexec_by_way_of_nobody);
        tcase_add_test(tcase, manager_goes_during_the_greeting);
        tcase_add_test(tcase, late_answer);
        tcase_add_test(tcase, freed_while_it_waits);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
