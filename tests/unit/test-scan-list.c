/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "scan-fixture.h"

/* The reader has room for four calls, and a list is one of them. */
START_TEST(list_waits_for_room) {
        START("a.service", "b.service", "c.service", "d.service", "e.service");
        for (size_t i = 0; i < t.units.n_units; i++)
                scan_read_again(t.scan, t.units.units[i]->name);
        scan_unit_loaded(t.scan, "x.service");
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_reads, READER_CALLS_MAX);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        /* it comes before the read that waits, too */
        end_read("a.service", READ_DONE);
        ASKED("x.service");
        ck_assert_uint_eq(t.reader.n_reads, READER_CALLS_MAX - 1);
        LIST("x.service");
        read_all();
        ck_assert_uint_eq(strv_length(t.read), 6);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
}
END_TEST

START_TEST(list_waits_for_reads_that_are_dropped) {
        START("a.service", "b.service", "c.service", "d.service");
        for (size_t i = 0; i < t.units.n_units; i++)
                scan_read_again(t.scan, t.units.units[i]->name);
        scan_unit_loaded(t.scan, "x.service");
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        scan_unit_removed(t.scan, "c.service");
        ASKED("c.service", "x.service");
        LIST("c.service", "x.service");
        read_all();
        ck_assert_uint_eq(t.reader.n_lists, 1);
}
END_TEST

START_TEST(doubt_while_it_waits) {
        START("a.service", "b.service", "c.service", "d.service", "e.service");
        for (size_t i = 0; i < t.units.n_units; i++)
                scan_read_again(t.scan, t.units.units[i]->name);
        scan_unit_removed(t.scan, "e.service");
        read_all();
        ck_assert(!strv_contains(t.read, "e.service"));
        fake_time_pass(SETTLE);
        ASKED("e.service");
        LIST("e.service");
        read_all();
        ck_assert(strv_contains(t.read, "e.service"));
        ck_assert_uint_eq(t.reader.n_reads_ever, 5);
}
END_TEST

START_TEST(doubt_and_gone) {
        START("a.service");
        scan_read_again(t.scan, "a.service");
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        LIST();
        ck_assert_uint_eq(t.units.n_units, 0);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 1);
}
END_TEST

/* It was not said to be gone, but a sweep finds that it is. */
START_TEST(gone_during_a_read) {
        START("a.service", "b.service");
        scan_read_again(t.scan, "a.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        LIST("b.service");
        ck_assert_uint_eq(t.units.n_units, 1);
        read_all();
        ck_assert(!strv_contains(t.read, "a.service"));
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 2);
}
END_TEST

/* What was read of it before it was loaded anew is of no use. */
START_TEST(gone_and_back_during_a_read) {
        START("a.service");
        scan_read_again(t.scan, "a.service");
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        LIST();
        scan_unit_loaded(t.scan, "a.service");
        fake_time_pass(SETTLE);
        LIST("a.service");
        ck_assert_uint_eq(t.reader.n_reads, 1);
        end_read("a.service", READ_DONE);
        ck_assert_uint_eq(strv_length(t.read), 1);
}
END_TEST

/* A list answers for what was asked when it was called, not for what came later. */
START_TEST(signals_during_a_list) {
        START("a.service", "b.service");
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        ASKED("a.service");
        scan_unit_removed(t.scan, "b.service");
        scan_unit_loaded(t.scan, "c.service");
        LIST("a.service");
        ck_assert_uint_eq(t.units.n_units, 2);
        fake_time_pass(SETTLE);
        ASKED("b.service", "c.service");
        LIST("c.service");
        ck_assert_uint_eq(t.units.n_units, 2);
        ck_assert_ptr_null(unit_table_get(&t.units, "b.service"));
}
END_TEST

/* Signals that never end do not put the list off. */
START_TEST(signals_without_end) {
        START("a.service");
        for (unsigned i = 0; i < 100 && !t.reader.listing; i++) {
                scan_unit_removed(t.scan, "a.service");
                fake_time_pass(SETTLE / 4);
                ck_assert_uint_lt(i, 5);
        }
        ASKED("a.service");
}
END_TEST

/* A list that takes long is not asked for again at once. */
START_TEST(rest_after_a_list) {
        START("a.service");
        scan_unit_loaded(t.scan, "b.service");
        fake_time_pass(SETTLE);
        fake_time_pass(50 * USEC_PER_MSEC);
        LIST("b.service");
        scan_unit_loaded(t.scan, "c.service");
        fake_time_pass(500 * USEC_PER_MSEC - 1);
        ck_assert(!t.reader.listing);
        fake_time_pass(1);
        ASKED("c.service");

        /* at most a second */
        fake_time_pass(5 * USEC_PER_SEC);
        LIST("c.service");
        scan_unit_loaded(t.scan, "d.service");
        fake_time_pass(USEC_PER_SEC - 1);
        ck_assert(!t.reader.listing);
        fake_time_pass(1);
        ASKED("d.service");
}
END_TEST

START_TEST(list_fails) {
        unsigned waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

        START("a.service", "b.service");
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        t.n_state = 0;
        for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
                t.reader.listing = false;
                scan_list_ended(t.scan, -EIO);
                ck_assert(scan_state(t.scan)->failed);
                ck_assert_uint_eq(t.units.n_units, 2);
                ck_assert_uint_eq(strv_length(t.gone), 0);
                /* signals do not make it come sooner */
                scan_unit_loaded(t.scan, "c.service");
                scan_sweep(t.scan);
                fake_time_pass(waits[i] * USEC_PER_SEC - 1);
                ck_assert_msg(!t.reader.listing, "%u", waits[i]);
                fake_time_pass(1);
                ck_assert(t.reader.listing && t.reader.full);
                /* that it is tried again makes nothing better */
                ck_assert(scan_state(t.scan)->failed);
        }
        ck_assert_uint_gt(t.n_state, 0);
        LIST("a.service", "b.service", "c.service");
        read_all();
        ck_assert(!scan_state(t.scan)->failed);
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(t.units.n_units, 3);

        /* the next failure begins with a second again */
        scan_sweep(t.scan);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_list_ended(t.scan, -EIO);
        fake_time_pass(USEC_PER_SEC);
        ck_assert(t.reader.listing);
}
END_TEST

START_TEST(list_cannot_be_asked_for) {
        START("a.service");
        t.reader.list_fails = true;
        scan_sweep(t.scan);
        fake_time_pass(0);
        ck_assert(scan_state(t.scan)->failed);
        t.reader.list_fails = false;
        fake_time_pass(USEC_PER_SEC);
        LIST("a.service");
        read_all();
        ck_assert(!scan_state(t.scan)->failed);
        ck_assert_uint_eq(t.n_sweeps, 1);
}
END_TEST

/* Rows that came before the failure mean nothing. */
START_TEST(list_fails_half_way) {
        START("a.service", "b.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_unit_listed(t.scan, "a.service", true);
        scan_list_ended(t.scan, -EBADMSG);
        ck_assert_uint_eq(t.units.n_units, 2);
        ck_assert_uint_eq(strv_length(t.gone), 0);
        fake_time_pass(USEC_PER_SEC);
        LIST("b.service");
        read_all();
        ck_assert_uint_eq(t.units.n_units, 1);
        ck_assert_str_eq(t.gone[0], "a.service");
        ck_assert_uint_eq(t.n_sweeps, 1);
}
END_TEST

static void load_many(unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "u%u.service", i);
                scan_unit_loaded(t.scan, name);
        }
}

START_TEST(candidates_up_to_the_limit) {
        START("a.service");
        load_many(READER_NAMES_MAX);
        fake_time_pass(SETTLE);
        ck_assert(t.reader.listing && !t.reader.full);
        ck_assert_uint_eq(t.reader.n_list_names, READER_NAMES_MAX);
}
END_TEST

/* More than can be asked for by name is a list of all; what was not in doubt is not read for it. */
START_TEST(candidates_overflow) {
        START("a.service", "b.service");
        load_many(READER_NAMES_MAX + 1);
        scan_unit_loaded(t.scan, "b.service");
        fake_time_pass(SETTLE);
        ck_assert(t.reader.listing && t.reader.full);
        LIST("a.service", "b.service", "u3.service");
        read_all();
        ck_assert_uint_eq(t.units.n_units, 3);
        ck_assert_uint_eq(strv_length(t.read), 2);
        ck_assert(strv_contains(t.read, "b.service"));
        ck_assert(strv_contains(t.read, "u3.service"));
        ck_assert_uint_eq(t.n_sweeps, 0);

        /* and the next one is by name again */
        fake_time_pass(SETTLE);
        scan_unit_loaded(t.scan, "c.service");
        fake_time_pass(SETTLE);
        ASKED("c.service");
}
END_TEST

START_TEST(doubtful_and_candidates_together_overflow) {
        START("a.service");
        load_many(READER_NAMES_MAX);
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        ck_assert(t.reader.listing && t.reader.full);
        LIST("u0.service");
        ck_assert_str_eq(t.gone[0], "a.service");
}
END_TEST

START_TEST(more_units_than_may_be_kept) {
        scan_set_units_max(t.scan, 2);
        START("a.service", "b.service", "c.service");
        ck_assert_uint_eq(t.units.n_units, 2);
        ck_assert(scan_state(t.scan)->overflow);

        scan_set_units_max(t.scan, 3);
        scan_sweep(t.scan);
        fake_time_pass(0);
        LIST("a.service", "b.service", "c.service");
        ck_assert_uint_eq(t.units.n_units, 3);
        ck_assert(!scan_state(t.scan)->overflow);
}
END_TEST

/* Where one goes, there is room for one that was left out. */
START_TEST(room_again) {
        scan_set_units_max(t.scan, 2);
        START("a.service", "b.service", "c.service");
        scan_unit_removed(t.scan, "a.service");
        fake_time_pass(SETTLE);
        LIST();
        read_all();
        fake_time_pass(10 * USEC_PER_SEC);
        ck_assert(t.reader.listing && t.reader.full);
        LIST("b.service", "c.service");
        read_all();
        ck_assert_uint_eq(t.units.n_units, 2);
        ck_assert_ptr_nonnull(unit_table_get(&t.units, "c.service"));
        ck_assert(!scan_state(t.scan)->overflow);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("scan-list");
        TCase *tcase = tcase_create("scan-list");

        tcase_add_checked_fixture(tcase, scan_set_up, scan_tear_down);
        tcase_add_test(tcase, list_waits_for_room);
        tcase_add_test(tcase, list_waits_for_reads_that_are_dropped);
        tcase_add_test(tcase, doubt_while_it_waits);
        tcase_add_test(tcase, doubt_and_gone);
        tcase_add_test(tcase, gone_during_a_read);
        tcase_add_test(tcase, gone_and_back_during_a_read);
        tcase_add_test(tcase, signals_during_a_list);
        tcase_add_test(tcase, signals_without_end);
        tcase_add_test(tcase, rest_after_a_list);
        tcase_add_test(tcase, list_fails);
        tcase_add_test(tcase, list_cannot_be_asked_for);
        tcase_add_test(tcase, list_fails_half_way);
        tcase_add_test(tcase, candidates_up_to_the_limit);
        tcase_add_test(tcase, candidates_overflow);
        tcase_add_test(tcase, doubtful_and_candidates_together_overflow);
        tcase_add_test(tcase, more_units_than_may_be_kept);
        tcase_add_test(tcase, room_again);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
