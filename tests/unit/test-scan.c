/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "scan-fixture.h"

START_TEST(nothing_is_asked_before_it_may) {
        scan_sweep(t.scan);
        scan_unit_loaded(t.scan, "a.service");
        scan_unit_removed(t.scan, "b.service");
        scan_unit_changed(t.scan, "c.service");
        scan_read_again(t.scan, "d.service");
        scan_advance(t.scan);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        ck_assert_uint_eq(t.units.n_units, 0);
}
END_TEST

START_TEST(first_sweep) {
        scan_set_reader(t.scan, &t.reader);
        /* it has not begun, but nothing is current before it has ended */
        ck_assert(scan_state(t.scan)->sweeping);
        ck_assert_uint_gt(t.n_state, 0);
        fake_time_pass(0);
        ck_assert(t.reader.listing && t.reader.full);
        ck_assert(scan_state(t.scan)->sweeping);
        LIST("a.service", "b.service", "c.service", "d.service", "e.service", "f.service");
        ck_assert_uint_eq(t.units.n_units, 6);
        ck_assert_uint_eq(t.reader.n_reads, READER_CALLS_MAX);

        end_read(t.reader.reads[2], READ_DONE);
        ck_assert_uint_eq(t.reader.n_reads, READER_CALLS_MAX);
        end_read(t.reader.reads[0], READ_DONE);
        end_read(t.reader.reads[0], READ_DONE);
        ck_assert_uint_eq(t.reader.n_reads, 3);
        ck_assert_uint_eq(t.n_sweeps, 0);
        read_all();
        ck_assert_uint_eq(strv_length(t.read), 6);
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(scan_state(t.scan)->sweeps, 1);
        ck_assert(!scan_state(t.scan)->sweeping);
        ck_assert_uint_eq(t.reader.n_lists, 1);
}
END_TEST

START_TEST(no_units_at_all) {
        START();
        ck_assert_uint_eq(t.units.n_units, 0);
}
END_TEST

START_TEST(rows_of_units_that_are_not_loaded) {
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_unit_listed(t.scan, "missing.service", false);
        scan_unit_listed(t.scan, "a.service", true);
        scan_list_ended(t.scan, 0);
        ck_assert_uint_eq(t.units.n_units, 1);

        /* and one that is listed, but loaded no more, is gone */
        read_all();
        scan_sweep(t.scan);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_unit_listed(t.scan, "a.service", false);
        scan_list_ended(t.scan, 0);
        ck_assert_uint_eq(t.units.n_units, 0);
        ck_assert_str_eq(t.gone[0], "a.service");
}
END_TEST

START_TEST(signals_of_a_burst_are_one_list) {
        START("a.service");
        for (unsigned i = 0; i < 100; i++) {
                scan_unit_loaded(t.scan, "b.service");
                scan_unit_loaded(t.scan, "c.service");
                scan_unit_loaded(t.scan, "a.service");
                scan_unit_changed(t.scan, "b.service");
        }
        fake_time_pass(SETTLE - 1);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        fake_time_pass(1);
        ASKED("a.service", "b.service", "c.service");
        LIST("a.service", "b.service", "c.service");
        read_all();
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 3);
        ck_assert_uint_eq(t.n_sweeps, 0);
}
END_TEST

START_TEST(came_and_went) {
        START("a.service");
        for (unsigned i = 0; i < 1000; i++) {
                char name[64];

                (void) snprintf(name, sizeof(name), "u%u.service", i);
                scan_unit_loaded(t.scan, name);
                scan_unit_removed(t.scan, name);
                scan_unit_changed(t.scan, name);
                scan_unit_removed(t.scan, name);
        }
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        ck_assert_uint_eq(t.reader.n_reads_ever, 0);
        ck_assert_uint_eq(t.units.n_units, 1);
}
END_TEST

START_TEST(removed_is_believed_to_the_list_alone) {
        START("a.service", "b.service");
        scan_unit_removed(t.scan, "a.service");
        scan_unit_removed(t.scan, "b.service");
        ck_assert_uint_eq(t.units.n_units, 2);
        fake_time_pass(SETTLE);
        ASKED("a.service", "b.service");
        LIST("b.service");
        ck_assert_uint_eq(strv_length(t.gone), 1);
        ck_assert_str_eq(t.gone[0], "a.service");
        /* what was in doubt is read again: it may have been loaded anew from other files */
        read_all();
        ck_assert_uint_eq(strv_length(t.read), 1);
        ck_assert_str_eq(t.read[0], "b.service");
}
END_TEST

START_TEST(candidate_that_is_not_loaded) {
        START("a.service");
        scan_unit_loaded(t.scan, "b.service");
        fake_time_pass(SETTLE);
        ASKED("b.service");
        LIST();
        ck_assert_uint_eq(t.units.n_units, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 0);
        ck_assert_uint_eq(strv_length(t.gone), 0);
}
END_TEST

/* Nothing is asked of a unit that may be loaded no more. */
START_TEST(doubt_during_a_read) {
        START("a.service");
        scan_read_again(t.scan, "a.service");
        ck_assert_uint_eq(t.reader.n_reads, 1);
        scan_unit_removed(t.scan, "a.service");
        ck_assert_uint_eq(t.reader.n_reads, 0);
        scan_read_again(t.scan, "a.service");
        ck_assert_uint_eq(t.reader.n_reads, 0);
        fake_time_pass(SETTLE);
        ASKED("a.service");
        ck_assert_uint_eq(t.reader.n_reads, 0);
        LIST("a.service");
        end_read("a.service", READ_DONE);
        ck_assert_uint_eq(strv_length(t.read), 1);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 2);
}
END_TEST

START_TEST(change_of_a_known_unit_is_nothing) {
        START("a.service");
        for (unsigned i = 0; i < 100; i++)
                scan_unit_changed(t.scan, "a.service");
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        ck_assert_uint_eq(t.reader.n_reads_ever, 0);
}
END_TEST

START_TEST(reader_goes_and_comes_back) {
        uint64_t usec;

        START("a.service", "b.service", "c.service", "d.service", "e.service", "f.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        LIST("a.service", "b.service", "c.service", "d.service", "e.service", "f.service");
        end_read("a.service", READ_REFUSED);
        scan_unit_loaded(t.scan, "f.service");
        scan_set_reader(t.scan, NULL);
        t.reader.n_reads = 0;
        ck_assert(!scan_state(t.scan)->sweeping);
        scan_unit_loaded(t.scan, "g.service");
        scan_read_again(t.scan, "a.service");
        /* it does not wake up for nothing: once, when all is stale by then */
        fake_time_pass(PROOF);
        ck_assert(!fake_time_next(&usec));
        ck_assert_uint_eq(t.reader.n_lists, 1);
        ck_assert_uint_eq(t.reader.n_reads, 0);
        ck_assert_uint_eq(t.units.n_units, 6);

        fake_time_pass(1000 * USEC_PER_SEC);
        scan_set_reader(t.scan, &t.reader);
        scan_advance(t.scan);
        ck_assert_uint_eq(t.reader.n_reads, 0);
        fake_time_pass(0);
        ck_assert(t.reader.listing && t.reader.full);
        LIST("b.service", "g.service");
        /* What the first sweep found belongs to the second. */
        ck_assert_uint_eq(t.n_restarted, 1);
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_lt(t.duration, USEC_PER_SEC);
        ck_assert_uint_eq(t.units.n_units, 2);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
}
END_TEST

START_TEST(reader_goes_during_a_list) {
        START("a.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_set_reader(t.scan, NULL);
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        ck_assert_uint_eq(t.reader.n_lists, 2);
        LIST("a.service");
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 1);
}
END_TEST

START_TEST(reader_goes_before_a_retry) {
        uint64_t usec;

        START("a.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_list_ended(t.scan, -EIO);
        scan_set_reader(t.scan, NULL);
        fake_time_pass(PROOF);
        ck_assert(!fake_time_next(&usec));
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        ck_assert(scan_state(t.scan)->failed);
        LIST("a.service");
        ck_assert(!scan_state(t.scan)->failed);
}
END_TEST

/* Room in the reader, as after a look-up, ends no sweep. */
START_TEST(room_during_a_list) {
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        scan_advance(t.scan);
        ck_assert_uint_eq(t.n_sweeps, 0);
        LIST();
        ck_assert_uint_eq(t.n_sweeps, 1);
}
END_TEST

/* A list that was under way does not count for a sweep that is asked for now. */
START_TEST(sweep_during_a_list) {
        START("a.service");
        scan_unit_loaded(t.scan, "b.service");
        fake_time_pass(SETTLE);
        scan_sweep(t.scan);
        LIST("b.service");
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 0);
        fake_time_pass(USEC_PER_SEC);
        ck_assert(t.reader.listing && t.reader.full);
        LIST("a.service", "b.service");
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(t.reader.n_reads_ever, 3);
}
END_TEST

START_TEST(sweep_during_a_sweep) {
        START("a.service");
        scan_sweep(t.scan);
        fake_time_pass(0);
        LIST("a.service");
        scan_sweep(t.scan);
        end_read("a.service", READ_DONE);
        ck_assert_uint_eq(t.n_sweeps, 0);
        fake_time_pass(0);
        LIST("a.service");
        end_read("a.service", READ_DONE);
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(scan_state(t.scan)->sweeps, 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("scan");
        TCase *tcase = tcase_create("scan");

        tcase_add_checked_fixture(tcase, scan_set_up, scan_tear_down);
        tcase_add_test(tcase, nothing_is_asked_before_it_may);
        tcase_add_test(tcase, first_sweep);
        tcase_add_test(tcase, no_units_at_all);
        tcase_add_test(tcase, rows_of_units_that_are_not_loaded);
        tcase_add_test(tcase, signals_of_a_burst_are_one_list);
        tcase_add_test(tcase, came_and_went);
        tcase_add_test(tcase, removed_is_believed_to_the_list_alone);
        tcase_add_test(tcase, candidate_that_is_not_loaded);
        tcase_add_test(tcase, doubt_during_a_read);
        tcase_add_test(tcase, change_of_a_known_unit_is_nothing);
        tcase_add_test(tcase, reader_goes_and_comes_back);
        tcase_add_test(tcase, reader_goes_during_a_list);
        tcase_add_test(tcase, reader_goes_before_a_retry);
        tcase_add_test(tcase, room_during_a_list);
        tcase_add_test(tcase, sweep_during_a_list);
        tcase_add_test(tcase, sweep_during_a_sweep);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
