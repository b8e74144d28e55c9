/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "capture.h"
#include "fake-reader.h"
#include "fake-timer.h"
#include "scan.h"
#include "suite.h"

#define SETTLE (20 * USEC_PER_MSEC)

static struct {
        struct unit_table units;
        struct scan *scan;
        struct reader reader;
        char **read, **gone;    /* names that were told */
        unsigned n_stale, n_sweeps, n_restarted, n_state;
        uint64_t duration;      /* of the last sweep */
} t;

static void on_read(void *userdata, struct unit *unit, struct reading *reading) {
        ck_assert_ptr_eq(userdata, &t);
        ck_assert_ptr_nonnull(reading);
        ck_assert_int_eq(strv_extend(&t.read, unit->name), 0);
}

static void on_stale(void *userdata, struct unit *unit) {
        (void) userdata, (void) unit;
        t.n_stale++;
}

static void on_gone(void *userdata, struct unit *unit) {
        (void) userdata;
        ck_assert_ptr_eq(unit_table_get(&t.units, unit->name), unit);
        ck_assert_int_eq(strv_extend(&t.gone, unit->name), 0);
}

static void on_sweep(void *userdata, uint64_t duration) {
        (void) userdata;
        t.n_sweeps++;
        t.duration = duration;
}

static void on_restarted(void *userdata, uint64_t began, uint64_t now) {
        (void) userdata, (void) began, (void) now;
        t.n_restarted++;
}

static void on_state(void *userdata) {
        (void) userdata;
        t.n_state++;
}

static const struct scan_ops ops = {
        .unit_read = on_read,
        .unit_stale = on_stale,
        .unit_gone = on_gone,
        .sweep_restarted = on_restarted,
        .sweep_done = on_sweep,
        .state_changed = on_state,
};

static void set_up(void) {
        ck_assert_int_eq(scan_new(&t.scan, NULL, &t.units, 1000, &ops, &t), 0);
        capture_start();
}

static void tear_down(void) {
        free(capture_end());
        ck_assert_ptr_null(scan_free(t.scan));
        unit_table_done(&t.units);
        t.read = strv_free(t.read);
        t.gone = strv_free(t.gone);
}

/* Answers the list that is under way with these loaded units, up to NULL. */
static void list_names(const char *const *names) {
        ck_assert(t.reader.listing);
        t.reader.listing = false;
        for (; *names; names++)
                scan_unit_listed(t.scan, *names, true);
        scan_list_ended(t.scan, 0);
}

#define LIST(...) list_names((const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

static void end_read(const char *name, enum read_result result) {
        struct reading reading;
        char copy[64];

        (void) snprintf(copy, sizeof(copy), "%s", name);
        reading_init(&reading);
        fake_reader_end(&t.reader, copy);
        scan_read_ended(t.scan, copy, result, &reading, "Problem");
        reading_done(&reading);
}

/* Reads whatever is wanted, until nothing is. */
static void read_all(void) {
        while (t.reader.n_reads > 0)
                end_read(t.reader.reads[0], READ_DONE);
}

static void forget(void) {
        t.read = strv_free(t.read);
        t.gone = strv_free(t.gone);
        t.reader.n_lists = t.reader.n_reads_ever = 0;
        t.n_sweeps = t.n_stale = 0;
}

/* A scan that has swept these units, and rested. */
static void start_names(const char *const *names) {
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        list_names(names);
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert(!scan_state(t.scan)->sweeping);
        fake_time_pass(10 * USEC_PER_SEC);
        forget();
}

#define START(...) start_names((const char *const[]) { __VA_ARGS__ __VA_OPT__(,) NULL })

/* The list that is under way asks for just these, in any order. */
static void asked_names(const char *const *names) {
        size_t n = 0;

        ck_assert(t.reader.listing);
        ck_assert(!t.reader.full);
        for (; names[n]; n++) {
                bool found = false;

                for (size_t i = 0; i < t.reader.n_list_names; i++)
                        found = found || streq(t.reader.list_names[i], names[n]);
                ck_assert_msg(found, "%s was not asked for", names[n]);
        }
        ck_assert_uint_eq(t.reader.n_list_names, n);
}

#define ASKED(...) asked_names((const char *const[]) { __VA_ARGS__, NULL })

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

static bool is_stale(const char *name) {
        return unit_table_get(&t.units, name)->stale;
}

#define PROOF (10 * USEC_PER_SEC)

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

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, nothing_is_asked_before_it_may);
        tcase_add_test(tcase, first_sweep);
        tcase_add_test(tcase, no_units_at_all);
        tcase_add_test(tcase, rows_of_units_that_are_not_loaded);
        tcase_add_test(tcase, signals_of_a_burst_are_one_list);
        tcase_add_test(tcase, came_and_went);
        tcase_add_test(tcase, removed_is_believed_to_the_list_alone);
        tcase_add_test(tcase, candidate_that_is_not_loaded);
        tcase_add_test(tcase, doubt_during_a_read);
        tcase_add_test(tcase, stale_without_an_answer);
        tcase_add_test(tcase, stale_with_slow_answers);
        tcase_add_test(tcase, stale_without_a_list);
        tcase_add_test(tcase, soon_enough_is_never_stale);
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
        tcase_add_test(tcase, read_is_refused);
        tcase_add_test(tcase, refused_again_and_again);
        tcase_add_test(tcase, refused_once_in_a_while);
        tcase_add_test(tcase, gone_while_stale);
        tcase_add_test(tcase, answer_makes_no_sense);
        tcase_add_test(tcase, sweep_ends_with_units_that_cannot_be_read);
        tcase_add_test(tcase, read_again);
        tcase_add_test(tcase, each_unit_waits_once);
        tcase_add_test(tcase, gone_while_it_waits);
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
