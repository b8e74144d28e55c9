/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "ledger.h"
#include "strv.h"
#include "suite.h"

static struct ledger ledger;

static void teardown(void) {
        ledger_done(&ledger);
}

/* A regression of that unit, open for these. */
static void open_for(const char *about, char *const *keys) {
        _cleanup_(event_unrefp) struct event *event = event_new(EVENT_REGRESSED, about, "257");

        ck_assert_ptr_nonnull(event);
        for (; *keys; keys++) {
                struct entry *entry = ledger_add(&ledger, *keys);

                ck_assert_ptr_nonnull(entry);
                ck_assert_int_eq(ledger_set_regression(&ledger, entry, event, 1), 0);
        }
}

static int note(const struct entry *entry, void *userdata) {
        char ***told = userdata;

        return strv_extend(told, entry->key);
}

static void assert_walk(const char *expected) {
        _cleanup_(strv_freep) char **told = NULL;
        char text[1024] = "";

        ck_assert_int_eq(ledger_each_regression(&ledger, note, &told), 0);
        for (char **key = told; key && *key; key++) {
                strcat(text, *key);
                strcat(text, " ");
        }
        ck_assert_str_eq(text, expected);
}

START_TEST(each_event_once) {
        static char *const many[] = { (char *) "b.service", (char *) "c.service", (char *) "a.service", NULL };
        static char *const one[] = { (char *) "d.service", NULL };

        assert_walk("");
        open_for("b.service", many);
        open_for("d.service", one);
        ck_assert_ptr_nonnull(ledger_add(&ledger, "fine.service"));
        assert_walk("b.service d.service ");
        /* And another time. */
        assert_walk("b.service d.service ");
        ck_assert_uint_eq(ledger.n_regressed, 4);
}
END_TEST

/* What the event is about was accepted: the first of the others stands for it. */
START_TEST(the_first_of_the_others) {
        static char *const many[] = { (char *) "c.service", (char *) "b.service", (char *) "a.service", NULL };

        open_for("b.service", many);
        ledger_clear_regression(&ledger, ledger_get(&ledger, "b.service"));
        assert_walk("a.service ");
        ledger_remove(&ledger, ledger_get(&ledger, "b.service"));
        assert_walk("a.service ");
        ledger_remove(&ledger, ledger_get(&ledger, "a.service"));
        assert_walk("c.service ");
        /* What it is about has another one. */
        open_for("b.service", (char *const[]) { (char *) "b.service", NULL });
        assert_walk("b.service c.service ");
}
END_TEST

static int refuse(const struct entry *entry, void *userdata) {
        (void) entry;
        ++*(unsigned *) userdata;
        return -EIO;
}

START_TEST(a_walk_that_is_refused) {
        unsigned n = 0;

        open_for("a.service", (char *const[]) { (char *) "a.service", NULL });
        open_for("b.service", (char *const[]) { (char *) "b.service", NULL });
        ck_assert_int_eq(ledger_each_regression(&ledger, refuse, &n), -EIO);
        ck_assert_uint_eq(n, 1);
}
END_TEST

#define FEW 2000U
#define FACTOR 16U

static int count(const struct entry *entry, void *userdata) {
        (void) entry;
        ++*(unsigned *) userdata;
        return 0;
}

/* What a walk costs, in ns of this process, at best. Each regression is about a unit that is not remembered. */
static uint64_t cost(unsigned n) {
        uint64_t best = UINT64_MAX;

        for (unsigned i = ledger.n_regressed; i < n; i++) {
                char key[32];

                (void) snprintf(key, sizeof(key), "%06u.service", i);
                open_for("gone.service", (char *const[]) { key, NULL });
        }
        for (unsigned i = 0; i < 5; i++) {
                struct timespec begin, end;
                unsigned told = 0;
                uint64_t nsec;

                ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin), 0);
                ck_assert_int_eq(ledger_each_regression(&ledger, count, &told), 0);
                ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end), 0);
                ck_assert_uint_eq(told, n);
                nsec = (uint64_t) (end.tv_sec - begin.tv_sec) * 1000000000U + (uint64_t) end.tv_nsec -
                       (uint64_t) begin.tv_nsec;
                best = nsec < best ? nsec : best;
        }
        return best;
}

/* Sixteen times as many cost some sixteen times as much, and not 256 times. */
START_TEST(a_walk_is_linear) {
        uint64_t few = cost(FEW), many = cost(FACTOR * FEW);

        ck_assert_msg(many < few * FACTOR * FACTOR / 2, "%llu ns for %u, %llu ns for %u", (unsigned long long) few,
                      FEW, (unsigned long long) many, FACTOR * FEW);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ledger");
        TCase *tcase = tcase_create("ledger");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, NULL, teardown);
        tcase_add_test(tcase, each_event_once);
        tcase_add_test(tcase, the_first_of_the_others);
        tcase_add_test(tcase, a_walk_that_is_refused);
        tcase_add_test(tcase, a_walk_is_linear);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
