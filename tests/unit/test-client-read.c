/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>

#include "cleanup.h"
#include "event.h"
#include "json.h"
#include "message.h"
#include "properties.h"
#include "suite.h"
#include "unit.h"

#define FINDING "ssstttdss"

static void add_findings(sd_bus_message *m) {
        properties_add(m, "Findings", "a(" FINDING ")", 4,
                       "B", "B=", "good", UINT64_C(0), UINT64_C(100), UINT64_C(1), 0.0, "b is good", "B=yes",
                       "A", "A=", "bad", UINT64_C(1), UINT64_C(100), UINT64_C(1), 0.2, "a is bad", "A=yes",
                       "D", "D=", "not-applicable", UINT64_C(0), UINT64_C(5), UINT64_C(1), 0.0, "d", "D=yes",
                       "C", "C=", "bad", UINT64_C(7), UINT64_C(1000), UINT64_C(10), 0.4, "c is bad", "C=yes");
}

START_TEST(reads_a_unit) {
        _cleanup_message_ sd_bus_message *m = properties_new();
        _cleanup_(unit_done) struct unit unit = {};

        properties_add(m, "Name", "s", "a.service");
        properties_add(m, "Unknown", "a{sv}", 0);
        properties_add(m, "Exposure", "d", 9.6);
        properties_add(m, "Predicate", "s", "UNSAFE");
        properties_add(m, "Baseline", "d", 2.8);
        properties_add(m, "Regressed", "b", true);
        properties_add(m, "Since", "t", UINT64_C(123));
        properties_add(m, "Oneshot", "b", true);
        properties_add(m, "FragmentPath", "s", "/usr/lib/a.service");
        properties_add(m, "DropInPaths", "as", 2, "/etc/1.conf", "/etc/2.conf");
        properties_add(m, "LastRead", "t", UINT64_C(456));
        properties_add(m, "Stale", "b", true);
        add_findings(m);
        properties_seal(m);

        ck_assert_int_eq(unit_read(&unit, m), 0);
        ck_assert_str_eq(unit.name, "a.service");
        ck_assert_uint_eq(unit.exposure, 96);
        ck_assert_str_eq(unit.predicate, "UNSAFE");
        ck_assert(unit.has_baseline && unit.regressed && unit.oneshot && unit.stale);
        ck_assert_uint_eq(unit.baseline, 28);
        ck_assert_uint_eq(unit.since, 123);
        ck_assert_uint_eq(unit.last_read, 456);
        ck_assert_str_eq(unit.fragment_path, "/usr/lib/a.service");
        ck_assert_str_eq(unit.drop_in_paths[1], "/etc/2.conf");
        ck_assert_ptr_null(unit.drop_in_paths[2]);

        ck_assert_uint_eq(unit.n_findings, 4);
        ck_assert_str_eq(unit.findings[0].json_field, "C");
        ck_assert_uint_eq(unit.findings[0].badness, 7);
        ck_assert_uint_eq(unit.findings[0].weight, 1000);
        ck_assert_uint_eq(unit.findings[0].range, 10);
        ck_assert_uint_eq(unit.findings[0].share, 4);
        ck_assert_str_eq(unit.findings[0].description, "c is bad");
        ck_assert_str_eq(unit.findings[0].setting, "C=yes");
        ck_assert_str_eq(unit.findings[1].json_field, "A");
        ck_assert_str_eq(unit.findings[2].json_field, "B");
        ck_assert_int_eq(unit.findings[2].result, FINDING_GOOD);
        ck_assert_str_eq(unit.findings[3].json_field, "D");
        ck_assert_int_eq(unit.findings[3].result, FINDING_NOT_APPLICABLE);
}
END_TEST

START_TEST(a_unit_may_say_little) {
        _cleanup_message_ sd_bus_message *m = properties_new();
        _cleanup_(unit_done) struct unit unit = {};

        properties_add(m, "Name", "s", "a.service");
        properties_add(m, "Exposure", "d", 0.0);
        properties_add(m, "Predicate", "s", "PERFECT");
        add_findings(m);
        properties_seal(m);

        ck_assert_int_eq(unit_read(&unit, m), 0);
        ck_assert(!unit.has_baseline && !unit.regressed && !unit.oneshot && !unit.stale);
        ck_assert_ptr_null(unit.fragment_path);
        ck_assert_ptr_null(unit.drop_in_paths);
        ck_assert_uint_eq(unit.since, 0);
}
END_TEST

static void assert_refused(sd_bus_message *m) {
        _cleanup_(unit_done) struct unit unit = {};

        ck_assert_int_lt(unit_read(&unit, m), 0);
        sd_bus_message_unref(m);
}

START_TEST(a_unit_must_say_enough) {
        sd_bus_message *m = properties_new();

        properties_seal(m);
        assert_refused(m);

        m = properties_new();
        properties_add(m, "Name", "s", "a.service");
        properties_add(m, "Exposure", "d", 0.0);
        properties_add(m, "Predicate", "s", "PERFECT");
        properties_seal(m);
        assert_refused(m);

        m = properties_new();
        properties_add(m, "Predicate", "s", "PERFECT");
        add_findings(m);
        properties_seal(m);
        assert_refused(m);
}
END_TEST

START_TEST(a_unit_must_not_talk_nonsense) {
        assert_refused(property_message("Exposure", "d", NAN));
        assert_refused(property_message("Exposure", "d", 10.1));
        assert_refused(property_message("Exposure", "s", "9.6"));
        assert_refused(property_message("Baseline", "d", -1.0));
        assert_refused(property_message("Name", "u", 1));
        assert_refused(property_message("Since", "d", 1.0));
        assert_refused(property_message("Regressed", "s", "yes"));
        assert_refused(property_message("DropInPaths", "s", "/etc"));
        assert_refused(property_message("Findings", "as", 0));
        assert_refused(property_message("Findings", "a(" FINDING ")", 1, "A", "A=", "middling", UINT64_C(0),
                                        UINT64_C(1), UINT64_C(1), 0.0, "a", "A="));
        assert_refused(property_message("Findings", "a(" FINDING ")", 1, "A", "A=", "bad", UINT64_C(0),
                                        UINT64_C(1), UINT64_C(1), 11.0, "a", "A="));
}
END_TEST

START_TEST(repeated_properties_do_not_leak) {
        _cleanup_message_ sd_bus_message *m = properties_new();
        _cleanup_(unit_done) struct unit unit = {};

        properties_add(m, "Name", "s", "a.service");
        properties_add(m, "Predicate", "s", "PERFECT");
        properties_add(m, "DropInPaths", "as", 1, "/etc/1.conf");
        properties_add(m, "DropInPaths", "as", 1, "/etc/2.conf");
        add_findings(m);
        properties_seal(m);
        ck_assert_int_eq(unit_read(&unit, m), 0);
        ck_assert_str_eq(unit.drop_in_paths[0], "/etc/2.conf");
}
END_TEST

static sd_bus_message *event_message(double before, double after) {
        sd_bus_message *m = message_new();

        message_ok(sd_bus_message_append(m, EVENT_SIGNATURE, "id", UINT64_C(5), "a.service",
                                         2, "a.service", "b.service", before, after,
                                         2, "A", UINT64_C(0), UINT64_C(1), "B", UINT64_C(255), UINT64_C(10),
                                         2, "/etc/a", "modified", UINT64_C(4), 2, "-A=yes", "+A=no",
                                         "/etc/b", "added", UINT64_C(3), 0));
        message_seal(m);
        return m;
}

START_TEST(reads_an_event) {
        _cleanup_message_ sd_bus_message *m = event_message(2.8, 5.1);
        _cleanup_(event_done) struct event event = {};

        ck_assert_int_eq(event_read(&event, m), 1);
        ck_assert_str_eq(event.kind, "test");
        ck_assert_str_eq(event.id, "id");
        ck_assert_uint_eq(event.time, 5);
        ck_assert_str_eq(event.unit, "a.service");
        ck_assert_str_eq(event.units[1], "b.service");
        ck_assert_ptr_null(event.units[2]);
        ck_assert_uint_eq(event.before, 28);
        ck_assert_uint_eq(event.after, 51);
        ck_assert_uint_eq(event.n_checks, 2);
        ck_assert_str_eq(event.checks[1].json_field, "B");
        ck_assert_uint_eq(event.checks[1].before, EVENT_NOT_APPLICABLE);
        ck_assert_uint_eq(event.checks[1].after, 10);
        ck_assert_uint_eq(event.n_causes, 2);
        ck_assert_str_eq(event.causes[0].path, "/etc/a");
        ck_assert_str_eq(event.causes[0].change, "modified");
        ck_assert_uint_eq(event.causes[0].time, 4);
        ck_assert_str_eq(event.causes[0].lines[1], "+A=no");
        ck_assert_str_eq(event.causes[1].path, "/etc/b");
}
END_TEST

START_TEST(an_event_may_be_none) {
        _cleanup_message_ sd_bus_message *other = property_message("Name", "s", "a.service");
        _cleanup_message_ sd_bus_message *nonsense = event_message(2.8, NAN);
        _cleanup_(event_done) struct event event = {}, broken = {};

        ck_assert_int_eq(event_read(&event, other), 0);
        ck_assert_int_eq(event_read(&broken, nonsense), -EBADMSG);
}
END_TEST

static void append_row(sd_bus_message *m, const char *id, const char *kind, const char *reason) {
        message_ok(sd_bus_message_append(m, "(" EXPOSURED_HISTORY_SIGNATURE ")", id, kind, UINT64_C(5),
                                         "a.service", 1, "a.service", 2.8, 5.1,
                                         1, "A", UINT64_C(0), UINT64_C(1),
                                         1, "/etc/a", "changed", UINT64_C(4), 1, "+A=no",
                                         reason, 1000, UINT64_C(6)));
}

START_TEST(reads_history) {
        _cleanup_message_ sd_bus_message *first = message_new(), *second = message_new();
        _cleanup_message_ sd_bus_message *none = message_new();
        _cleanup_(event_list_done) struct event_list list = {};

        message_ok(sd_bus_message_open_container(first, 'a', "(" EXPOSURED_HISTORY_SIGNATURE ")"));
        append_row(first, "3", "accepted", "why");
        append_row(first, "2", "regressed", "");
        message_ok(sd_bus_message_close_container(first));
        message_seal(first);
        message_ok(sd_bus_message_open_container(second, 'a', "(" EXPOSURED_HISTORY_SIGNATURE ")"));
        append_row(second, "1", "appeared", "");
        message_ok(sd_bus_message_close_container(second));
        message_seal(second);
        message_ok(sd_bus_message_append(none, "a(" EXPOSURED_HISTORY_SIGNATURE ")", 0));
        message_seal(none);

        ck_assert_int_eq(event_list_read_history(&list, first), 2);
        ck_assert_int_eq(event_list_read_history(&list, second), 1);
        ck_assert_int_eq(event_list_read_history(&list, none), 0);
        ck_assert_uint_eq(list.n_events, 3);
        ck_assert_str_eq(list.events[0].kind, "accepted");
        ck_assert_str_eq(list.events[0].reason, "why");
        ck_assert_uint_eq(list.events[0].uid, 1000);
        ck_assert_uint_eq(list.events[0].until, 6);
        ck_assert_str_eq(list.events[1].id, "2");
        ck_assert_ptr_null(list.events[1].reason);
        ck_assert_str_eq(list.events[2].id, "1");
        ck_assert_uint_eq(list.events[2].time, 5);
        ck_assert_uint_eq(list.events[2].after, 51);
        ck_assert_str_eq(list.events[2].causes[0].lines[0], "+A=no");
}
END_TEST

START_TEST(reads_regressions) {
        _cleanup_message_ sd_bus_message *m = message_new();
        _cleanup_(event_list_done) struct event_list list = {};

        message_ok(sd_bus_message_append(m, "a(" EXPOSURED_REGRESSION_SIGNATURE ")", 1, "id", UINT64_C(5),
                                         "a.service", 2, "a.service", "b.service", 2.8, 5.1,
                                         1, "A", UINT64_C(0), UINT64_C(1), 0));
        message_seal(m);
        ck_assert_int_eq(event_list_read_regressions(&list, m), 1);
        ck_assert_str_eq(list.events[0].id, "id");
        ck_assert_uint_eq(list.events[0].time, 5);
        ck_assert_str_eq(list.events[0].units[1], "b.service");
        ck_assert_uint_eq(list.events[0].n_checks, 1);
        ck_assert_uint_eq(list.events[0].n_causes, 0);
        ck_assert_uint_eq(list.events[0].uid, EVENT_NO_UID);
}
END_TEST

START_TEST(lists_must_not_talk_nonsense) {
        _cleanup_message_ sd_bus_message *other = variant_message("s", "text"), *bad = message_new();
        _cleanup_(event_list_done) struct event_list list = {};

        message_ok(sd_bus_message_append(bad, "a(" EXPOSURED_REGRESSION_SIGNATURE ")", 1, "id", UINT64_C(5),
                                         "a.service", 0, 2.8, NAN, 0, 0));
        message_seal(bad);
        ck_assert_int_eq(event_list_read_regressions(&list, other), -EBADMSG);
        ck_assert_int_eq(event_list_read_history(&list, other), -EBADMSG);
        ck_assert_int_eq(event_list_read_history(&list, bad), -EBADMSG);
        ck_assert_int_eq(event_list_read_regressions(&list, bad), -EBADMSG);
}
END_TEST

START_TEST(reads_any_properties) {
        _cleanup_message_ sd_bus_message *m = properties_new();
        _cleanup_json_ json_object *properties = NULL;
        const char *text;

        properties_add(m, "Version", "s", "0.1");
        properties_add(m, "LastScanDuration", "t", UINT64_MAX);
        properties_add(m, "UnitCount", "u", UINT32_MAX);
        properties_add(m, "Healthy", "b", true);
        properties_add(m, "IPFilter", "n", -7);
        properties_add(m, "Names", "as", 2, "a", "b");
        properties_add(m, "Skipped", "a{sv}", 0);
        properties_add(m, "X", "y", 200);
        properties_add(m, "NoNumber", "d", NAN);
        properties_add(m, "Endless", "d", -INFINITY);
        properties_add(m, "Path", "o", "/a");
        properties_add(m, "Offset", "x", INT64_MIN);
        properties_seal(m);

        ck_assert_int_eq(properties_read(m, &properties), 0);
        text = json_object_to_json_string_ext(properties,
                                              JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        ck_assert_str_eq(text,
                         "{\"version\":\"0.1\",\"last_scan_duration\":18446744073709551615,"
                         "\"unit_count\":4294967295,\"healthy\":true,\"ipfilter\":-7,\"names\":[\"a\",\"b\"],"
                         "\"x\":200,\"path\":\"/a\",\"offset\":-9223372036854775808}");
        ck_assert_str_eq(properties_string(properties, "version"), "0.1");
        ck_assert_str_eq(properties_string(properties, "missing"), "");
        ck_assert_uint_eq(properties_unsigned(properties, "last_scan_duration"), UINT64_MAX);
        ck_assert_uint_eq(properties_unsigned(properties, "healthy"), 1);
        ck_assert_uint_eq(properties_unsigned(properties, "missing"), 0);
}
END_TEST

START_TEST(properties_must_be_properties) {
        _cleanup_message_ sd_bus_message *m = variant_message("s", "text");
        json_object *properties = NULL;

        ck_assert_int_lt(properties_read(m, &properties), 0);
        ck_assert_ptr_null(properties);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-read");
        TCase *tests = tcase_create("read");

        tcase_add_test(tests, reads_a_unit);
        tcase_add_test(tests, a_unit_may_say_little);
        tcase_add_test(tests, a_unit_must_say_enough);
        tcase_add_test(tests, a_unit_must_not_talk_nonsense);
        tcase_add_test(tests, repeated_properties_do_not_leak);
        tcase_add_test(tests, reads_an_event);
        tcase_add_test(tests, an_event_may_be_none);
        tcase_add_test(tests, reads_history);
        tcase_add_test(tests, reads_regressions);
        tcase_add_test(tests, lists_must_not_talk_nonsense);
        tcase_add_test(tests, reads_any_properties);
        tcase_add_test(tests, properties_must_be_properties);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
