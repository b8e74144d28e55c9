/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "acceptance.h"
#include "announce.h"
#include "archive.h"
#include "capture.h"
#include "fake-timer.h"
#include "manager.h"
#include "memory.h"
#include "prune.h"
#include "scan.h"
#include "settle.h"
#include "status.h"
#include "suite.h"
#include "temp.h"

/* What becomes of news while memory is short: each is told, once. */

#define SETTLE (5 * USEC_PER_SEC)
#define HOUR (3600 * USEC_PER_SEC)
#define UNIT "a.service"

static struct manager m;
static struct store *store;
static char *folder;
static char told[4096];         /* a line an event: "regressed a.service" */

/* Check takes memory for each assertion: while that is short it is noted here that one would have failed. */
static bool wrong;

/* The job that waits for the archive. */
static struct {
        archive_run_fn run;
        archive_done_fn done;
        void *data;
} job;

/* What settle.c and acceptance.c call of others. */

int archive_submit(struct archive *archive, archive_run_fn run, archive_done_fn done, void *data) {
        (void) archive;
        wrong = wrong || job.run;
        job.run = run;
        job.done = done;
        job.data = data;
        return 0;
}

bool archive_take_renewed(struct archive *archive) {
        (void) archive;
        return false;
}

void announcer_mark(struct announcer *announcer) {
        (void) announcer;
}

void announce(struct manager *manager, struct event *event, bool kept) {
        size_t n = strlen(told);

        (void) kept;
        wrong = wrong || manager != &m;
        (void) snprintf(told + n, sizeof(told) - n, "%s %s\n", event_type_to_string(event->type), event->unit);
}

const struct scan_state *scan_state(const struct scan *scan) {
        static const struct scan_state state;

        (void) scan;
        return &state;
}

void prune_if_due(struct manager *manager) {
        (void) manager;
}

void status_changed(struct status *status) {
        (void) status;
}

void manager_worked(struct manager *manager) {
        (void) manager;
}

void manager_tell_settled(struct manager *manager, struct unit *unit) {
        (void) manager, (void) unit;
}

void manager_tell_all_settled(struct manager *manager) {
        (void) manager;
}

static bool no_syscall(const char *name, void *userdata) {
        (void) name, (void) userdata;
        return false;
}

/* Time passes, and what the archive is given is done. */
static void pass(uint64_t usec) {
        fake_time_pass(usec);
        while (job.run) {
                archive_run_fn run = job.run;

                job.run = NULL;
                job.done(&m, job.data, run(store, job.data));
                fake_time_pass(0);
        }
}

/* It is read, with these settings. */
static void is_read(bool private_tmp, bool no_new_privileges) {
        struct unit *unit = unit_table_get(&m.units, UNIT);
        struct assessment assessment;

        if (!unit)
                abort();
        facts_init(&unit->facts);
        unit->facts.private_tmp = private_tmp;
        unit->facts.no_new_privileges = no_new_privileges;
        assess(&m.model, &unit->facts, &assessment);
        unit->exposure = assessment.exposure;
        unit->assessed = true;
        unit->last_read = timer_realtime();
        settle_unit_read(m.settle, unit, true, timer_now());
}

static void set_up(void) {
        enum store_opened opened;

        capture_start();
        folder = temp_new();
        ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
        m = (struct manager) { .loaded = true, .config = { .settle_usec = SETTLE, .ratchet = true } };
        model_init(&m.model, 257, SCOPE_SYSTEM, NULL, no_syscall, NULL);
        m.systemd_version = strdup("257");
        ck_assert_int_ge(sd_event_new(&m.event), 0);
        ck_assert_int_eq(settle_new(&m.settle, &m), 0);
        ck_assert_int_eq(acceptances_new(&m.acceptances, &m), 0);
        ck_assert_ptr_nonnull(unit_table_add(&m.units, UNIT));
}

static void tear_down(void) {
        m.acceptances = acceptances_free(m.acceptances);
        m.settle = settle_free(m.settle);
        unit_table_done(&m.units);
        ledger_done(&m.ledger);
        model_done(&m.model);
        free(m.systemd_version);
        m.event = sd_event_unref(m.event);
        store = store_close(store);
        folder = temp_free(folder);
        told[0] = '\0';
        free(capture_end());
}

/* Told, and a regression is open if it is the last that was told. */
static void assert_told(const char *expected, size_t failed) {
        ck_assert_msg(!wrong, "allocation %zu failing", failed);
        ck_assert_msg(streq(told, expected), "told with allocation %zu failing:\n%sexpected:\n%s", failed, told,
                      expected);
        ck_assert_msg(m.ledger.n_regressed == (strncmp(told, "regressed", strlen("regressed")) == 0),
                      "%u open with allocation %zu failing", m.ledger.n_regressed, failed);
}

static void forget(void) {
        pass(HOUR);
        told[0] = '\0';
}

/* Scenarios: what was before, and what happens. */

static void nothing(void) {
}

static void is_known(void) {
        is_read(true, false);
        forget();
}

static void appears(void) {
        is_read(true, true);
        fake_time_pass(SETTLE);
}

static void becomes_weaker(void) {
        is_read(false, false);
        fake_time_pass(SETTLE);
}

static void becomes_better_and_worse(void) {
        is_read(false, true);
        fake_time_pass(SETTLE);
}

static void becomes_stronger(void) {
        is_read(true, true);
        fake_time_pass(SETTLE);
}

static void goes_since(uint64_t began) {
        struct unit *unit = unit_table_get(&m.units, UNIT);

        settle_unit_gone(m.settle, unit, began);
        unit_table_take(&m.units, unit);
        unit_free(unit);
        fake_time_pass(began + SETTLE - timer_now());
}

static void goes(void) {
        goes_since(timer_now());
}

static void is_weak(void) {
        is_known();
        becomes_weaker();
        forget();
}

/* Who is refused for want of memory asks again. */
static void accept_until(uint64_t until) {
        char id[EVENT_ID_SIZE];
        int r;

        r = accept_unit(&m, UNIT, "it has to be", until, 0, id);
        if (r == -ENOMEM)
                r = accept_unit(&m, UNIT, "it has to be", until, 0, id);
        wrong = wrong || r != ACCEPTED;
}

static void is_accepted(void) {
        accept_until(0);
}

static void is_accepted_for_an_hour(void) {
        accept_until(timer_realtime() + HOUR);
}

static void was_accepted_for_an_hour(void) {
        is_weak();
        is_accepted_for_an_hour();
        pass(SETTLE);
        told[0] = '\0';
}

/* No facts alone are what comes back. */
static void was_accepted_and_better(void) {
        is_read(true, false);
        forget();
        becomes_better_and_worse();
        forget();
        becomes_weaker();
        pass(0);
        is_accepted_for_an_hour();
        pass(SETTLE);
        told[0] = '\0';
}

static void was_accepted_and_mended(void) {
        was_accepted_for_an_hour();
        is_read(true, false);
        pass(SETTLE);
        told[0] = '\0';
}

static void was_accepted_and_is_gone(void) {
        was_accepted_for_an_hour();
        goes();
        pass(SETTLE);
        told[0] = '\0';
}

/* By the clock of the event loop all of this is long ago: a timer that is set fires at once. */
static void acceptance_ends(void) {
        fake_time_pass(HOUR);
        acceptances_advance(m.acceptances);
        fake_time_pass(2 * USEC_PER_SEC);
        wrong = wrong || sd_event_run(m.event, 0) < 0;
}

static const struct {
        void (*before)(void), (*happens)(void);
        const char *told;
} scenarios[] = {
        { nothing, appears, "appeared " UNIT "\n" },
        { is_known, becomes_weaker, "regressed " UNIT "\n" },
        { is_known, becomes_better_and_worse, "regressed " UNIT "\n" },
        { is_known, becomes_stronger, "improved " UNIT "\n" },
        { is_known, goes, "gone " UNIT "\n" },
        { is_weak, goes, "gone " UNIT "\n" },
        { is_weak, becomes_stronger, "improved " UNIT "\n" },
        { is_weak, is_accepted, "accepted " UNIT "\n" },
        { is_weak, is_accepted_for_an_hour, "accepted " UNIT "\n" },
        { was_accepted_for_an_hour, acceptance_ends, "regressed " UNIT "\n" },
        { was_accepted_and_better, acceptance_ends, "regressed " UNIT "\n" },
        { was_accepted_and_mended, acceptance_ends, "" },
        { was_accepted_and_is_gone, acceptance_ends, "" },
};

/* Whatever allocation fails, once. */
START_TEST(each_is_told_once) {
        size_t tried = 1;

        for (size_t n = 0; n <= tried; n++) {
                set_up();
                scenarios[_i].before();
                memory_fail_once(n);
                scenarios[_i].happens();
                pass(0);
                tried = memory_return();
                for (unsigned i = 0; i < 60; i++)
                        pass(USEC_PER_SEC);
                assert_told(scenarios[_i].told, n);
                tear_down();
        }
}
END_TEST

/* What a sweep finds settles from its beginning, however long it takes. */
START_TEST(found_gone_by_a_sweep) {
        uint64_t began;

        set_up();
        is_known();
        began = timer_now();
        fake_time_pass(SETTLE / 2);
        goes_since(began);
        pass(0);
        assert_told("gone " UNIT "\n", 0);
        tear_down();
}
END_TEST

/* While nothing succeeds, or not enough of it, it is tried now and then, and not all the time. */
START_TEST(short_memory_is_waited_for) {
        set_up();
        is_known();
        if (_i == 0)
                memory_run_out();
        else
                memory_run_out_for_arrays();
        is_read(false, false);
        fake_time_pass(SETTLE + 20 * USEC_PER_SEC);
        ck_assert_uint_gt(memory_return(), 5);
        ck_assert_ptr_null(job.run);
        pass(2 * USEC_PER_SEC);
        assert_told("regressed " UNIT "\n", 0);
        tear_down();
}
END_TEST

/* What is weaker now may be as it was when the reload has ended. */
START_TEST(nothing_is_judged_during_a_reload) {
        set_up();
        is_known();
        is_read(false, false);
        m.busy = BUSY_RELOADING;
        pass(2 * SETTLE);
        assert_told("", 0);
        m.ready = true;
        is_read(_i == 0, false);
        settle_advance(m.settle);
        pass(SETTLE);
        assert_told(_i == 0 ? "" : "regressed " UNIT "\n", 0);
        tear_down();
}
END_TEST

static int count_regression(void *userdata, const struct store_regression *regression) {
        (void) regression;
        ++*(unsigned *) userdata;
        return 0;
}

/* What is being told of something else is open still, here and in the database. */
START_TEST(acceptance_ends_meanwhile) {
        unsigned n = 0;

        set_up();
        is_read(true, true);
        forget();
        is_read(false, true);
        pass(SETTLE);
        is_accepted_for_an_hour();
        forget();
        is_read(true, false);
        fake_time_pass(SETTLE);
        ck_assert_ptr_nonnull(job.run);
        acceptance_ends();
        ck_assert_uint_eq(ledger_get(&m.ledger, UNIT)->until, 0);
        for (unsigned i = 0; i < 5; i++)
                pass(USEC_PER_SEC);
        assert_told("regressed " UNIT "\n", 0);
        ck_assert_int_eq(store_each_regression(store, count_regression, &n), 0);
        ck_assert_uint_eq(n, 1);
        tear_down();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("settle");
        TCase *tcase = tcase_create("settle");

        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, each_is_told_once, 0, ELEMENTSOF(scenarios));
        tcase_add_loop_test(tcase, short_memory_is_waited_for, 0, 2);
        tcase_add_loop_test(tcase, nothing_is_judged_during_a_reload, 0, 2);
        tcase_add_test(tcase, acceptance_ends_meanwhile);
        tcase_add_test(tcase, found_gone_by_a_sweep);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
