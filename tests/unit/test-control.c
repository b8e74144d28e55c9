/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "capture.h"
#include "control.h"
#include "fake-timer.h"
#include "faulty-inotify.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"

/*
 * The control folders of a user's manager lie below $XDG_CONFIG_HOME and $XDG_RUNTIME_DIR, here "config" and
 * "runtime" in a folder of our own; transient units too.
 */
static struct {
        sd_event *event;
        char *top;
        struct control *control;
        char **units;           /* that were told of */
        bool all;               /* it was told of all */
} t;

#define CONFIG "config/systemd/user.control/"
#define RUNTIME "runtime/systemd/user.control/"
#define TRANSIENT "runtime/systemd/transient/"

static void on_unit(void *userdata, const char *unit) {
        ck_assert_ptr_eq(userdata, &t);
        t.all = t.all || !unit;
        if (!unit)
                return;
        if (!strv_contains(t.units, unit))
                ck_assert_int_eq(strv_extend(&t.units, unit), 0);
}

static void set_variable(const char *name, const char *entry) {
        _cleanup_(freep) char *path = temp_path(t.top, entry);

        ck_assert_int_eq(setenv(name, path, true), 0);
}

static void set_up(void) {
        ck_assert_int_ge(sd_event_new(&t.event), 0);
        t.top = temp_new();
        set_variable("XDG_CONFIG_HOME", "config");
        set_variable("XDG_RUNTIME_DIR", "runtime");
        set_variable("HOME", "home");
}

static void tear_down(void) {
        t.control = control_free(t.control);
        t.units = strv_free(t.units);
        t.top = temp_free(t.top);
        t.event = sd_event_unref(t.event);
}

static void follow(void) {
        ck_assert_int_eq(control_new(&t.control, t.event, SCOPE_USER, on_unit, &t), 0);
}

static void handle_events(void) {
        int r;

        while ((r = sd_event_run(t.event, 0)) > 0)
                ;
        ck_assert_int_eq(r, 0);
}

/* Just this unit was told of since the last time; NULL: none. */
static void assert_told(const char *unit) {
        handle_events();
        ck_assert_uint_eq(strv_length(t.units), unit ? 1 : 0);
        if (unit)
                ck_assert_str_eq(t.units[0], unit);
        t.units = strv_free(t.units);
        ck_assert(!t.all);
}

START_TEST(first_property_of_all) {
        follow();
        assert_told(NULL);
        temp_write(t.top, CONFIG "a.service.d/50-CPUWeight.conf", "");
        assert_told("a.service");
        temp_write(t.top, RUNTIME "b.service.d/50-CPUWeight.conf", "");
        assert_told("b.service");
        temp_write(t.top, TRANSIENT "c.service.d/50-CPUWeight.conf", "");
        assert_told("c.service");
        temp_write(t.top, TRANSIENT "d.service", "");
        assert_told(NULL);
}
END_TEST

START_TEST(folders_made_one_by_one) {
        follow();
        temp_mkdir(t.top, "config");
        assert_told(NULL);
        temp_mkdir(t.top, "config/systemd");
        assert_told(NULL);
        temp_mkdir(t.top, "config/systemd/user.control");
        assert_told(NULL);
        temp_mkdir(t.top, CONFIG "a.service.d");
        assert_told("a.service");
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told("a.service");
}
END_TEST

START_TEST(units_that_have_some_already) {
        temp_write(t.top, CONFIG "a.service.d/x.conf", "1");
        temp_write(t.top, RUNTIME "b.service.d/x.conf", "1");
        follow();
        handle_events();
        t.units = strv_free(t.units);

        temp_write(t.top, CONFIG "a.service.d/x.conf", "2");
        assert_told("a.service");
        temp_write(t.top, RUNTIME "b.service.d/y.conf", "1");
        assert_told("b.service");
        temp_rename(t.top, RUNTIME "b.service.d/y.conf", RUNTIME "b.service.d/z.conf");
        assert_told("b.service");
        temp_remove(t.top, CONFIG "a.service.d/x.conf");
        assert_told("a.service");
}
END_TEST

/* "systemctl revert" takes the whole folder away. */
START_TEST(reverted_and_set_again) {
        follow();
        for (unsigned i = 0; i < 3; i++) {
                temp_write(t.top, CONFIG "a.service.d/x.conf", "");
                assert_told("a.service");
                temp_remove(t.top, CONFIG "a.service.d");
                assert_told("a.service");
        }
        temp_remove(t.top, "config");
        handle_events();
        t.units = strv_free(t.units);
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told("a.service");
        temp_write(t.top, CONFIG "a.service.d/y.conf", "");
        assert_told("a.service");
}
END_TEST

START_TEST(all_gone_is_told_of_all) {
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        temp_write(t.top, CONFIG "b.service.d/x.conf", "");
        follow();
        handle_events();
        t.units = strv_free(t.units);

        temp_rename(t.top, "config/systemd/user.control", "config/systemd/away");
        handle_events();
        ck_assert_uint_eq(strv_length(t.units), 2);
        t.units = strv_free(t.units);
        temp_write(t.top, "config/systemd/away/a.service.d/x.conf", "2");
        assert_told(NULL);
}
END_TEST

START_TEST(both_folders_of_a_unit) {
        follow();
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        temp_write(t.top, RUNTIME "a.service.d/x.conf", "");
        assert_told("a.service");
        temp_remove(t.top, CONFIG "a.service.d");
        assert_told("a.service");
        temp_write(t.top, RUNTIME "a.service.d/y.conf", "");
        assert_told("a.service");
}
END_TEST

START_TEST(what_is_no_folder_of_a_service) {
        static const char *const entries[] = {
                "b.service", "a.service.d~", "a.socket.d/x", "a@.service.d/x", "service.d/x", ".service.d/x",
                ".d/x", "d", "a b.service.d/x", "a.service.d.d/x", "a.service.wants/x", "user.slice.d/x",
                "a.service_d/x", "a.serviceab/x", "a.service/x",
        };

        follow();
        for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
                char entry[128];

                (void) snprintf(entry, sizeof(entry), CONFIG "%s", entries[i]);
                temp_write(t.top, entry, "");
                assert_told(NULL);
        }
}
END_TEST

START_TEST(names_that_are_escaped) {
        follow();
        temp_write(t.top, CONFIG "a\\x2db@c.service.d/x.conf", "");
        assert_told("a\\x2db@c.service");
}
END_TEST

START_TEST(config_below_home) {
        ck_assert_int_eq(unsetenv("XDG_CONFIG_HOME"), 0);
        follow();
        temp_write(t.top, "home/.config/systemd/user.control/a.service.d/x.conf", "");
        assert_told("a.service");

        t.control = control_free(t.control);
        ck_assert_int_eq(setenv("XDG_CONFIG_HOME", "relative/does/not/count", true), 0);
        follow();
        handle_events();
        t.units = strv_free(t.units);
        temp_write(t.top, "home/.config/systemd/user.control/a.service.d/y.conf", "");
        assert_told("a.service");
}
END_TEST

START_TEST(no_folder_at_all) {
        ck_assert_int_eq(unsetenv("XDG_CONFIG_HOME"), 0);
        ck_assert_int_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
        ck_assert_int_eq(unsetenv("HOME"), 0);
        follow();
        assert_told(NULL);
        ck_assert_ptr_null(control_free(NULL));
}
END_TEST

START_TEST(many_units) {
        follow();
        for (unsigned round = 0; round < 2; round++)
                for (unsigned i = 0; i < 200; i++) {
                        char entry[128], unit[64];

                        (void) snprintf(entry, sizeof(entry), CONFIG "u%u.service.d/x%u.conf", i, round);
                        (void) snprintf(unit, sizeof(unit), "u%u.service", i);
                        temp_write(t.top, entry, "");
                        assert_told(unit);
                }
}
END_TEST

/* Units that come and go do not use up what may be followed. */
START_TEST(many_units_one_after_the_other) {
        follow();
        temp_mkdir(t.top, CONFIG "a.service.d");
        assert_told("a.service");
        for (unsigned i = 0; i < 4200; i++) {
                temp_rename(t.top, CONFIG "a.service.d", "a.service.d");
                temp_rename(t.top, "a.service.d", CONFIG "a.service.d");
                handle_events();
        }
        t.units = strv_free(t.units);
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told("a.service");
}
END_TEST

START_TEST(folder_cannot_be_followed) {
        _cleanup_(freep) char *folder = temp_path(t.top, "config/systemd/user.control");
        const char *path;

        temp_mkdir(t.top, "config/systemd/user.control");
        capture_start();
        faulty_inotify = (struct faulty_inotify) { .error = -EACCES, .path = folder };
        follow();
        ck_assert_int_eq(control_error(t.control, &path), -EACCES);
        ck_assert_str_eq(path, folder);
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told(NULL);
        fake_time_pass(60 * USEC_PER_SEC);
        ck_assert(t.all);
        t.all = false;
        faulty_inotify.error = 0;
        fake_time_pass(60 * USEC_PER_SEC);
        ck_assert_int_eq(control_error(t.control, &path), 0);
        assert_told("a.service");
        temp_write(t.top, CONFIG "a.service.d/y.conf", "");
        assert_told("a.service");
        free(capture_end());
}
END_TEST

START_TEST(folder_of_a_unit_cannot_be_followed) {
        _cleanup_(freep) char *folder = temp_path(t.top, CONFIG "b.service.d");
        const char *path;

        capture_start();
        faulty_inotify = (struct faulty_inotify) { .error = -ENOSPC, .path = folder };
        follow();
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told("a.service");
        ck_assert_int_eq(control_error(t.control, &path), 0);
        temp_write(t.top, CONFIG "b.service.d/x.conf", "");
        assert_told("b.service");
        ck_assert_int_eq(control_error(t.control, &path), -ENOSPC);
        ck_assert_str_eq(path, folder);
        temp_write(t.top, CONFIG "b.service.d/y.conf", "");
        assert_told(NULL);
        fake_time_pass(60 * USEC_PER_SEC);
        assert_told("b.service");
        faulty_inotify.error = 0;
        fake_time_pass(60 * USEC_PER_SEC);
        assert_told("b.service");
        ck_assert_int_eq(control_error(t.control, &path), 0);
        free(capture_end());
}
END_TEST

/* Nothing is kept of it then: that nobody knows of it must show, and end. */
START_TEST(folder_of_a_unit_that_memory_runs_out_for) {
        _cleanup_(freep) char *folder = temp_path(t.top, CONFIG "b.service.d");
        _cleanup_(freep) char *said = NULL;
        const char *path;

        capture_start();
        faulty_inotify = (struct faulty_inotify) { .error = -ENOMEM, .path = folder };
        follow();
        temp_write(t.top, CONFIG "a.service.d/x.conf", "");
        assert_told("a.service");
        temp_write(t.top, CONFIG "b.service.d/x.conf", "");
        assert_told("b.service");
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(control_error(t.control, &path), -ENOMEM);
                ck_assert(strstr(path, "systemd/user.control"));
                temp_write(t.top, CONFIG "b.service.d/y.conf", "");
                assert_told(NULL);
                if (i == 2)
                        faulty_inotify.error = 0;
                fake_time_pass(60 * USEC_PER_SEC);
                handle_events();
                ck_assert(t.all);
                t.all = false;
                t.units = strv_free(t.units);
        }
        ck_assert_int_eq(control_error(t.control, &path), 0);
        temp_write(t.top, CONFIG "b.service.d/z.conf", "");
        assert_told("b.service");
        said = capture_end();
        ck_assert_ptr_eq(strstr(strstr(said, "Cannot follow") + 1, "Cannot follow"), NULL);
        ck_assert_ptr_nonnull(strstr(said, "followed again"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control");
        TCase *tcase = tcase_create("control");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, first_property_of_all);
        tcase_add_test(tcase, folders_made_one_by_one);
        tcase_add_test(tcase, units_that_have_some_already);
        tcase_add_test(tcase, reverted_and_set_again);
        tcase_add_test(tcase, all_gone_is_told_of_all);
        tcase_add_test(tcase, both_folders_of_a_unit);
        tcase_add_test(tcase, what_is_no_folder_of_a_service);
        tcase_add_test(tcase, names_that_are_escaped);
        tcase_add_test(tcase, config_below_home);
        tcase_add_test(tcase, no_folder_at_all);
        tcase_add_test(tcase, many_units);
        tcase_add_test(tcase, many_units_one_after_the_other);
        tcase_add_test(tcase, folder_cannot_be_followed);
        tcase_add_test(tcase, folder_of_a_unit_cannot_be_followed);
        tcase_add_test(tcase, folder_of_a_unit_that_memory_runs_out_for);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
