/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>

#include "event.h"
#include "store-sample.h"
#include "suite.h"

static const struct check_change worse[] = { { CHECK_UMASK, 0, 10 } };
static const struct check_change better[] = { { CHECK_UMASK, 10, BADNESS_NOT_APPLICABLE } };
static const struct check_change both[] = { { CHECK_UMASK, 10, 0 }, { CHECK_NOTIFY_ACCESS, 0, 1 } };

/* An upgrade that rates three units differently, two of which changed too, as did three others. */
static struct event *make_upgrade(void) {
        struct event *event = event_new(EVENT_MODEL, "", "262");

        ck_assert_ptr_nonnull(event);
        ck_assert_int_eq(event_add_unit(event, "rated.service", 50, 49, better, 1), 0);
        ck_assert_int_eq(event_add_unit(event, "both.service", 50, 49, better, 1), 0);
        ck_assert_int_eq(event_add_unit(event, "rounded.service", 50, 49, NULL, 0), 0);
        ck_assert_int_eq(event_add_change(event, "both.service", 49, 60, worse, 1), 0);
        ck_assert_int_eq(event_add_change(event, "rounded.service", 49, 50, NULL, 0), 0);
        ck_assert_int_eq(event_add_change(event, "weaker.service", 30, 40, both, 2), 0);
        ck_assert_int_eq(event_add_change(event, "stronger.service", 30, 20, better, 1), 0);
        ck_assert_int_eq(event_add_change(event, "other.service", 30, 30, NULL, 0), 0);
        return event;
}

static const struct event_unit *find(const struct event *event, const char *name) {
        for (size_t i = 0; i < event->n_units; i++)
                if (streq(event->units[i].unit, name))
                        return &event->units[i];
        ck_abort_msg("%s is not hit", name);
}

static void assert_upgrade(const struct event *event) {
        const struct event_counts counts = event_count(event);
        const struct event_unit *unit;

        ck_assert_uint_eq(event->n_units, 6);
        ck_assert_uint_eq(counts.n_rated, 3);
        ck_assert_uint_eq(counts.n_changed, 5);
        ck_assert_uint_eq(counts.n_weaker, 2);
        ck_assert_uint_eq(counts.n_stronger, 1);

        unit = find(event, "both.service");
        ck_assert_uint_eq(unit->before, 50);
        ck_assert_uint_eq(unit->rated, 49);
        ck_assert_uint_eq(unit->after, 60);
        ck_assert_uint_eq(unit->n_checks, 1);
        ck_assert_uint_eq(unit->n_own_checks, 1);
        ck_assert_uint_eq(unit->own_checks[0].after, 10);

        unit = find(event, "weaker.service");
        ck_assert_uint_eq(unit->before, 30);
        ck_assert_uint_eq(unit->rated, 30);
        ck_assert_uint_eq(unit->n_checks, 0);
        ck_assert_uint_eq(unit->n_own_checks, 2);
        ck_assert(!find(event, "rated.service")->changed);
}

START_TEST(parts) {
        _cleanup_(event_unrefp) struct event *event = make_upgrade();

        assert_upgrade(event);
        /* A second change of one unit takes the place of the first. */
        ck_assert_int_eq(event_add_change(event, "both.service", 49, 48, better, 1), 0);
        ck_assert_uint_eq(event->n_units, 6);
        ck_assert_uint_eq(event_count(event).n_weaker, 1);
}
END_TEST

static int take(void *userdata, const struct store_event *stored) {
        *(struct event **) userdata = event_from_store(stored);
        return 0;
}

START_TEST(to_store_and_back) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(event_unrefp) struct event *event = make_upgrade(), *back = NULL;
        struct store *store = open_as(folder, STORE_CREATED);

        begin(store);
        ck_assert_int_eq(event_store(store, event, "257 0123456789abcdef"), 0);
        commit(store);
        ck_assert_int_eq(store_get_event(store, event->id, take, &back), 1);
        ck_assert_ptr_nonnull(back);
        ck_assert_str_eq(back->id, event->id);
        assert_upgrade(back);
        store_close(store);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("event");
        TCase *tcase = tcase_create("event");

        tcase_add_test(tcase, parts);
        tcase_add_test(tcase, to_store_and_back);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
