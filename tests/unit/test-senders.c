/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "direct.h"
#include "message.h"
#include "senders.h"
#include "suite.h"
#include "systemd.h"

/* More than are remembered. */
#define MANY 600U
#define GREEDY 1000U
#define OTHER 1001U

static struct {
        struct direct direct;
        struct senders *senders;
        unsigned n_told;
        char name[64];          /* who was told of last */
        uint32_t uid;
} t;

static void on_told(void *userdata, const char *name, uint32_t uid) {
        ck_assert_ptr_eq(userdata, &t);
        ck_assert_uint_lt(strlen(name), sizeof(t.name));
        (void) snprintf(t.name, sizeof(t.name), "%s", name);
        t.uid = uid;
        t.n_told++;
}

static void set_up(void) {
        memset(&t, 0, sizeof(t));
        direct_open(&t.direct);
        ck_assert_int_eq(senders_new(&t.senders, t.direct.near, on_told, &t), 0);
}

static void tear_down(void) {
        ck_assert_ptr_null(senders_free(t.senders));
        direct_close(&t.direct);
}

/* Asks for a sender; what the bus is asked arrives. */
static int get(const char *name) {
        uint32_t uid = 4711;
        int r = senders_get(t.senders, name, &uid);

        direct_handle(&t.direct);
        if (r > 0)
                t.uid = uid;
        return r;
}

static int get_number(unsigned number) {
        char name[32];

        (void) snprintf(name, sizeof(name), ":1.%u", number);
        return get(name);
}

/* Asks for one that is not known, and the bus answers. */
static void learn(unsigned number, uint32_t uid) {
        ck_assert_int_eq(get_number(number), 0);
        ck_assert_uint_eq(t.direct.n_calls, 1);
        direct_reply(&t.direct, 0, "u", uid);
        ck_assert_uint_eq(t.uid, uid);
}

START_TEST(asked_once) {
        const char *name;

        ck_assert_int_eq(get(":1.7"), 0);
        ck_assert_int_eq(get(":1.7"), 0);
        ck_assert_uint_eq(t.direct.n_calls, 1);
        ck_assert_str_eq(sd_bus_message_get_destination(t.direct.calls[0]), DBUS_BUS_NAME);
        message_ok(sd_bus_message_read(direct_call(&t.direct, "GetConnectionUnixUser"), "s", &name));
        ck_assert_str_eq(name, ":1.7");
        direct_reply(&t.direct, 0, "u", GREEDY);
        ck_assert_uint_eq(t.n_told, 1);
        ck_assert_str_eq(t.name, ":1.7");
        ck_assert_uint_eq(t.uid, GREEDY);

        learn(8, OTHER);
        ck_assert_int_eq(get(":1.7"), 1);
        ck_assert_uint_eq(t.uid, GREEDY);
        ck_assert_uint_eq(t.direct.n_calls_ever, 2);
}
END_TEST

/* Nobody is asked for that. */
START_TEST(found_where_known) {
        uint32_t uid = 4711;

        ck_assert_int_eq(senders_find(t.senders, ":1.7", &uid), 0);
        ck_assert_uint_eq(t.direct.n_calls_ever, 0);
        ck_assert_int_eq(get(":1.7"), 0);
        ck_assert_int_eq(senders_find(t.senders, ":1.7", &uid), 0);
        ck_assert_uint_eq(uid, 4711);
        direct_reply(&t.direct, 0, "u", GREEDY);
        learn(8, OTHER);
        ck_assert_int_eq(senders_find(t.senders, ":1.7", &uid), 1);
        ck_assert_uint_eq(uid, GREEDY);
        ck_assert_uint_eq(t.direct.n_calls_ever, 2);
}
END_TEST

/* Who has left is nobody, and the name is not remembered. */
START_TEST(left_meanwhile) {
        ck_assert_int_eq(get(":1.7"), 0);
        direct_refuse(&t.direct, 0, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
        ck_assert_uint_eq(t.n_told, 1);
        ck_assert_str_eq(t.name, ":1.7");
        ck_assert_uint_eq(t.uid, UINT32_MAX);
        ck_assert_int_eq(get(":1.7"), 0);
        direct_reply(&t.direct, 0, "s", "somebody");
        ck_assert_uint_eq(t.n_told, 2);
        ck_assert_uint_eq(t.uid, UINT32_MAX);
        learn(7, OTHER);
}
END_TEST

START_TEST(name_that_is_too_long) {
        ck_assert_int_eq(get(":1.18446744073709551615"), 0);
        ck_assert_int_eq(get(":1.184467440737095516151844674407370955"), -EINVAL);
        ck_assert_uint_eq(t.direct.n_calls, 1);
}
END_TEST

/* One with ever new connections takes places of its own alone, the oldest first. */
START_TEST(greedy_user) {
        learn(0, OTHER);
        for (unsigned i = 1; i < MANY; i++)
                learn(i, GREEDY);
        ck_assert_int_eq(get_number(0), 1);
        ck_assert_uint_eq(t.uid, OTHER);
        ck_assert_int_eq(get_number(MANY - 1), 1);
        ck_assert_int_eq(get_number(MANY - 500), 1);
        ck_assert_uint_eq(t.uid, GREEDY);
        ck_assert_uint_eq(t.direct.n_calls, 0);
        ck_assert_int_eq(get_number(1), 0);
}
END_TEST

/* What was used lately is no old place, whenever it was taken. */
START_TEST(place_that_is_in_use) {
        for (unsigned i = 0; i < MANY; i++) {
                learn(i, GREEDY);
                ck_assert_int_eq(get_number(0), 1);
        }
        ck_assert_int_eq(get_number(1), 0);
}
END_TEST

/* The greedy user changes with time. */
START_TEST(two_users) {
        for (unsigned i = 0; i < MANY; i++)
                learn(i, i % 2 == 0 ? GREEDY : OTHER);
        for (unsigned i = MANY; i < 2 * MANY; i++)
                learn(i, OTHER);
        ck_assert_int_eq(get_number(MANY - 2), 1);
        ck_assert_uint_eq(t.uid, GREEDY);
        ck_assert_int_eq(get_number(MANY - 1), 0);
}
END_TEST

/* A bus that does not answer fills it; an answer makes room. */
START_TEST(all_wait_for_the_bus) {
        unsigned n = 0;

        while (get_number(n) == 0)
                n++;
        ck_assert_uint_eq(t.direct.n_calls, n);
        ck_assert_int_eq(get_number(n), -EBUSY);
        ck_assert_uint_lt(n, MANY);
        direct_refuse(&t.direct, 3, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
        ck_assert_str_eq(t.name, ":1.3");
        ck_assert_int_eq(get_number(n), 0);
        ck_assert_int_eq(get_number(3), -EBUSY);
}
END_TEST

START_TEST(freed_while_it_waits) {
        ck_assert_int_eq(get(":1.7"), 0);
        t.senders = senders_free(t.senders);
        direct_reply(&t.direct, 0, "u", GREEDY);
        ck_assert_uint_eq(t.n_told, 0);
        ck_assert_ptr_null(senders_free(NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("senders");
        TCase *tcase = tcase_create("senders");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, asked_once);
        tcase_add_test(tcase, found_where_known);
        tcase_add_test(tcase, left_meanwhile);
        tcase_add_test(tcase, name_that_is_too_long);
        tcase_add_test(tcase, greedy_user);
        tcase_add_test(tcase, place_that_is_in_use);
        tcase_add_test(tcase, two_users);
        tcase_add_test(tcase, all_wait_for_the_bus);
        tcase_add_test(tcase, freed_while_it_waits);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
