/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cleanup.h"
#include "client-output.h"
#include "event.h"
#include "hits.h"
#include "message.h"
#include "options.h"
#include "render/events.h"
#include "render/history.h"
#include "suite.h"

static const struct options plain = { .threshold = NO_THRESHOLD, .legend = true };

#define ROW EXPOSURED_EVENT_UNIT_SIGNATURE

static void append_hit(sd_bus_message *m, const char *unit, double before, double rated, double after, bool by_model,
                       const char *check, uint64_t from, uint64_t to) {
        message_ok(sd_bus_message_open_container(m, 'r', ROW));
        message_ok(sd_bus_message_append(m, "sddd", unit, before, rated, after));
        if (by_model)
                message_ok(sd_bus_message_append(m, "a(stt)", 1, "SystemCallFilter_mount", UINT64_C(9), UINT64_C(0)));
        else
                message_ok(sd_bus_message_append(m, "a(stt)", 0));
        message_ok(sd_bus_message_append(m, "b", check != NULL));
        if (check && *check)
                message_ok(sd_bus_message_append(m, "a(stt)", 1, check, from, to));
        else
                message_ok(sd_bus_message_append(m, "a(stt)", 0));
        message_ok(sd_bus_message_close_container(m));
}

static sd_bus_message *make_answer(void) {
        sd_bus_message *m = message_new();

        message_ok(sd_bus_message_open_container(m, 'a', "(" ROW ")"));
        append_hit(m, "a.service", 7.8, 7.7, 7.9, true, "PrivateTmp", 0, 1);
        append_hit(m, "b.service", 7.8, 7.8, 7.2, false, "PrivateNetwork", 1, 0);
        append_hit(m, "c.service", 5.0, 4.9, 4.9, true, NULL, 0, 0);
        append_hit(m, "d.service", 5.0, 5.0, 5.0, false, "", 0, 0);
        message_ok(sd_bus_message_close_container(m));
        message_seal(m);
        return m;
}

static struct event *make_upgrade(const char *unit) {
        static char minus[] = "-257.13-1~deb13u1", plus[] = "+262-1", *lines[] = { minus, plus, NULL };
        static struct event_cause causes[] = { { "", "manager", 0, lines } };
        static struct event event;
        _cleanup_message_ sd_bus_message *answer = make_answer();

        event = (struct event) {
                .kind = (char *) "model", .id = "0123", .unit = unit, .before = 78, .after = 79, .uid = EVENT_NO_UID,
                .causes = causes, .n_causes = 1,
        };
        ck_assert_int_eq(event_read_hits(&event, answer), 0);
        return &event;
}

START_TEST(counts) {
        struct event *event = make_upgrade("");
        struct hit_counts n = event_count_hits(event);

        ck_assert_uint_eq(n.n_rated, 2);
        ck_assert_uint_eq(n.n_changed, 3);
        ck_assert_uint_eq(n.n_weaker, 1);
        ck_assert_uint_eq(n.n_stronger, 1);
        event->hits = event_hits_free(event->hits);
}
END_TEST

START_TEST(as_it_happens) {
        struct event *event = make_upgrade("");
        struct output *output = output_new(0);

        event_print(event, output);
        ck_assert_str_eq(output_text(output),
                         "n/a ● systemd 257.13 → 262: 2 rated differently; 3 changed: 1 weaker, 1 stronger [0123]\n"
                         "    ▲ a.service changed: 7.7 → 7.9, PrivateTmp 0 → 1\n"
                         "    ▼ b.service changed: 7.8 → 7.2, PrivateNetwork 1 → 0\n"
                         "    ● d.service changed: 5.0 → 5.0\n"
                         "    rated differently: a.service 7.8 → 7.7, c.service 5.0 → 4.9\n");
        event->hits = event_hits_free(event->hits);
        output_free(output);
}
END_TEST

/* The same, as if another policy had done it. */
static struct event *make_policy(const char *unit) {
        static struct event_cause causes[] = { { "/etc/x.policy", "created", 0, NULL } };
        struct event *event = make_upgrade(unit);

        event->causes = causes;
        return event;
}

static void assert_in_history(struct event *event, const char *expected) {
        struct event_list list = { .events = event, .n_events = 1 };
        struct output *output = output_new(0);

        ck_assert_int_eq(history_print(&list, NULL, false, &plain, output), 0);
        ck_assert_msg(strstr(output_text(output), expected) != NULL, "%s", output_text(output));
        event->hits = event_hits_free(event->hits);
        output_free(output);
}

START_TEST(in_the_history) {
        assert_in_history(make_upgrade(""), "systemd 257.13 → 262                2 rated differently; 3 changed: 1 weaker, 1 stronger");
        assert_in_history(make_upgrade("a.service"), "systemd 257.13 → 262 rates it 7.7, and with its new settings 7.9\n");
        assert_in_history(make_upgrade("b.service"), "systemd 257.13 → 262: its settings changed\n");
        assert_in_history(make_upgrade("c.service"), "systemd 257.13 → 262 rates it 4.9\n");
}
END_TEST

START_TEST(another_policy) {
        struct event *event = make_policy("");
        struct output *output = output_new(0);

        assert_in_history(event, "scoring policy                /etc/x.policy was created; 2 rated differently\n");
        assert_in_history(make_policy("c.service"), "scoring policy rates it 4.9\n");
        event = make_policy("");
        event_print(event, output);
        ck_assert_str_eq(output_text(output),
                         "n/a ● scoring policy: 2 rated differently [0123]\n"
                         "    ▲ a.service changed: 7.7 → 7.9, PrivateTmp 0 → 1\n"
                         "    ▼ b.service changed: 7.8 → 7.2, PrivateNetwork 1 → 0\n"
                         "    ● d.service changed: 5.0 → 5.0\n"
                         "    rated differently: a.service 7.8 → 7.7, c.service 5.0 → 4.9\n"
                         "    /etc/x.policy was created\n");
        event->hits = event_hits_free(event->hits);
        output_free(output);
}
END_TEST

START_TEST(in_json) {
        struct event *event = make_upgrade("");
        json_object *object = event_to_json(event), *rated, *changed;

        ck_assert_ptr_nonnull(object);
        ck_assert(json_object_object_get_ex(object, "rated", &rated));
        ck_assert(json_object_object_get_ex(object, "changed", &changed));
        ck_assert_str_eq(json_object_to_json_string_ext(rated, JSON_C_TO_STRING_PLAIN),
                         "[{\"unit\":\"a.service\",\"before\":\"7.8\",\"after\":\"7.7\",\"checks\":["
                         "{\"json_field\":\"SystemCallFilter_mount\",\"before\":9,\"after\":0}]},"
                         "{\"unit\":\"c.service\",\"before\":\"5.0\",\"after\":\"4.9\",\"checks\":["
                         "{\"json_field\":\"SystemCallFilter_mount\",\"before\":9,\"after\":0}]}]");
        ck_assert_uint_eq(json_object_array_length(changed), 3);
        json_object_put(object);
        event->hits = event_hits_free(event->hits);
}
END_TEST

START_TEST(nonsense) {
        _cleanup_message_ sd_bus_message *other = variant_message("s", "text"), *bad = message_new();
        _cleanup_(event_done) struct event event = {};

        message_ok(sd_bus_message_open_container(bad, 'a', "(" ROW ")"));
        append_hit(bad, "a.service", 7.8, NAN, 7.9, true, "PrivateTmp", 0, 1);
        message_ok(sd_bus_message_close_container(bad));
        message_seal(bad);
        ck_assert_int_lt(event_read_hits(&event, other), 0);
        ck_assert_int_lt(event_read_hits(&event, bad), 0);
        ck_assert_ptr_null(event.hits);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-upgrade");
        TCase *tests = tcase_create("client-upgrade");

        tcase_add_test(tests, counts);
        tcase_add_test(tests, as_it_happens);
        tcase_add_test(tests, in_the_history);
        tcase_add_test(tests, another_policy);
        tcase_add_test(tests, in_json);
        tcase_add_test(tests, nonsense);
        suite_add_tcase(suite, tests);

        return suite_run(suite);
}
