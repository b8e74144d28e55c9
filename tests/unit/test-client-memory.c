/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client-output.h"
#include "json.h"
#include "meaning.h"
#include "options.h"
#include "render/course.h"
#include "render/history.h"
#include "render/regressions.h"
#include "suite.h"

#define START UINT64_C(1700000000000000)
#define SECOND UINT64_C(1000000)
#define HOSTILE "\033[31m\xc2\x9b\xe2\x80\xae\x7f \"\\\xf3\xa0\x81\x81\n"

static const struct options plain = { .threshold = NO_THRESHOLD, .legend = true };

static void use_utc(void) {
        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
}

static char *alone[] = { (char *) "nginx.service", NULL };
static char *both[] = { (char *) "nginx.service", (char *) "b.service", NULL };
static char *lines[] = { (char *) "-PrivateTmp=yes", (char *) "+PrivateTmp=no", NULL };
static struct event_check checks[] = { { "PrivateTmp", 0, 1 }, { "ProtectHome", 255, 10 } };
static struct event_cause causes[] = { { "/etc/1.conf", "removed", START, lines } };

static struct finding findings[] = {
        { "PrivateTmp", "PrivateTmp=", "Shares /tmp", "PrivateTmp=yes", FINDING_BAD, 1, 1000, 1, 2 },
        { "ProtectHome", "ProtectHome=", "Sees little", "ProtectHome=yes", FINDING_BAD, 5, 1000, 10, 2 },
        { "ProtectHome", "ProtectHome=", "Sees homes", "ProtectHome=yes", FINDING_BAD, 10, 1000, 10, 2 },
};
static const struct meanings meanings = {
        .units = { { .findings = findings, .n_findings = ELEMENTSOF(findings) } },
        .n_units = 1,
};

/* An event of nginx.service. */
static struct event make_event(const char *kind, unsigned before, unsigned after) {
        return (struct event) {
                .kind = (char *) kind,
                .id = "0123",
                .unit = "nginx.service",
                .units = alone,
                .time = START + SECOND,
                .before = before,
                .after = after,
                .uid = EVENT_NO_UID,
        };
}

static struct event make_regression(void) {
        struct event event = make_event(NULL, 28, 51);

        event.checks = checks;
        event.n_checks = ELEMENTSOF(checks);
        event.causes = causes;
        event.n_causes = ELEMENTSOF(causes);
        return event;
}

/* What is printed, but for the line that says how long ago it was. */
static char *without_since(const char *text) {
        char *copy = strdup(text), *since, *end;

        ck_assert_ptr_nonnull(copy);
        since = strstr(copy, "      Since: ");
        ck_assert_ptr_nonnull(since);
        end = strchr(since, '\n');
        memmove(since, end + 1, strlen(end));
        return copy;
}

START_TEST(a_regression) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 };
        struct output *output = output_new(0);
        char *text;

        ck_assert_int_eq(regressions_print(&list, &meanings, &plain, output), 0);
        text = without_since(output_text(output));
        ck_assert_str_eq(text,
                         "▲ nginx.service: 2.8 → 5.1 MEDIUM\n"
                         "      Worse: ✗ PrivateTmp=    0 →  1 Shares /tmp\n"
                         "             ✗ ProtectHome= n/a → 10 Sees homes\n"
                         "      Cause: /etc/1.conf was removed at 2023-11-14 22:13:20\n"
                         "                 -PrivateTmp=yes\n"
                         "                 +PrivateTmp=no\n"
                         "         Id: 0123\n"
                         "\n"
                         "1 unit is worse than its baseline.\n"
                         "Mend the cause, or accept the present state: "
                         "exposurectl accept UNIT --reason=TEXT\n");
        free(text);
        output_free(output);
}
END_TEST

START_TEST(a_regression_of_several_units) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 };
        struct meanings nothing = {};
        struct output *output = output_new(0);
        const char *text;

        event.units = both;
        ck_assert_int_eq(regressions_print(&list, &nothing, &plain, output), 0);
        text = output_text(output);
        ck_assert_ptr_nonnull(strstr(text, "\n      Worse: ✗ PrivateTmp    0 →  1\n"));
        ck_assert_ptr_nonnull(strstr(text, "\n    Also in: b.service\n"));
        ck_assert_ptr_nonnull(strstr(text, "\n2 units are worse than their baselines.\n"));
        output_free(output);
}
END_TEST

START_TEST(a_regression_of_a_user) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 };
        struct options options = plain;
        struct output *output = output_new(0);

        options.user = true;
        ck_assert_int_eq(regressions_print(&list, &meanings, &options, output), 0);
        ck_assert_ptr_nonnull(strstr(output_text(output), ": exposurectl --user accept UNIT --reason=TEXT\n"));
        output_free(output);
}
END_TEST

START_TEST(a_regression_on_a_narrow_terminal) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 };
        struct output *output = output_new(45);

        ck_assert_int_eq(regressions_print(&list, &meanings, &plain, output), 0);
        ck_assert_ptr_nonnull(strstr(output_text(output), "\n      Worse: ✗ PrivateTmp= 0 → 1\n"
                                                          "               Shares /tmp\n"
                                                          "             ✗ ProtectHome= n/a → 10\n"
                                                          "               Sees homes\n"));
        output_free(output);
}
END_TEST

START_TEST(colours_of_lines) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 };
        struct output *output = output_new(0);

        output->colors = true;
        ck_assert_int_eq(regressions_print(&list, &meanings, &plain, output), 0);
        ck_assert_ptr_nonnull(strstr(output_text(output),
                                     " \033[0;31m-PrivateTmp=yes\033[0m\n"
                                     "                 \033[0;32m+PrivateTmp=no\033[0m\n"));
        output_free(output);
}
END_TEST

static const char *printed(json_object *object, struct output *output) {
        ck_assert_ptr_nonnull(object);
        ck_assert_int_eq(json_print(object, JSON_SHORT, output->stream), 0);
        return output_text(output);
}

START_TEST(regressions_as_json) {
        struct event event = make_regression();
        struct event_list list = { .events = &event, .n_events = 1 }, none = {};
        _cleanup_json_ json_object *array = regressions_to_json(&list), *empty = regressions_to_json(&none);
        struct output *output = output_new(0);

        ck_assert_str_eq(printed(array, output),
                         "[{\"id\":\"0123\",\"unit\":\"nginx.service\",\"units\":[\"nginx.service\"],"
                         "\"baseline\":\"2.8\",\"exposure\":\"5.1\",\"since\":1700000001000000,\"checks\":["
                         "{\"json_field\":\"PrivateTmp\",\"before\":0,\"after\":1},"
                         "{\"json_field\":\"ProtectHome\",\"before\":null,\"after\":10}],"
                         "\"causes\":[{\"path\":\"/etc/1.conf\",\"change\":\"removed\","
                         "\"time\":1700000000000000,"
                         "\"lines\":[\"-PrivateTmp=yes\",\"+PrivateTmp=no\"]}]}]\n");
        ck_assert_str_eq(printed(empty, output), "[]\n");
        output_free(output);
}
END_TEST

/* A line of the history of one event, without its time. */
static const char *line_of(struct event event, struct output *output) {
        struct event_list list = { .events = &event, .n_events = 1 };
        struct options options = plain;
        const char *text;

        options.legend = false;
        ck_assert_int_eq(history_print(&list, NULL, false, &options, output), 0);
        text = output_text(output);
        ck_assert_int_eq(strncmp(text, "2023-11-14 22:13:21 ", 20), 0);
        return text + 20;
}

START_TEST(lines_of_history) {
        struct output *output = output_new(0);
        struct event event = make_event("model", 0, 0);

        ck_assert_str_eq(line_of(make_event("appeared", 0, 51), output), "● appeared nginx.service 5.1\n");
        ck_assert_str_eq(line_of(make_event("gone", 51, 0), output), "● gone nginx.service 5.1\n");
        ck_assert_str_eq(line_of(make_event("regressed", 96, 100), output),
                         "▲ regressed nginx.service 9.6 → 10.0 +0.4\n");
        ck_assert_str_eq(line_of(make_event("regressed", 51, 51), output), "▲ regressed nginx.service 5.1\n");
        ck_assert_str_eq(line_of(make_event("improved", 51, 28), output),
                         "▼ improved nginx.service 5.1 → 2.8 -2.3\n");
        ck_assert_str_eq(line_of(make_event("later", 51, 51), output), "● later nginx.service 5.1\n");
        event.unit = "";
        event.units = both;
        ck_assert_str_eq(line_of(event, output), "● model scoring model (+2)\n");
        output_free(output);
}
END_TEST

START_TEST(why_it_happened) {
        static const struct {
                const char *path, *change, *text;
        } cases[] = {
                { "/a", "created", "/a was created" },
                { "/a", "relinked", "/a points elsewhere" },
                { "/a", "property", "/a was set at run time" },
                { "", "manager", "systemd itself changed" },
                { "", "expired", "an acceptance expired" },
                { "", "unknown", "the cause is not known" },
                { "/a", "of a later version", "/a of a later version" },
                { "/a", "", "/a" },
        };
        struct output *output = output_new(0);

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct event_cause cause = { cases[i].path, cases[i].change, 0, NULL };
                struct event event = make_event("changed", 51, 51);
                const char *text;

                event.causes = &cause;
                event.n_causes = 1;
                text = line_of(event, output);
                ck_assert_msg(strstr(text, cases[i].text) == text + strlen("● changed nginx.service 5.1 "),
                              "%s", text);
        }
        output_free(output);
}
END_TEST

START_TEST(who_accepted) {
        struct output *output = output_new(0);
        struct event event = make_event("accepted", 51, 51);

        event.reason = "why";
        ck_assert_str_eq(line_of(event, output), "✓ accepted nginx.service 5.1 somebody: why\n");
        event.uid = 0;
        event.until = START;
        ck_assert_str_eq(line_of(event, output),
                         "✓ accepted nginx.service 5.1 root: why (until 2023-11-14 22:13:20)\n");
        output_free(output);
}
END_TEST

/* Newest first. */
static const char *course(struct event *events, size_t n, struct output *output) {
        struct event_list list = { .events = events, .n_events = n };

        course_print(&list, "nginx.service", output);
        return output_text(output);
}

START_TEST(courses) {
        struct event events[] = {
                make_event("gone", 51, 0),
                make_event("improved", 100, 51),
                make_event("changed", 1, 2),    /* of another unit */
                make_event("regressed", 28, 100),
                make_event("regressed", 0, 28),
        };
        struct output *output = output_new(0);

        events[2].unit = "b.service";
        ck_assert_str_eq(course(events, ELEMENTSOF(events), output),
                         "nginx.service ▁▂█▄ 5.1, between 0.0 and 10.0\n\n");
        ck_assert_str_eq(course(events + 2, 1, output), "");
        ck_assert_str_eq(course(events, 1, output), "");
        output->utf8 = false;
        ck_assert_str_eq(course(events, ELEMENTSOF(events), output),
                         "nginx.service 0295 5.1, between 0.0 and 10.0\n\n");
        output_free(output);
}
END_TEST

/* Small changes are no mountains, and what never changed has no course. */
START_TEST(flat_courses) {
        struct event small[] = { make_event("changed", 50, 52) }, none[] = { make_event("changed", 50, 50) };
        struct output *output = output_new(0);

        ck_assert_str_eq(course(small, 1, output), "nginx.service ▁▂ 5.2, between 5.0 and 5.2\n\n");
        ck_assert_str_eq(course(none, 1, output), "");
        output_free(output);
}
END_TEST

START_TEST(long_courses) {
        static const unsigned widths[] = { 0, 1, 2, 40, 80, 200 };
        static const size_t wanted[] = { 61, 2, 3, 22, 42, 61 };
        struct event events[500];
        struct output *output = output_new(0);

        output->utf8 = false;
        for (size_t i = 0; i < ELEMENTSOF(events); i++)
                events[i] = make_event("changed", 10 + i % 2 * 80, 10 + (i + 1) % 2 * 80);
        for (size_t i = 0; i < ELEMENTSOF(widths); i++) {
                const char *bars;

                output->columns = widths[i];
                bars = strchr(course(events, ELEMENTSOF(events), output), ' ') + 1;
                ck_assert_uint_eq(strspn(bars, "19"), wanted[i]);
        }
        output_free(output);
}
END_TEST

START_TEST(history_as_json) {
        struct event events[] = { make_event("accepted", 28, 51), make_event("regressed", 28, 51) };
        struct event_list list = { .events = events, .n_events = ELEMENTSOF(events) };
        _cleanup_json_ json_object *array = NULL;
        struct output *output = output_new(0);

        events[0].reason = "why";
        events[0].uid = 1000;
        events[0].until = START;
        array = history_to_json(&list);
        ck_assert_str_eq(printed(array, output),
                         "[{\"event\":\"accepted\",\"id\":\"0123\",\"time\":1700000001000000,"
                         "\"unit\":\"nginx.service\",\"units\":[\"nginx.service\"],\"baseline\":\"2.8\","
                         "\"exposure\":\"5.1\",\"checks\":[],\"causes\":[],\"reason\":\"why\",\"uid\":1000,"
                         "\"until\":1700000000000000},"
                         "{\"event\":\"regressed\",\"id\":\"0123\",\"time\":1700000001000000,"
                         "\"unit\":\"nginx.service\",\"units\":[\"nginx.service\"],\"baseline\":\"2.8\","
                         "\"exposure\":\"5.1\",\"checks\":[],\"causes\":[],\"reason\":null,\"uid\":null,"
                         "\"until\":null}]\n");
        output_free(output);
}
END_TEST

START_TEST(hostile_texts_are_escaped) {
        static const unsigned widths[] = { 0, 60 };
        char *strings[] = { (char *) HOSTILE, (char *) "b.service", NULL };
        struct event_check check = { HOSTILE, 0, 1 };
        struct event_cause cause = { HOSTILE, HOSTILE, 1, strings };
        struct event events[] = { make_event(HOSTILE, 10, 20), make_event(HOSTILE, 20, 30) };
        struct event_list list = { .events = events, .n_events = ELEMENTSOF(events) };
        struct meanings nothing = {};

        for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                events[i].id = events[i].unit = HOSTILE;
                events[i].units = strings;
                events[i].checks = &check;
                events[i].causes = &cause;
                events[i].n_checks = events[i].n_causes = 1;
        }
        events[0].reason = HOSTILE;

        for (size_t i = 0; i < ELEMENTSOF(widths); i++) {
                struct output *output = output_new(widths[i]);

                ck_assert_int_eq(regressions_print(&list, &nothing, &plain, output), 0);
                ck_assert_int_eq(history_print(&list, HOSTILE, true, &plain, output), 0);
                assert_harmless(output_text(output));
                output_free(output);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-memory");
        TCase *tests = tcase_create("memory");

        tcase_add_checked_fixture(tests, use_utc, NULL);
        tcase_add_test(tests, a_regression);
        tcase_add_test(tests, a_regression_of_several_units);
        tcase_add_test(tests, a_regression_of_a_user);
        tcase_add_test(tests, a_regression_on_a_narrow_terminal);
        tcase_add_test(tests, colours_of_lines);
        tcase_add_test(tests, regressions_as_json);
        tcase_add_test(tests, lines_of_history);
        tcase_add_test(tests, why_it_happened);
        tcase_add_test(tests, who_accepted);
        tcase_add_test(tests, courses);
        tcase_add_test(tests, flat_courses);
        tcase_add_test(tests, long_courses);
        tcase_add_test(tests, history_as_json);
        tcase_add_test(tests, hostile_texts_are_escaped);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
