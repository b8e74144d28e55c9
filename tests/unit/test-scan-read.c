/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "scan-fixture.h"

static bool is_stale(const char *name) {
        return unit_table_get(&t.units, name)->stale;
}

START_TEST(stale_without_an_answer) {
        START("a.service", "b.service");
        scan_set_reader(t.scan, NULL);
        fake_time_pass(PROOF - 1);
        ck_assert_uint_eq(t.n_stale, 0);
        fake_time_pass(1);
        ck_assert(is_stale("a.service") && is_stale("b.service"));
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 2);
        fake_time_pass(100 * PROOF);
        ck_assert_uint_eq(t.n_stale, 2);

        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        LIST("a.service", "b.service", "c.service");
        end_read("b.service", READ_DONE);
        ck_assert(is_stale("a.service") && !is_stale("b.service"));
        read_all();
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
        ck_assert_uint_eq(t.n_stale, 4);
        fake_time_pass(100 * PROOF);
        ck_assert_uint_eq(t.n_stale, 4);
}
END_TEST

/* Also from a reload to a sweep that takes too long. What came meanwhile is as it was read. */
START_TEST(stale_with_slow_answers) {
        START("a.service", "b.service");
        scan_set_reader(t.scan, NULL);
        fake_time_pass(PROOF / 2);
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        LIST("a.service", "b.service", "c.service");
        end_read("a.service", READ_DONE);
        fake_time_pass(PROOF / 2);
        ck_assert(!is_stale("a.service") && is_stale("b.service") && !is_stale("c.service"));
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 1);
        read_all();
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
        ck_assert_uint_eq(t.n_sweeps, 1);
}
END_TEST

START_TEST(stale_without_a_list) {
        START("a.service");
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        t.reader.listing = false;
        scan_list_ended(t.scan, -EIO);
        t.reader.list_fails = true;
        fake_time_pass(PROOF);
        ck_assert(is_stale("a.service"));
        t.reader.list_fails = false;
        fake_time_pass(100 * USEC_PER_SEC);
        LIST("a.service");
        read_all();
        ck_assert(!is_stale("a.service"));
        ck_assert(!scan_state(t.scan)->failed);
}
END_TEST

START_TEST(soon_enough_is_never_stale) {
        START("a.service");
        for (unsigned i = 0; i < 10; i++) {
                scan_set_reader(t.scan, NULL);
                fake_time_pass(PROOF / 2);
                scan_set_reader(t.scan, &t.reader);
                fake_time_pass(0);
                LIST("a.service");
                read_all();
                fake_time_pass(PROOF / 4);
        }
        /* that nobody had a reason to read it is none to doubt it */
        fake_time_pass(1000 * PROOF);
        scan_sweep(t.scan);
        fake_time_pass(100 * PROOF);
        ck_assert_uint_eq(t.n_stale, 0);
}
END_TEST

START_TEST(read_is_refused) {
        START("a.service", "b.service");
        scan_read_again(t.scan, "a.service");
        end_read("a.service", READ_REFUSED);
        ck_assert(unit_table_get(&t.units, "a.service")->stale);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 1);
        ck_assert_uint_eq(t.n_stale, 1);
        ck_assert_uint_eq(strv_length(t.read), 0);

        fake_time_pass(USEC_PER_SEC + SETTLE);
        ASKED("a.service");
        LIST("a.service");
        end_read("a.service", READ_DONE);
        ck_assert(!unit_table_get(&t.units, "a.service")->stale);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
        ck_assert_uint_eq(t.n_stale, 2);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
}
END_TEST

START_TEST(refused_again_and_again) {
        unsigned waits[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

        START("a.service");
        scan_read_again(t.scan, "a.service");
        for (size_t i = 0; i < ELEMENTSOF(waits); i++) {
                end_read("a.service", READ_REFUSED);
                fake_time_pass(waits[i] * USEC_PER_SEC - 1);
                ck_assert_uint_eq(t.reader.n_lists, i);
                fake_time_pass(SETTLE + 1);
                LIST("a.service");
        }
        ck_assert_uint_eq(t.n_stale, 1);
}
END_TEST

START_TEST(refused_once_in_a_while) {
        START("a.service");
        for (unsigned i = 0; i < 5; i++) {
                scan_read_again(t.scan, "a.service");
                end_read("a.service", READ_REFUSED);
                fake_time_pass(USEC_PER_SEC / 2);
                scan_read_again(t.scan, "a.service");
                end_read("a.service", READ_DONE);
                fake_time_pass(USEC_PER_SEC / 2 + SETTLE);
                ck_assert_uint_eq(t.reader.n_lists, 0);
        }
        scan_read_again(t.scan, "a.service");
        end_read("a.service", READ_REFUSED);
        fake_time_pass(USEC_PER_SEC + SETTLE);
        ASKED("a.service");
}
END_TEST

START_TEST(gone_while_stale) {
        START("a.service");
        scan_read_again(t.scan, "a.service");
        end_read("a.service", READ_REFUSED);
        fake_time_pass(USEC_PER_SEC + SETTLE);
        LIST();
        ck_assert_uint_eq(t.units.n_units, 0);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
        fake_time_pass(100 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 1);
}
END_TEST

/* What makes no sense now will not make sense the next time: nothing is asked until something changes. */
START_TEST(answer_makes_no_sense) {
        START("a.service", "b.service");
        scan_read_again(t.scan, "a.service");
        end_read("a.service", READ_INVALID);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 1);
        fake_time_pass(1000 * USEC_PER_SEC);
        ck_assert_uint_eq(t.reader.n_lists, 0);
        ck_assert_uint_eq(t.reader.n_reads_ever, 1);

        scan_read_again(t.scan, "a.service");
        end_read("a.service", READ_DONE);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
}
END_TEST

START_TEST(sweep_ends_with_units_that_cannot_be_read) {
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        LIST("a.service", "b.service", "c.service");
        end_read("a.service", READ_INVALID);
        end_read("b.service", READ_REFUSED);
        ck_assert_uint_eq(t.n_sweeps, 0);
        end_read("c.service", READ_NO_MEMORY);
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 3);
}
END_TEST

START_TEST(read_again) {
        START("a.service", "b.service");
        scan_read_again(t.scan, "unknown.service");
        ck_assert_uint_eq(t.reader.n_reads, 0);

        for (unsigned i = 0; i < 100; i++)
                scan_read_again(t.scan, "a.service");
        ck_assert_uint_eq(t.reader.n_reads, 1);
        /* what came after it had begun may be newer than what it read */
        read_all();
        ck_assert_uint_eq(t.reader.n_reads_ever, 2);
        ck_assert_uint_eq(t.reader.n_lists, 0);
}
END_TEST

START_TEST(each_unit_waits_once) {
        START("a.service", "b.service", "c.service", "d.service", "e.service");
        scan_read_again(t.scan, "a.service");
        scan_read_again(t.scan, "b.service");
        scan_read_again(t.scan, "c.service");
        scan_read_again(t.scan, "d.service");
        for (unsigned i = 0; i < 100; i++)
                scan_read_again(t.scan, "e.service");
        ck_assert_uint_eq(t.reader.n_reads, READER_CALLS_MAX);
        read_all();
        ck_assert_uint_eq(t.reader.n_reads_ever, 5);
}
END_TEST

/* Whichever of those that wait goes, the others are read. */
START_TEST(gone_while_it_waits) {
        static const char *const waiting[] = { "e.service", "f.service", "g.service", "h.service" };

        for (size_t i = 0; i < ELEMENTSOF(waiting); i++) {
                START("a.service", "b.service", "c.service", "d.service", "e.service", "f.service",
                      "g.service", "h.service");
                for (size_t k = 0; k < t.units.n_units; k++)
                        scan_read_again(t.scan, t.units.units[k]->name);
                scan_unit_removed(t.scan, waiting[i]);
                fake_time_pass(SETTLE);
                end_read("a.service", READ_DONE);
                LIST();
                ck_assert_str_eq(t.gone[0], waiting[i]);
                scan_read_again(t.scan, "a.service");
                read_all();
                ck_assert(!strv_contains(t.read, waiting[i]));
                ck_assert_uint_eq(strv_length(t.read), 8);
                forget();
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("scan-read");
        TCase *tcase = tcase_create("scan-read");

        tcase_add_checked_fixture(tcase, scan_set_up, scan_tear_down);
        tcase_add_test(tcase, stale_without_an_answer);
        tcase_add_test(tcase, stale_with_slow_answers);
        tcase_add_test(tcase, stale_without_a_list);
        tcase_add_test(tcase, soon_enough_is_never_stale);
        tcase_add_test(tcase, read_is_refused);
        tcase_add_test(tcase, refused_again_and_again);
        tcase_add_test(tcase, refused_once_in_a_while);
        tcase_add_test(tcase, gone_while_stale);
        tcase_add_test(tcase, answer_makes_no_sense);
        tcase_add_test(tcase, sweep_ends_with_units_that_cannot_be_read);
        tcase_add_test(tcase, read_again);
        tcase_add_test(tcase, each_unit_waits_once);
        tcase_add_test(tcase, gone_while_it_waits);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
