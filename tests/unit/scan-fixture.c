/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "capture.h"
#include "scan-fixture.h"

struct scan_fixture t;

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

void scan_set_up(void) {
        ck_assert_int_eq(scan_new(&t.scan, NULL, &t.units, 1000, &ops, &t), 0);
        capture_start();
}

void scan_tear_down(void) {
        free(capture_end());
        ck_assert_ptr_null(scan_free(t.scan));
        unit_table_done(&t.units);
        t.read = strv_free(t.read);
        t.gone = strv_free(t.gone);
}

void list_names(const char *const *names) {
        ck_assert(t.reader.listing);
        t.reader.listing = false;
        for (; *names; names++)
                scan_unit_listed(t.scan, *names, true);
        scan_list_ended(t.scan, 0);
}

void end_read(const char *name, enum read_result result) {
        struct reading reading;
        char copy[64];

        (void) snprintf(copy, sizeof(copy), "%s", name);
        reading_init(&reading);
        fake_reader_end(&t.reader, copy);
        scan_read_ended(t.scan, copy, result, &reading, "Problem");
        reading_done(&reading);
}

void read_all(void) {
        while (t.reader.n_reads > 0)
                end_read(t.reader.reads[0], READ_DONE);
}

void forget(void) {
        t.read = strv_free(t.read);
        t.gone = strv_free(t.gone);
        t.reader.n_lists = t.reader.n_reads_ever = 0;
        t.n_sweeps = t.n_stale = 0;
}

void start_names(const char *const *names) {
        scan_set_reader(t.scan, &t.reader);
        fake_time_pass(0);
        list_names(names);
        read_all();
        ck_assert_uint_eq(t.n_sweeps, 1);
        ck_assert(!scan_state(t.scan)->sweeping);
        fake_time_pass(10 * USEC_PER_SEC);
        forget();
}

void asked_names(const char *const *names) {
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
