/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "batch.h"
#include "suite.h"
#include "temp.h"

static struct item *add(struct batch *batch, const char *key) {
        struct item *item = batch_add(batch, key);

        ck_assert_ptr_nonnull(item);
        item->keep = true;
        item->taken = item->seen = 1;
        facts_init(&item->baseline);
        facts_init(&item->settled);
        return item;
}

static int collect(void *userdata, const struct store_baseline *baseline) {
        char *names = userdata;

        strcat(strcat(names, baseline->unit), " ");
        return 0;
}

static void assert_baselines(struct store *store, const char *expected) {
        char names[256] = "";

        ck_assert_int_eq(store_each_baseline(store, collect, names), 0);
        ck_assert_str_eq(names, expected);
}

START_TEST(what_is_refused_is_left_out) {
        _cleanup_(temp_freep) char *folder = temp_new();
        struct batch *batch = batch_new("257", false);
        enum store_opened opened;
        struct store *store;

        ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
        add(batch, "a.service");
        /* beyond what the kernel knows */
        add(batch, "b.service")->baseline.umask = 01000;
        add(batch, "c.service");
        ck_assert_int_eq(batch_run(store, batch), 0);
        assert_baselines(store, "a.service c.service ");
        batch_free(batch);
        store_close(store);
}
END_TEST

START_TEST(an_event_that_is_refused_is_left_out) {
        _cleanup_(temp_freep) char *folder = temp_new();
        struct batch *batch = batch_new("257", false);
        struct event *event = event_new(EVENT_MODEL, "", "257");
        enum store_opened opened;
        struct store *store;

        ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
        event->id[0] = 'x';
        ck_assert_int_eq(batch_add_event(batch, event), 0);
        add(batch, "a.service");
        ck_assert_int_eq(batch_run(store, batch), 0);
        assert_baselines(store, "a.service ");
        event_unref(event);
        batch_free(batch);
        store_close(store);
}
END_TEST

START_TEST(without_a_store_nothing_is_kept) {
        struct batch *batch = batch_new("257", false);

        add(batch, "a.service");
        ck_assert_int_eq(batch_run(NULL, batch), -ENOTCONN);
        batch_free(batch);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("batch");
        TCase *tcase = tcase_create("batch");

        tcase_add_test(tcase, what_is_refused_is_left_out);
        tcase_add_test(tcase, an_event_that_is_refused_is_left_out);
        tcase_add_test(tcase, without_a_store_nothing_is_kept);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
