/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#include "cause.h"
#include "cause-scenarios.h"
#include "diff.h"
#include "memory.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"
#include "timer.h"

static void take_step(const char *folder, const struct step *step) {
        _cleanup_(freep) char *path = temp_path(folder, step->entry);

        switch (step->kind) {
        case WRITE:
                temp_write(folder, step->entry, step->text);
                break;
        case PRIVATE:
                if (step->text)
                        temp_write(folder, step->entry, step->text);
                ck_assert_int_eq(chmod(path, 0600), 0);
                break;
        case LINK:
                temp_symlink(folder, step->entry, step->text);
                break;
        case REMOVE:
                temp_remove(folder, step->entry);
                break;
        case RENAME:
                temp_rename(folder, step->entry, step->text);
                break;
        case TOUCH: {
                struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = atoi(step->text) } };

                ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
                break;
        }
        default:
                ck_abort();
        }
}

static void take_steps(const char *folder, const struct step *steps) {
        for (; steps->kind != END; steps++)
                take_step(folder, steps);
}

static struct snapshot take(const char *folder, const char *fragment, const char *const *drop_ins) {
        _cleanup_(freep) char *path = fragment ? temp_path(folder, fragment) : NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        struct snapshot snapshot;

        for (; *drop_ins; drop_ins++) {
                _cleanup_(freep) char *drop_in = temp_path(folder, *drop_ins);

                ck_assert_int_eq(strv_extend(&paths, drop_in), 0);
        }
        ck_assert_int_eq(snapshot_take(&snapshot, path, paths, false), 0);
        return snapshot;
}

/* As the scenarios have them. */
static char *causes_text(const char *folder, const struct causes *causes) {
        size_t prefix = strlen(folder) + 1, size;
        char *text;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        for (size_t i = 0; i < causes->n_causes; i++) {
                const struct cause *cause = &causes->causes[i];

                fprintf(f, "%s %s\n", cause->change, *cause->path ? cause->path + prefix : "");
                for (char **line = cause->lines; line && *line; line++)
                        fprintf(f, "%s\n", *line);
        }
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static void assert_causes(const char *folder, const struct snapshot *before, const struct snapshot *now,
                          bool manager_changed, const char *name, const char *expected) {
        _cleanup_(causes_done) struct causes causes = {};
        _cleanup_(freep) char *text = NULL;

        ck_assert_int_eq(causes_find(before, now, manager_changed, &causes), 0);
        text = causes_text(folder, &causes);
        ck_assert_msg(streq(text, expected), "%s:\n%sexpected:\n%s", name, text, expected);
}

static void copy_by_store(struct snapshot *snapshot) {
        struct snapshot copy = {};

        for (size_t i = 0; i < snapshot->n_files; i++) {
                struct store_file file;

                file_state_to_store(&snapshot->files[i], &file);
                ck_assert_int_eq(snapshot_from_store(&copy, &file), 0);
        }
        snapshot_done(snapshot);
        *snapshot = copy;
}

START_TEST(each_scenario) {
        const struct scenario *s = &scenarios[_i];
        bool unknown = streq(s->causes, "unknown \n");
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};

        take_steps(folder, s->before);
        before = take(folder, s->fragment, s->drop_ins);
        take_steps(folder, s->change);
        now = take(folder, s->new_fragment, s->new_drop_ins);
        assert_causes(folder, &before, &now, false, s->name, s->causes);

        /* Another manager explains only what nothing else does. */
        assert_causes(folder, &before, &now, true, s->name, unknown ? "manager \n" : s->causes);

        /* A snapshot of an earlier run is as good. */
        copy_by_store(&before);
        assert_causes(folder, &before, &now, false, s->name, s->causes);
}
END_TEST

START_TEST(before_is_not_known) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot now = {};

        temp_write(folder, UNIT, SERVICE);
        now = take(folder, UNIT, (const char *[]) { NULL });
        assert_causes(folder, NULL, &now, false, "unknown", "unknown \n");
        assert_causes(folder, NULL, &now, true, "manager", "manager \n");
}
END_TEST

/* The kernel stamps files with a clock that may be some milliseconds late. */
#define CLOCK_USEC (100 * USEC_PER_MSEC)

static uint64_t only_time(const struct snapshot *before, const struct snapshot *now, const char *change) {
        _cleanup_(causes_done) struct causes causes = {};

        ck_assert_int_eq(causes_find(before, now, false, &causes), 0);
        ck_assert_uint_eq(causes.n_causes, 1);
        ck_assert_str_eq(causes.causes[0].change, change);
        return causes.causes[0].time;
}

/* The time at which the file came, though it says it was written in 1970, or will be in 2100. */
START_TEST(time_of_the_file) {
        const char *const times[] = { "1", "4102444800" };

        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                _cleanup_(temp_freep) char *folder = temp_new();
                _cleanup_(snapshot_done) struct snapshot before = {}, now = {};
                uint64_t start, end, time;

                before = take(folder, NULL, (const char *[]) { NULL });
                start = timer_realtime();
                take_steps(folder, (const struct step[]) { { WRITE, "new", OPEN }, { TOUCH, "new", times[i] },
                                                           { RENAME, "new", OVERRIDE }, {} });
                end = timer_realtime();
                now = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
                /* So that the time of the file is not the time of the question. */
                while (timer_realtime() < end + 2 * CLOCK_USEC)
                        ck_assert_int_eq(usleep(1000), 0);
                time = only_time(&before, &now, "created");
                ck_assert_uint_ge(time, start - CLOCK_USEC);
                ck_assert_uint_le(time, end);
        }
}
END_TEST

START_TEST(time_of_what_is_gone) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};
        uint64_t start, time;

        temp_write(folder, OVERRIDE, OPEN);
        before = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
        temp_remove(folder, OVERRIDE);
        now = take(folder, NULL, (const char *[]) { NULL });
        start = timer_realtime();
        time = only_time(&before, &now, "removed");
        ck_assert_uint_ge(time, start);
        ck_assert_uint_le(time, timer_realtime());

        time = only_time(&now, &now, "unknown");
        ck_assert_uint_ge(time, start);
        ck_assert_uint_le(time, timer_realtime());
}
END_TEST

#define N_DROP_INS (CAUSES_MAX + 8U)

static struct snapshot take_many(const char *folder, const char *text) {
        const char *drop_ins[N_DROP_INS + 1] = {};
        char names[N_DROP_INS][32];

        for (size_t i = 0; i < N_DROP_INS; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "foo.service.d/%zu.conf", i);
                temp_write(folder, names[i], text);
                drop_ins[i] = names[i];
        }
        return take(folder, NULL, drop_ins);
}

static void assert_many(const struct causes *causes) {
        ck_assert_uint_eq(causes->n_causes, CAUSES_MAX);
        for (size_t i = 1; i < causes->n_causes; i++)
                ck_assert_int_lt(strcmp(causes->causes[i - 1].path, causes->causes[i].path), 0);
}

START_TEST(many_causes) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {}, none = {};
        _cleanup_(causes_done) struct causes came = {}, changed = {}, went = {};

        before = take_many(folder, CLOSED);
        now = take_many(folder, OPEN);
        ck_assert_int_eq(causes_find(&none, &now, false, &came), 0);
        ck_assert_int_eq(causes_find(&before, &now, false, &changed), 0);
        ck_assert_int_eq(causes_find(&now, &none, false, &went), 0);
        assert_many(&came);
        assert_many(&changed);
        assert_many(&went);
        ck_assert(!causes_equal(&came, &changed));
        causes_done(&came);
        ck_assert_uint_eq(came.n_causes, 0);
        causes_done(NULL);
}
END_TEST

/* The order in which systemd reads them does not matter, nor what the file says. */
START_TEST(equal) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot none = {}, forth = {}, back = {}, first = {}, last = {};
        _cleanup_(causes_done) struct causes a = {}, b = {}, c = {}, d = {}, unknown = {}, manager = {};

        temp_write(folder, "foo.service.d/a.conf", OPEN);
        temp_write(folder, "foo.service.d/b.conf", OPEN);
        forth = take(folder, NULL, (const char *[]) { "foo.service.d/a.conf", "foo.service.d/b.conf", NULL });
        temp_write(folder, "foo.service.d/b.conf", CLOSED);
        back = take(folder, NULL, (const char *[]) { "foo.service.d/b.conf", "foo.service.d/a.conf", NULL });
        first = take(folder, NULL, (const char *[]) { "foo.service.d/a.conf", NULL });
        last = take(folder, NULL, (const char *[]) { "foo.service.d/b.conf", NULL });
        ck_assert_int_eq(causes_find(&none, &forth, false, &a), 0);
        ck_assert_int_eq(causes_find(&none, &back, true, &b), 0);
        ck_assert_int_eq(causes_find(&none, &first, false, &c), 0);
        ck_assert_int_eq(causes_find(&none, &last, false, &d), 0);
        ck_assert_int_eq(causes_find(&none, &none, false, &unknown), 0);
        ck_assert_int_eq(causes_find(&none, &none, true, &manager), 0);
        ck_assert_uint_eq(a.n_causes, 2);
        ck_assert(causes_equal(&a, &b));
        ck_assert(causes_equal(&unknown, &unknown));
        ck_assert(!causes_equal(&a, &c));
        ck_assert(!causes_equal(&c, &a));
        ck_assert(!causes_equal(&c, &d));
        ck_assert(!causes_equal(&unknown, &manager));
        ck_assert(!causes_equal(&c, &unknown));
        /* The same paths, with another change. */
        b.causes[0].change = cause_change_to_string(CAUSE_CHANGED);
        ck_assert(!causes_equal(&a, &b));
}
END_TEST

START_TEST(to_store) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot none = {}, now = {};
        _cleanup_(causes_done) struct causes causes = {};
        struct store_cause cause;

        temp_write(folder, OVERRIDE, OPEN);
        now = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
        ck_assert_int_eq(causes_find(&none, &now, false, &causes), 0);
        cause_to_store(&causes.causes[0], &cause);
        ck_assert_str_eq(cause.path, causes.causes[0].path);
        ck_assert_str_eq(cause.change, "created");
        ck_assert_uint_eq(cause.time, causes.causes[0].time);
        ck_assert_str_eq(cause.lines[0], "+ProtectHome=no");
        ck_assert_ptr_null(cause.lines[1]);
}
END_TEST

START_TEST(each_change_has_a_name) {
        for (unsigned i = 0; i < _CAUSE_CHANGE_MAX; i++) {
                ck_assert_uint_gt(strlen(cause_change_to_string(i)), 0);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(cause_change_to_string(i), cause_change_to_string(k));
        }
}
END_TEST

struct attempt {
        const struct snapshot *before, *now;
};

static int attempt(void *userdata) {
        _cleanup_(causes_done) struct causes causes = {};
        struct attempt *a = userdata;
        int r;

        r = causes_find(a->before, a->now, false, &causes);
        if (r < 0)
                ck_assert_uint_eq(causes.n_causes, 0);
        return r;
}

START_TEST(out_of_memory) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};

        temp_write(folder, UNIT, CLOSED);
        before = take(folder, UNIT, (const char *[]) { NULL });
        temp_write(folder, UNIT, OPEN);
        temp_write(folder, OVERRIDE, OPEN);
        now = take(folder, UNIT, (const char *[]) { OVERRIDE, NULL });
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &before, &now }), 20);
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &now, &before }), 20);
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &now, &now }), 2);
        ck_assert_uint_eq(memory_fail_each(attempt, &(struct attempt) { NULL, &now }), 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("cause");
        TCase *tcase = tcase_create("cause");

        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, each_scenario, 0, (int) n_scenarios);
        tcase_add_test(tcase, before_is_not_known);
        tcase_add_test(tcase, time_of_the_file);
        tcase_add_test(tcase, time_of_what_is_gone);
        tcase_add_test(tcase, many_causes);
        tcase_add_test(tcase, equal);
        tcase_add_test(tcase, to_store);
        tcase_add_test(tcase, each_change_has_a_name);
        tcase_add_test(tcase, out_of_memory);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
