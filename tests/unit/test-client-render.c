/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include <json-c/json_tokener.h>

#include "cleanup.h"
#include "client-output.h"
#include "json.h"
#include "options.h"
#include "render/events.h"
#include "render/list.h"
#include "render/show.h"
#include "render/status.h"
#include "suite.h"

#define HOSTILE "\033[31m\xc2\x9b\xe2\x80\xae\x7f \xf0\x9f\x98\xa8 \"\\\xf3\xa0\x81\x81\n"

static const struct options plain = { .threshold = NO_THRESHOLD, .legend = true };

static const struct list_row rows[] = {
        { "a.service", "OK", "/a", 28, 28, false },
        { "nginx.service", "MEDIUM", "/nginx", 51, 28, true },
        { "z.service", "UNSAFE", "/z", 96, 96, false },
};

static void use_utc(void) {
        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
}

START_TEST(list_as_text) {
        struct output *output = output_new(0);

        ck_assert_int_eq(list_print(rows, ELEMENTSOF(rows), &plain, output), 0);
        ck_assert_str_eq(output_text(output),
                         "UNIT          EXPOSURE PREDICATE HAPPY BASELINE\n"
                         "a.service          2.8 OK        :-)        2.8\n"
                         "nginx.service      5.1 MEDIUM    :-|        2.8 ▲ regressed\n"
                         "z.service          9.6 UNSAFE    :-{        9.6\n"
                         "\n"
                         "3 units listed: 1 UNSAFE, 1 MEDIUM, 1 OK.\n"
                         "1 regressed. Pass --all to see oneshot units, too.\n");
        output_free(output);
}
END_TEST

START_TEST(list_without_legend) {
        struct options options = plain;
        struct output *output = output_new(0);

        options.legend = false;
        ck_assert_int_eq(list_print(rows, ELEMENTSOF(rows), &options, output), 0);
        ck_assert_str_eq(output_text(output),
                         "a.service     2.8 OK     :-) 2.8\n"
                         "nginx.service 5.1 MEDIUM :-| 2.8 ▲ regressed\n"
                         "z.service     9.6 UNSAFE :-{ 9.6\n");
        output_free(output);
}
END_TEST

START_TEST(list_of_few) {
        struct options options = plain;
        struct output *output = output_new(0);

        options.all = true;
        ck_assert_int_eq(list_print(rows, 0, &options, output), 0);
        ck_assert_str_eq(output_text(output), "UNIT EXPOSURE PREDICATE HAPPY BASELINE\n\n0 units listed.\n");

        options.threshold = 50;
        ck_assert_int_eq(list_print(rows + 1, 1, &options, output), 0);
        ck_assert_ptr_nonnull(strstr(output_text(output), "\n1 regressed. 1 above 5.0.\n"));

        options.threshold = 51;
        ck_assert_int_eq(list_print(rows + 1, 1, &options, output), 0);
        ck_assert_ptr_null(strstr(output_text(output), "above"));
        output_free(output);
}
END_TEST

START_TEST(list_on_a_narrow_terminal) {
        struct options options = plain;
        struct output *output = output_new(50);

        output->emoji = true;
        options.legend = false;
        ck_assert_int_eq(list_print(rows + 1, 1, &options, output), 0);
        ck_assert_str_eq(output_text(output), "nginx.service 5.1 MEDIUM 😐 2.8 ▲ regressed\n");
        output->columns = 40;
        ck_assert_int_eq(list_print(rows + 1, 1, &options, output), 0);
        ck_assert_str_eq(output_text(output), "nginx.service 5.1 MEDIUM 😐 2.8 ▲\n");
        output_free(output);
}
END_TEST

START_TEST(list_of_stale_units) {
        static const struct list_row stale[] = {
                { "a.service", "OK", "/a", 28, 28, false, true, 5 },
                { "b.service", "OK", "/b", 28, 10, true, true, 5 },
        };
        struct options options = plain;
        struct output *output = output_new(0);

        options.all = true;
        ck_assert_int_eq(list_print(stale, ELEMENTSOF(stale), &options, output), 0);
        ck_assert_str_eq(output_text(output),
                         "UNIT      EXPOSURE PREDICATE HAPPY BASELINE\n"
                         "a.service      2.8 OK        :-)        2.8 stale\n"
                         "b.service      2.8 OK        :-)        1.0 ▲ regressed, stale\n"
                         "\n"
                         "2 units listed: 2 OK.\n"
                         "1 regressed. 2 stale: systemd could not be asked since something may have changed.\n");
        output->columns = 40;
        options.legend = false;
        ck_assert_int_eq(list_print(stale + 1, 1, &options, output), 0);
        ck_assert_str_eq(output_text(output), "b.service 2.8 OK :-) 1.0 ▲, stale\n");
        output_free(output);
}
END_TEST

START_TEST(list_without_utf8) {
        static const struct list_row row = { "größe.service", "OK", "/a", 28, 10, true };
        struct options options = plain;
        struct output *output = output_new(0);

        output->utf8 = false;
        options.legend = false;
        ck_assert_int_eq(list_print(&row, 1, &options, output), 0);
        ck_assert_str_eq(output_text(output), "gr\\u00f6\\u00dfe.service 2.8 OK :-) 1.0 ! regressed\n");
        output_free(output);
}
END_TEST

static const char *printed(json_object *object, enum json_format format, struct output *output) {
        ck_assert_ptr_nonnull(object);
        ck_assert_int_eq(json_print(object, format, output->stream), 0);
        return output_text(output);
}

START_TEST(list_as_json) {
        struct output *output = output_new(0);
        _cleanup_json_ json_object *array = list_to_json(rows + 1, 1, output);
        _cleanup_json_ json_object *none = list_to_json(rows, 0, output);

        ck_assert_str_eq(printed(array, JSON_SHORT, output),
                         "[{\"unit\":\"nginx.service\",\"exposure\":\"5.1\",\"predicate\":\"MEDIUM\","
                         "\"happy\":\":-|\",\"baseline\":\"2.8\",\"regressed\":true,\"last_read\":null,"
                         "\"stale\":false,\"path\":\"/nginx\"}]\n");
        ck_assert_str_eq(printed(none, JSON_SHORT, output), "[]\n");
        ck_assert_ptr_nonnull(strstr(printed(array, JSON_PRETTY, output), "\n    \"exposure\": \"5.1\",\n"));
        output_free(output);
}
END_TEST

/* What is escaped for terminals means the same to a program. */
START_TEST(json_is_safe_and_lossless) {
        struct output *output = output_new(0);
        _cleanup_json_ json_object *object = json_object_new_object(), *again = NULL;
        const char *text;

        ck_assert_int_eq(json_add_string(object, "text", HOSTILE), 0);
        text = printed(object, JSON_SHORT, output);
        ck_assert_str_eq(text, "{\"text\":\"\\u001b[31m\\u009b\\u202e\\u007f 😨 "
                               "\\\"\\\\\\udb40\\udc41\\n\"}\n");
        again = json_tokener_parse(text);
        ck_assert_str_eq(json_object_get_string(json_object_object_get(again, "text")), HOSTILE);
        output_free(output);
}
END_TEST

static struct finding findings[] = {
        { "PrivateTmp", "PrivateTmp=", "Shares /tmp", "PrivateTmp=yes", FINDING_BAD, 1, 1000, 1, 2 },
        { "UMask", "UMask=", "Files are private", "UMask=0077", FINDING_GOOD, 0, 100, 10, 0 },
        { "RemoveIPC", "RemoveIPC=", "Runs as root", "RemoveIPC=yes", FINDING_NOT_APPLICABLE, 0, 100, 1, 0 },
};

static char *drop_ins[] = { (char *) "/etc/1.conf", (char *) "/etc/2.conf", NULL };

static const struct unit unit = {
        .name = "nginx.service",
        .predicate = "MEDIUM",
        .fragment_path = "/usr/lib/nginx.service",
        .drop_in_paths = drop_ins,
        .exposure = 51,
        .baseline = 28,
        .has_baseline = true,
        .regressed = true,
        .findings = findings,
        .n_findings = ELEMENTSOF(findings),
        .path = "/nginx",
};

START_TEST(show_as_text) {
        struct output *output = output_new(0);

        ck_assert_int_eq(show_print(&unit, &plain, output), 0);
        ck_assert_str_eq(output_text(output),
                         "● nginx.service\n"
                         "   Exposure: 5.1 MEDIUM :-|\n"
                         "   Baseline: 2.8 ▲ regressed\n"
                         "   Fragment: /usr/lib/nginx.service\n"
                         "    Drop-In: /etc/1.conf\n"
                         "             /etc/2.conf\n"
                         "\n"
                         "  CHECK       SHARE MEANING           CLOSED BY\n"
                         "✗ PrivateTmp=   0.2 Shares /tmp       PrivateTmp=yes\n"
                         "✓ UMask=            Files are private\n"
                         "  RemoveIPC=        Runs as root\n"
                         "\n"
                         "→ Overall exposure level for nginx.service: 5.1 MEDIUM :-|\n");
        output_free(output);
}
END_TEST

START_TEST(show_on_a_narrow_terminal) {
        struct options options = plain;
        struct output *output = output_new(40);

        options.legend = false;
        ck_assert_int_eq(show_print(&unit, &options, output), 0);
        ck_assert_str_eq(output_text(output),
                         "✗ 0.2 PrivateTmp=\n"
                         "      Shares /tmp\n"
                         "      → PrivateTmp=yes\n"
                         "✓     UMask=\n"
                         "      Files are private\n"
                         "      RemoveIPC=\n"
                         "      Runs as root\n");
        output_free(output);
}
END_TEST

START_TEST(show_says_when_it_is_stale) {
        struct unit stale = unit;
        struct output *output = output_new(0);

        stale.stale = true;
        ck_assert_int_eq(show_print(&stale, &plain, output), 0);
        ck_assert_ptr_nonnull(strstr(output_text(output), "\n      Stale: systemd could not be asked"));
        output_free(output);
}
END_TEST

START_TEST(show_as_json) {
        struct output *output = output_new(0);
        _cleanup_json_ json_object *object = show_to_json(&unit, output);

        ck_assert_str_eq(printed(object, JSON_SHORT, output),
                         "{\"unit\":\"nginx.service\",\"exposure\":\"5.1\",\"predicate\":\"MEDIUM\","
                         "\"happy\":\":-|\","
                         "\"baseline\":\"2.8\",\"regressed\":true,\"since\":0,\"oneshot\":false,"
                         "\"path\":\"/nginx\","
                         "\"fragment_path\":\"/usr/lib/nginx.service\","
                         "\"drop_in_paths\":[\"/etc/1.conf\",\"/etc/2.conf\"],\"last_read\":null,\"stale\":false,\"findings\":["
                         "{\"json_field\":\"PrivateTmp\",\"name\":\"PrivateTmp=\",\"set\":false,"
                         "\"badness\":1,\"weight\":1000,\"range\":1,\"exposure\":\"0.2\","
                         "\"description\":\"Shares /tmp\","
                         "\"setting\":\"PrivateTmp=yes\"},"
                         "{\"json_field\":\"UMask\",\"name\":\"UMask=\",\"set\":true,\"badness\":0,"
                         "\"weight\":100,\"range\":10,\"exposure\":null,"
                         "\"description\":\"Files are private\",\"setting\":\"UMask=0077\"},"
                         "{\"json_field\":\"RemoveIPC\",\"name\":\"RemoveIPC=\",\"set\":null,\"badness\":0,"
                         "\"weight\":100,\"range\":1,\"exposure\":null,\"description\":\"Runs as root\","
                         "\"setting\":\"RemoveIPC=yes\"}]}\n");
        output_free(output);
}
END_TEST

START_TEST(show_as_json_of_what_is_not_loaded) {
        struct unit little = { .name = "a.service", .predicate = "OK", .exposure = 10 };
        struct output *output = output_new(0);
        _cleanup_json_ json_object *object = show_to_json(&little, output);

        ck_assert_str_eq(printed(object, JSON_SHORT, output),
                         "{\"unit\":\"a.service\",\"exposure\":\"1.0\",\"predicate\":\"OK\","
                         "\"happy\":\":-)\","
                         "\"baseline\":null,\"regressed\":false,\"since\":0,\"oneshot\":false,\"path\":null,"
                         "\"fragment_path\":null,\"drop_in_paths\":[],\"last_read\":null,\"stale\":false,\"findings\":[]}\n");
        output_free(output);
}
END_TEST

static struct event_check checks[] = { { "PrivateTmp", 0, 1 }, { "UMask", 10, 2 }, { "RemoveIPC", 255, 0 } };
static char *lines[] = { (char *) "-PrivateTmp=yes", (char *) "+PrivateTmp=no", NULL };
static struct event_cause causes[] = { { "/etc/1.conf", "modified", UINT64_C(1700000000000000), lines } };
static char *units[] = { (char *) "nginx.service", (char *) "b.service", NULL };

static const struct event event = {
        .kind = (char *) "regressed",
        .id = "0123",
        .unit = "nginx.service",
        .time = UINT64_C(1700000001000000),
        .units = units,
        .before = 28,
        .after = 51,
        .checks = checks,
        .n_checks = ELEMENTSOF(checks),
        .causes = causes,
        .n_causes = ELEMENTSOF(causes),
};

START_TEST(event_as_text) {
        struct output *output = output_new(0);

        event_print(&event, output);
        ck_assert_str_eq(output_text(output),
                         "2023-11-14 22:13:21 ▲ nginx.service regressed: 2.8 → 5.1 MEDIUM [0123]\n"
                         "    the same in b.service\n"
                         "    ✗ PrivateTmp: badness 0 → 1\n"
                         "    ✓ UMask: badness 10 → 2\n"
                         "      RemoveIPC: badness n/a → 0\n"
                         "    /etc/1.conf modified at 2023-11-14 22:13:20\n"
                         "        -PrivateTmp=yes\n"
                         "        +PrivateTmp=no\n");
        output_free(output);
}
END_TEST

START_TEST(event_of_no_unit) {
        struct event model = { .kind = (char *) "model", .id = "", .unit = "", .units = units };
        struct output *output = output_new(0);

        event_print(&model, output);
        ck_assert_str_eq(output_text(output), "n/a ● scoring model changed: 2 units rated differently\n"
                                              "    in nginx.service, b.service\n");
        output_free(output);
}
END_TEST

START_TEST(event_of_many_units) {
        char *many[22] = { (char *) "nginx.service" };
        struct event wide = event;
        struct output *output = output_new(0);

        for (size_t i = 1; i < 21; i++)
                many[i] = (char *) "x.service";
        wide.units = many;
        event_print(&wide, output);
        ck_assert_ptr_nonnull(strstr(output_text(output), " x.service, x.service and 12 more\n"));
        output_free(output);
}
END_TEST

START_TEST(event_as_json) {
        struct output *output = output_new(0);
        _cleanup_json_ json_object *object = event_to_json(&event);

        ck_assert_str_eq(printed(object, JSON_SHORT, output),
                         "{\"event\":\"regressed\",\"id\":\"0123\",\"time\":1700000001000000,"
                         "\"unit\":\"nginx.service\",\"units\":[\"nginx.service\",\"b.service\"],"
                         "\"baseline\":\"2.8\",\"exposure\":\"5.1\",\"checks\":["
                         "{\"json_field\":\"PrivateTmp\",\"before\":0,\"after\":1},"
                         "{\"json_field\":\"UMask\",\"before\":10,\"after\":2},"
                         "{\"json_field\":\"RemoveIPC\",\"before\":null,\"after\":0}],"
                         "\"causes\":[{\"path\":\"/etc/1.conf\",\"change\":\"modified\","
                         "\"time\":1700000000000000,\"lines\":[\"-PrivateTmp=yes\",\"+PrivateTmp=no\"]}]}\n");
        output_free(output);
}
END_TEST

START_TEST(status_as_text) {
        _cleanup_json_ json_object *properties = json_tokener_parse(
                "{\"version\":\"0.1\",\"scope\":\"system\",\"systemd_version\":\"262\",\"state\":\"current\","
                "\"healthy\":false,\"status\":\"No answer\\u001b[0m\",\"unit_count\":146,"
                "\"regressed_count\":2,\"scan_count\":1,\"failed_call_count\":3}");
        struct output *output = output_new(0);

        status_print(properties, output);
        ck_assert_str_eq(output_text(output),
                         "● exposured 0.1\n"
                         "     Health: not healthy\n"
                         "     Status: No answer\\x1b[0m\n"
                         "      State: current\n"
                         "      Scope: system\n"
                         "    systemd: 262\n"
                         "     Policy: built-in\n"
                         "      Units: 146 loaded, 2 regressed\n"
                         "  Last scan: none yet\n"
                         "   Counters: 1 scan\n"
                         "             0 units read\n"
                         "             0 look-ups of units that were not loaded\n"
                         "             0 reloads of systemd\n"
                         "             0 calls to systemd\n"
                         "             3 calls that failed\n");
        output_free(output);
}
END_TEST

/* Nothing that comes from elsewhere reaches a terminal as it is. */
START_TEST(hostile_texts_are_escaped) {
        struct list_row row = { HOSTILE, HOSTILE, HOSTILE, 28, 28, false };
        struct finding finding = { HOSTILE, HOSTILE, HOSTILE, HOSTILE, FINDING_BAD, 1, 1, 1, 1 };
        char *strings[] = { (char *) HOSTILE, NULL };
        struct unit bad_unit = { .name = HOSTILE, .predicate = HOSTILE, .fragment_path = HOSTILE,
                                 .drop_in_paths = strings, .findings = &finding, .n_findings = 1 };
        struct event_check check = { HOSTILE, 0, 1 };
        struct event_cause cause = { HOSTILE, HOSTILE, 1, strings };
        struct event bad_event = { .kind = (char *) HOSTILE, .id = HOSTILE, .unit = HOSTILE, .units = units,
                                   .checks = &check, .n_checks = 1, .causes = &cause, .n_causes = 1 };
        unsigned widths[] = { 0, 60 };

        for (size_t i = 0; i < ELEMENTSOF(widths); i++) {
                struct output *output = output_new(widths[i]);

                ck_assert_int_eq(list_print(&row, 1, &plain, output), 0);
                ck_assert_int_eq(show_print(&bad_unit, &plain, output), 0);
                event_print(&bad_event, output);
                assert_harmless(output_text(output));
                output_free(output);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-render");
        TCase *tests = tcase_create("render");

        tcase_add_checked_fixture(tests, use_utc, NULL);
        tcase_add_test(tests, list_as_text);
        tcase_add_test(tests, list_without_legend);
        tcase_add_test(tests, list_of_few);
        tcase_add_test(tests, list_on_a_narrow_terminal);
        tcase_add_test(tests, list_of_stale_units);
        tcase_add_test(tests, list_without_utf8);
        tcase_add_test(tests, list_as_json);
        tcase_add_test(tests, json_is_safe_and_lossless);
        tcase_add_test(tests, show_as_text);
        tcase_add_test(tests, show_on_a_narrow_terminal);
        tcase_add_test(tests, show_says_when_it_is_stale);
        tcase_add_test(tests, show_as_json);
        tcase_add_test(tests, show_as_json_of_what_is_not_loaded);
        tcase_add_test(tests, event_as_text);
        tcase_add_test(tests, event_of_no_unit);
        tcase_add_test(tests, event_of_many_units);
        tcase_add_test(tests, event_as_json);
        tcase_add_test(tests, status_as_text);
        tcase_add_test(tests, hostile_texts_are_escaped);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
