/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "message.h"
#include "random.h"
#include "reader-fixture.h"
#include "suite.h"
#include "systemd.h"

static void read_unit(enum read_kind kind, const char *name) {
        ck_assert_int_ge(reader_read(t.reader, kind, name), 0);
        direct_handle(&t.direct);
}

/* The i-th call that waits asks for this of the unit with that path; no property is all of them. */
static void assert_asked(size_t i, const char *path, const char *interface, const char *property) {
        sd_bus_message *m;
        const char *text;

        ck_assert_uint_lt(i, t.direct.n_calls);
        m = t.direct.calls[i];
        ck_assert_str_eq(sd_bus_message_get_destination(m), SYSTEMD_BUS_NAME);
        ck_assert_str_eq(sd_bus_message_get_interface(m), PROPERTIES_INTERFACE);
        ck_assert_str_eq(sd_bus_message_get_member(m), property ? "Get" : "GetAll");
        ck_assert_str_eq(sd_bus_message_get_path(m), path);
        message_ok(sd_bus_message_read(m, "s", &text));
        ck_assert_str_eq(text, interface);
        if (property) {
                message_ok(sd_bus_message_read(m, "s", &text));
                ck_assert_str_eq(text, property);
        }
}

/* As many properties as make an answer that is believed. */
#define N_PLAIN 26
#define PLAIN \
        "Delegate", "b", 0, "DynamicUser", "b", 0, "LockPersonality", "b", 0, \
        "MemoryDenyWriteExecute", "b", 0, "NoNewPrivileges", "b", 0, "PrivateDevices", "b", 0, \
        "PrivateMounts", "b", 0, "PrivateNetwork", "b", 0, "PrivateUsers", "b", 0, \
        "ProtectClock", "b", 0, "ProtectControlGroups", "b", 0, "ProtectHostname", "b", 0, \
        "ProtectKernelLogs", "b", 0, "ProtectKernelModules", "b", 0, "ProtectKernelTunables", "b", 0, \
        "RemoveIPC", "b", 0, "RestrictRealtime", "b", 0, "RestrictSUIDSGID", "b", 0, \
        "User", "s", "", "Type", "s", "", "RootDirectory", "s", "", \
        "RootImage", "s", "", "NotifyAccess", "s", "", "KeyringMode", "s", "", \
        "ProtectProc", "s", "", "ProcSubset", "s", ""

#define A_PATH SYSTEMD_UNIT_PATH "/a_2eservice"

/* Answers what was asked of a loaded unit with settings that make sense, whatever the order. */
static void answer(size_t i) {
        const char *interface, *property;

        ck_assert_uint_lt(i, t.direct.n_calls);
        if (streq(sd_bus_message_get_member(t.direct.calls[i]), "GetAll")) {
                direct_reply(&t.direct, i, "a{sv}", N_PLAIN, PLAIN);
                return;
        }
        message_ok(sd_bus_message_read(t.direct.calls[i], "ss", &interface, &property));
        if (streq(property, "DropInPaths"))
                direct_reply(&t.direct, i, "v", "as", 1, "/etc/1.conf");
        else if (streq(property, "FragmentPath"))
                direct_reply(&t.direct, i, "v", "s", "/etc/a.service");
        else
                direct_reply(&t.direct, i, "v", "b", 1);
}

/* What nobody has a unit for is used for the rest of this one. */
START_TEST(read_of_a_loaded_unit) {
        read_unit(READ_LOADED, "a.service");
        ck_assert_uint_eq(t.direct.n_calls, 2);
        assert_asked(0, A_PATH, SYSTEMD_SERVICE_INTERFACE, NULL);
        assert_asked(1, A_PATH, SYSTEMD_UNIT_INTERFACE, "DefaultDependencies");
        direct_reply(&t.direct, 0, "a{sv}", N_PLAIN + 2, PLAIN, "PrivateTmp", "b", 1, "ExecMainPID", "u", 5);
        ck_assert_uint_eq(t.direct.n_calls, 3);
        direct_reply(&t.direct, 0, "v", "b", 0);
        assert_asked(0, A_PATH, SYSTEMD_UNIT_INTERFACE, "FragmentPath");
        assert_asked(1, A_PATH, SYSTEMD_UNIT_INTERFACE, "DropInPaths");
        direct_reply(&t.direct, 1, "v", "as", 2, "/etc/1.conf", "/etc/2.conf");
        ck_assert_uint_eq(strv_length(t.read), 0);
        direct_reply(&t.direct, 0, "v", "s", "/etc/a.service");
        ck_assert_uint_eq(t.direct.n_calls, 0);

        ck_assert_uint_eq(strv_length(t.read), 1);
        ck_assert_str_eq(t.read[0], "a.service");
        ck_assert_int_eq(t.kind, READ_LOADED);
        ck_assert_int_eq(t.result, READ_DONE);
        ck_assert_ptr_null(t.problem);
        ck_assert(t.facts.private_tmp);
        ck_assert(!t.facts.default_dependencies);
        ck_assert_str_eq(t.fragment_path, "/etc/a.service");
        ck_assert_uint_eq(t.n_drop_ins, 2);
        ck_assert_uint_eq(reader_counters(t.reader)->reads, 1);
        ck_assert_uint_eq(reader_counters(t.reader)->calls, 4);
        ck_assert_uint_eq(reader_counters(t.reader)->failed_calls, 0);
}
END_TEST

static bool asks_for_rest(sd_bus_message *m) {
        const char *interface, *property = "";

        message_ok(sd_bus_message_rewind(m, true));
        message_ok(sd_bus_message_read(m, "s", &interface));
        if (streq(sd_bus_message_get_member(m), "Get"))
                message_ok(sd_bus_message_read(m, "s", &property));
        message_ok(sd_bus_message_rewind(m, true));
        return streq(property, "FragmentPath") || streq(property, "DropInPaths");
}

/* Settings of a whole batch come before the rest of any, with all calls in use until nothing is left to ask. */
START_TEST(batches) {
        unsigned n_answered = 0, n_changes = 0;
        bool rest = false;

        t.n_wanted = 3 * READER_UNITS_MAX - 1;
        begin_wanted(NULL);
        direct_handle(&t.direct);
        while (t.direct.n_calls > 0) {
                if (t.direct.n_calls_ever < 4 * t.n_wanted)
                        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);
                if (asks_for_rest(t.direct.calls[0]) != rest) {
                        rest = !rest;
                        n_changes++;
                }
                answer(0);
                n_answered++;
        }
        ck_assert_uint_eq(n_answered, 4 * t.n_wanted);
        ck_assert_uint_eq(strv_length(t.read), t.n_wanted);
        ck_assert_int_eq(t.result, READ_DONE);
        ck_assert_uint_eq(n_changes, 5);
        ck_assert_uint_eq(reader_counters(t.reader)->reads, t.n_wanted);
}
END_TEST

/* Systemd answers in any order, refuses, is asked by others, and nobody wants the answer any more. */
START_TEST(batches_of_all_kinds) {
        unsigned n_dropped = 0, n_refused = 0, n_lookups = 0;

        t.n_wanted = 500;
        begin_wanted(NULL);
        direct_handle(&t.direct);
        while (t.direct.n_calls > 0) {
                size_t i = (size_t) random_below(t.direct.n_calls);
                char name[64];

                ck_assert_uint_le(t.direct.n_calls, READER_CALLS_MAX);
                switch (random_below(12)) {
                case 0:
                        direct_refuse(&t.direct, i, "org.freedesktop.systemd1.NoSuchUnit");
                        n_refused++;
                        break;
                case 1:
                        (void) snprintf(name, sizeof(name), "u%u.service", (unsigned) random_below(t.n_begun));
                        if (strv_contains(t.read, name) || strv_contains(t.listed, name))
                                break;
                        /* what was dropped is noted here */
                        ck_assert_int_eq(strv_extend(&t.listed, name), 0);
                        reader_drop(t.reader, READ_LOADED, name);
                        n_dropped++;
                        break;
                case 2:
                        if (!reader_has_room(t.reader))
                                break;
                        ck_assert_int_eq(reader_read(t.reader, READ_LOOKUP, "lookup.service"), 0);
                        n_lookups++;
                        direct_handle(&t.direct);
                        break;
                default:
                        answer(i);
                }
        }
        ck_assert_uint_eq(t.n_begun, t.n_wanted);
        ck_assert_uint_eq(strv_length(t.read), t.n_wanted - n_dropped + n_lookups);
        for (char **name = t.listed; name && *name; name++)
                ck_assert(!strv_contains(t.read, *name));
        ck_assert_uint_gt(n_dropped, 0);
        ck_assert_uint_gt(n_refused, 0);
        ck_assert_uint_eq(reader_counters(t.reader)->reads + reader_counters(t.reader)->failed_calls,
                          strv_length(t.read));
        ck_assert(reader_has_room(t.reader));
}
END_TEST

/* Each property that is read of a unit makes systemd load it: one call for all. */
START_TEST(read_of_any_unit) {
        read_unit(READ_LOOKUP, "a@b\\x2d.service");
        assert_asked(0, SYSTEMD_UNIT_PATH "/a_40b_5cx2d_2eservice", "", NULL);
        direct_reply(&t.direct, 0, "a{sv}", N_PLAIN + 3, PLAIN, "Id", "s", "c.service", "LoadState", "s", "loaded",
                     "PrivateTmp", "b", 1);
        ck_assert_uint_eq(t.direct.n_calls_ever, 1);
        ck_assert(t.told_with_room);
        ck_assert_int_eq(t.kind, READ_LOOKUP);
        ck_assert_int_eq(t.result, READ_DONE);
        ck_assert_str_eq(t.read[0], "a@b\\x2d.service");
        ck_assert_str_eq(t.id, "c.service");
}
END_TEST

START_TEST(refused) {
        read_unit(READ_LOADED, "a.service");
        direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_uint_eq(strv_length(t.read), 0);
        direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.UnknownObject");
        while (t.direct.n_calls > 0)
                answer(0);
        ck_assert_int_eq(t.result, READ_REFUSED);
        /* the first problem is told */
        ck_assert_str_eq(t.problem, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_uint_eq(strv_length(t.read), 1);
        ck_assert_uint_eq(reader_counters(t.reader)->failed_calls, 1);
        ck_assert_uint_eq(reader_counters(t.reader)->reads, 0);
}
END_TEST

START_TEST(refused_half_way) {
        read_unit(READ_LOADED, "a.service");
        answer(0);
        answer(0);
        direct_refuse(&t.direct, 0, "org.freedesktop.DBus.Error.UnknownProperty");
        answer(0);
        ck_assert_int_eq(t.result, READ_REFUSED);
        ck_assert_uint_eq(t.direct.n_calls, 0);
        ck_assert_uint_eq(strv_length(t.read), 1);
}
END_TEST

/* Half of it would be taken for settings that are not made. */
START_TEST(half_an_answer) {
        read_unit(READ_LOADED, "a.service");
        direct_reply(&t.direct, 0, "a{sv}", 0);
        while (t.direct.n_calls > 0)
                answer(0);
        ck_assert_int_eq(t.result, READ_INVALID);
        ck_assert_str_eq(t.problem, "(properties)");
        read_unit(READ_LOOKUP, "a.service");
        direct_reply(&t.direct, 0, "a{sv}", 4, "Id", "s", "a.service", "LoadState", "s", "loaded", "PrivateTmp", "b", 1,
                     "ExecMainPID", "u", 5);
        ck_assert_int_eq(t.result, READ_INVALID);
        ck_assert_uint_eq(reader_counters(t.reader)->failed_calls, 2);
        ck_assert_uint_eq(t.direct.n_calls, 0);
}
END_TEST

START_TEST(wrong_type) {
        read_unit(READ_LOADED, "a.service");
        direct_reply(&t.direct, 0, "a{sv}", 2, "PrivateTmp", "b", 1, "UMask", "s", "0022");
        while (t.direct.n_calls > 0)
                answer(0);
        ck_assert_int_eq(t.result, READ_INVALID);
        ck_assert_str_eq(t.problem, "UMask");

        read_unit(READ_LOADED, "a.service");
        answer(0);
        direct_reply(&t.direct, 0, "v", "s", "yes");
        while (t.direct.n_calls > 0)
                answer(0);
        ck_assert_int_eq(t.result, READ_INVALID);
        ck_assert_str_eq(t.problem, "DefaultDependencies");

        read_unit(READ_LOOKUP, "a.service");
        direct_reply(&t.direct, 0, "as", 1, "PrivateTmp");
        ck_assert_int_eq(t.result, READ_INVALID);
        ck_assert_ptr_nonnull(t.problem);
        ck_assert_uint_eq(reader_counters(t.reader)->failed_calls, 3);
}
END_TEST

START_TEST(no_more_than_four) {
        char name[64];

        for (unsigned i = 0; i < READER_CALLS_MAX; i++) {
                ck_assert(reader_has_room(t.reader));
                (void) snprintf(name, sizeof(name), "u%u.service", i);
                read_unit(READ_LOOKUP, name);
        }
        ck_assert(!reader_has_room(t.reader));
        ck_assert_int_eq(reader_read(t.reader, READ_LOADED, "x.service"), -EBUSY);
        direct_handle(&t.direct);
        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);

        /* in any order, each with what is its own */
        direct_refuse(&t.direct, 2, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_str_eq(t.read[0], "u2.service");
        ck_assert(reader_has_room(t.reader));
        /* both of its calls must be made before another unit's */
        read_unit(READ_LOADED, "x.service");
        ck_assert_int_eq(reader_read(t.reader, READ_LOADED, "y.service"), -EBUSY);
        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);
        direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_str_eq(t.read[1], "u0.service");
        ck_assert(!reader_has_room(t.reader));
        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);
}
END_TEST

START_TEST(list_is_one_of_the_four) {
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        read_unit(READ_LOADED, "a.service");
        ck_assert(reader_has_room(t.reader));
        read_unit(READ_LOOKUP, "c.service");
        ck_assert(!reader_has_room(t.reader));
        ck_assert_int_eq(reader_read(t.reader, READ_LOADED, "d.service"), -EBUSY);
        direct_handle(&t.direct);
        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);
        direct_reply(&t.direct, 0, "a(ssssssouso)", 0);
        ck_assert_uint_eq(t.n_lists, 1);
        while (t.direct.n_calls > 0)
                direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.NoSuchUnit");
        for (unsigned i = 0; i < READER_CALLS_MAX; i++)
                read_unit(READ_LOOKUP, "d.service");
        ck_assert_int_eq(reader_list(t.reader, NULL), -EBUSY);
        direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
}
END_TEST

/* What was asked is answered, and counts until then; the rest is not asked. */
START_TEST(drop_one) {
        read_unit(READ_LOADED, "a.service");
        read_unit(READ_LOOKUP, "a.service");
        reader_drop(t.reader, READ_LOADED, "a.service");
        reader_drop(t.reader, READ_LOADED, "c.service");
        read_unit(READ_LOOKUP, "b.service");
        ck_assert(!reader_has_room(t.reader));
        answer(0);
        answer(0);
        ck_assert_uint_eq(strv_length(t.read), 0);
        ck_assert(reader_has_room(t.reader));
        direct_reply(&t.direct, 0, "a{sv}", N_PLAIN, PLAIN);
        ck_assert_uint_eq(strv_length(t.read), 1);
        ck_assert_int_eq(t.kind, READ_LOOKUP);
        direct_refuse(&t.direct, 0, "org.freedesktop.systemd1.NoSuchUnit");
        ck_assert_uint_eq(strv_length(t.read), 2);
        ck_assert_str_eq(t.read[1], "b.service");
        ck_assert_uint_eq(t.direct.n_calls, 0);
        ck_assert_uint_eq(t.direct.n_calls_ever, 4);
}
END_TEST

/* What comes after that is for nobody. */
START_TEST(cancel) {
        read_unit(READ_LOADED, "a.service");
        read_unit(READ_LOOKUP, "b.service");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        reader_cancel(t.reader);
        ck_assert(reader_has_room(t.reader));
        answer(0);
        answer(0);
        direct_reply(&t.direct, 0, "a{sv}", N_PLAIN, PLAIN);
        direct_reply(&t.direct, 0, "a(ssssssouso)", 1, ROW("a.service", "loaded"));
        ck_assert_uint_eq(strv_length(t.read), 0);
        ck_assert_uint_eq(strv_length(t.listed), 0);
        ck_assert_uint_eq(t.n_lists, 0);
        ck_assert_uint_eq(t.direct.n_calls, 0);

        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        for (unsigned i = 1; i < READER_CALLS_MAX; i++)
                read_unit(READ_LOOKUP, "a.service");
        ck_assert_uint_eq(t.direct.n_calls, READER_CALLS_MAX);
}
END_TEST

START_TEST(freed_with_calls_in_flight) {
        read_unit(READ_LOADED, "a.service");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        t.reader = reader_free(t.reader);
        answer(0);
        answer(0);
        direct_reply(&t.direct, 0, "a(ssssssouso)", 0);
        ck_assert_uint_eq(strv_length(t.read), 0);
        ck_assert_ptr_null(reader_free(NULL));
}
END_TEST

START_TEST(no_answer_in_time) {
        reader_set_timeout(t.reader, USEC_PER_MSEC);
        read_unit(READ_LOADED, "a.service");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        while (strv_length(t.read) == 0 || t.n_lists == 0)
                message_ok(sd_event_run(t.direct.event, UINT64_MAX));
        ck_assert_int_eq(t.result, READ_REFUSED);
        ck_assert_int_eq(t.list_error, -ETIMEDOUT);
        ck_assert(reader_has_room(t.reader));
}
END_TEST

/* The connection breaks: everything ends, with an error. */
START_TEST(connection_breaks) {
        read_unit(READ_LOADED, "a.service");
        ck_assert_int_ge(reader_list(t.reader, NULL), 0);
        direct_handle(&t.direct);
        sd_bus_close(t.direct.far);
        direct_handle(&t.direct);
        ck_assert_uint_eq(strv_length(t.read), 1);
        ck_assert_int_eq(t.result, READ_REFUSED);
        ck_assert_uint_eq(t.n_lists, 1);
        ck_assert_int_lt(t.list_error, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("reader");
        TCase *tcase = tcase_create("reader");

        random_start();
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, read_of_a_loaded_unit);
        tcase_add_test(tcase, batches);
        tcase_add_test(tcase, batches_of_all_kinds);
        tcase_add_test(tcase, read_of_any_unit);
        tcase_add_test(tcase, refused);
        tcase_add_test(tcase, refused_half_way);
        tcase_add_test(tcase, half_an_answer);
        tcase_add_test(tcase, wrong_type);
        tcase_add_test(tcase, no_more_than_four);
        tcase_add_test(tcase, list_is_one_of_the_four);
        tcase_add_test(tcase, drop_one);
        tcase_add_test(tcase, cancel);
        tcase_add_test(tcase, freed_with_calls_in_flight);
        tcase_add_test(tcase, no_answer_in_time);
        tcase_add_test(tcase, connection_breaks);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
