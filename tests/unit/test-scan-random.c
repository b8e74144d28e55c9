/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "capture.h"
#include "fake-reader.h"
#include "fake-timer.h"
#include "random.h"
#include "scan.h"
#include "suite.h"

/*
 * A manager that loads, changes and drops units at random, and a bus between it and the scan that keeps the
 * order of what the manager sends. When all is quiet the table must hold what is loaded, as it is.
 */
#define N_UNITS 40
#define EVENTS 400
#define ROUNDS 60
#define MESSAGES_MAX 4096

enum kind { SIGNAL_NEW, SIGNAL_REMOVED, SIGNAL_CHANGED, LIST_REPLY, READ_REPLY };

struct message {
        enum kind kind;
        unsigned unit;
        uint32_t version;               /* of READ_REPLY */
        unsigned id;
        enum read_result result;
        bool failed;                    /* of LIST_REPLY */
        bool listed[N_UNITS];
};

static struct {
        struct unit_table units;
        struct scan *scan;
        struct reader reader;
        bool loaded[N_UNITS];
        uint32_t version[N_UNITS];      /* of its settings; in facts the umask stands for it */
        struct message messages[MESSAGES_MAX];
        size_t n_messages, n_done;      /* sent, and of these handled by the scan */
        unsigned last_answered;         /* the read that was answered last, by its id */
        bool list_answered;
        unsigned file_events[N_UNITS];  /* these overtake what is on the bus */
        bool failing;                   /* calls may fail */
        unsigned n_unloaded, n_for_the_question; /* units dropped; reads of units that were not loaded */
} t;

static void name_of(unsigned unit, char name[static 64]) {
        (void) snprintf(name, 64, "unit-%u.service", unit);
}

static unsigned unit_of(const char *name) {
        unsigned unit;

        ck_assert_int_eq(sscanf(name, "unit-%u.service", &unit), 1);
        return unit;
}

static struct message *send_message(enum kind kind, unsigned unit) {
        ck_assert_uint_lt(t.n_messages, MESSAGES_MAX);
        t.messages[t.n_messages] = (struct message) { .kind = kind, .unit = unit };
        return &t.messages[t.n_messages++];
}

static void on_read(void *userdata, struct unit *unit, struct reading *reading) {
        (void) userdata;
        unit->facts.umask = reading->facts.umask;
        unit->assessed = true;
}

static void on_unit(void *userdata, struct unit *unit) {
        (void) userdata, (void) unit;
}

static void on_sweep(void *userdata, uint64_t duration) {
        (void) userdata, (void) duration;
}

static void on_state(void *userdata) {
        (void) userdata;
}

static void on_restarted(void *userdata, uint64_t began, uint64_t now) {
        (void) userdata, (void) began, (void) now;
}

static const struct scan_ops ops = {
        .unit_read = on_read,
        .unit_stale = on_unit,
        .unit_gone = on_unit,
        .sweep_restarted = on_restarted,
        .sweep_done = on_sweep,
        .state_changed = on_state,
};

/* The manager. */

static void manager_load(unsigned unit) {
        if (t.loaded[unit])
                return;
        t.loaded[unit] = true;
        t.version[unit]++;
        send_message(SIGNAL_NEW, unit);
        send_message(SIGNAL_CHANGED, unit);
}

static void manager_unload(unsigned unit) {
        if (!t.loaded[unit])
                return;
        t.loaded[unit] = false;
        t.n_unloaded++;
        send_message(SIGNAL_REMOVED, unit);
}

/* Sends no signal; a file tells of it. */
static void manager_set_property(unsigned unit) {
        if (!t.loaded[unit])
                return;
        t.version[unit]++;
        t.file_events[unit] += 1 + (unsigned) random_below(4);
}

static bool fails(void) {
        return t.failing && random_below(8) == 0;
}

static void manager_answer_list(void) {
        struct message *m;

        if (!t.reader.listing || t.list_answered)
                return;
        m = send_message(LIST_REPLY, 0);
        m->failed = fails();
        for (unsigned i = 0; i < N_UNITS; i++)
                m->listed[i] = t.loaded[i];
        t.list_answered = true;
}

/* A unit that is not loaded is, for the question alone. */
static void manager_answer_read(void) {
        struct message *m;
        unsigned unit;
        size_t i = 0;

        while (i < t.reader.n_reads && t.reader.ids[i] <= t.last_answered)
                i++;
        if (i == t.reader.n_reads)
                return;
        t.last_answered = t.reader.ids[i];
        unit = unit_of(t.reader.reads[i]);
        if (!t.loaded[unit])
                send_message(SIGNAL_NEW, unit);
        m = send_message(READ_REPLY, unit);
        m->version = t.version[unit];
        m->result = fails() ? READ_REFUSED : READ_DONE;
        m->id = t.last_answered;
        if (!t.loaded[unit]) {
                send_message(SIGNAL_REMOVED, unit);
                t.n_for_the_question++;
        }
}

/* The bus. */

static bool asked_for(unsigned unit) {
        for (size_t i = 0; i < t.reader.n_list_names; i++)
                if (unit_of(t.reader.list_names[i]) == unit)
                        return true;
        return t.reader.full;
}

static void deliver_list(const struct message *m) {
        t.reader.listing = t.list_answered = false;
        for (unsigned i = 0; i < N_UNITS; i++) {
                char name[64];

                name_of(i, name);
                if (m->listed[i] && asked_for(i) && !(m->failed && random_coin()))
                        scan_unit_listed(t.scan, name, true);
        }
        scan_list_ended(t.scan, m->failed ? -EIO : 0);
}

/* Who asked may not want to know any more. */
static void deliver_read(const struct message *m, const char *name) {
        struct reading reading;
        size_t i = 0;

        while (i < t.reader.n_reads && t.reader.ids[i] != m->id)
                i++;
        if (i == t.reader.n_reads)
                return;
        reading_init(&reading);
        reading.facts.umask = m->version;
        fake_reader_end(&t.reader, name);
        scan_read_ended(t.scan, name, m->result, &reading, "Problem");
        reading_done(&reading);
}

static bool deliver(void) {
        const struct message *m = &t.messages[t.n_done];
        char name[64];

        if (t.n_done == t.n_messages)
                return false;
        t.n_done++;
        name_of(m->unit, name);
        if (m->kind == SIGNAL_NEW)
                scan_unit_loaded(t.scan, name);
        else if (m->kind == SIGNAL_REMOVED)
                scan_unit_removed(t.scan, name);
        else if (m->kind == SIGNAL_CHANGED)
                scan_unit_changed(t.scan, name);
        else if (m->kind == LIST_REPLY)
                deliver_list(m);
        else
                deliver_read(m, name);
        return true;
}

/* One of each unit, beginning with this. */
static bool deliver_file_events(unsigned first) {
        bool any = false;

        for (unsigned i = 0; i < N_UNITS; i++) {
                unsigned unit = (first + i) % N_UNITS;
                char name[64];

                if (t.file_events[unit] == 0)
                        continue;
                t.file_events[unit]--;
                name_of(unit, name);
                scan_read_again(t.scan, name);
                any = true;
        }
        return any;
}

static void random_step(void) {
        unsigned unit = (unsigned) random_below(N_UNITS);

        switch (random_below(10)) {
        case 0: manager_load(unit); break;
        case 1: manager_unload(unit); break;
        case 2: manager_set_property(unit); break;
        case 3: manager_answer_list(); break;
        case 4:
        case 5: manager_answer_read(); break;
        case 6: fake_time_pass(random_below(100 * USEC_PER_MSEC)); break;
        case 7: deliver_file_events(unit); break;
        default: deliver();
        }
}

/* Nothing changes any more: until nothing moves. */
static void settle(void) {
        uint64_t usec;

        t.failing = false;
        for (unsigned i = 0; i < 100000; i++) {
                manager_answer_list();
                manager_answer_read();
                if (deliver() || deliver_file_events(0))
                        continue;
                if (!fake_time_next(&usec))
                        return;
                fake_time_pass(usec);
        }
        ck_abort_msg("It never ends");
}

static void assert_table(void) {
        unsigned n = 0;

        for (unsigned i = 0; i < N_UNITS; i++) {
                struct unit *unit;
                char name[64];

                name_of(i, name);
                unit = unit_table_get(&t.units, name);
                ck_assert_msg((unit != NULL) == t.loaded[i], "%s is %sloaded", name,
                              t.loaded[i] ? "" : "not ");
                n += t.loaded[i];
                if (!unit)
                        continue;
                ck_assert(unit->assessed && !unit->stale);
                ck_assert_msg(unit->facts.umask == t.version[i], "%s: version %u, not %u", name,
                              unit->facts.umask, t.version[i]);
        }
        ck_assert_uint_eq(t.units.n_units, n);
        ck_assert(!scan_state(t.scan)->failed);
        ck_assert(!scan_state(t.scan)->sweeping);
        ck_assert_uint_eq(scan_state(t.scan)->n_stale, 0);
}

static void run_round(bool failing) {
        memset(&t, 0, sizeof(t));
        t.failing = failing;
        for (unsigned i = 0; i < N_UNITS; i++)
                t.loaded[i] = random_coin();
        ck_assert_int_eq(scan_new(&t.scan, NULL, &t.units, 1000, &ops, &t), 0);
        scan_set_reader(t.scan, &t.reader);
        for (unsigned i = 0; i < EVENTS; i++)
                random_step();
        settle();
        assert_table();
        /* only what was asked while the news was on its way */
        ck_assert_uint_le(t.n_for_the_question, t.n_unloaded);
        scan_free(t.scan);
        unit_table_done(&t.units);
}

START_TEST(random_changes) {
        for (unsigned i = 0; i < ROUNDS; i++)
                run_round(false);
}
END_TEST

START_TEST(random_changes_and_failures) {
        capture_start();
        for (unsigned i = 0; i < ROUNDS; i++)
                run_round(true);
        free(capture_end());
}
END_TEST

int main(void) {
        Suite *suite = suite_create("scan-random");
        TCase *tcase = tcase_create("random");

        random_start();
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, random_changes);
        tcase_add_test(tcase, random_changes_and_failures);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
