/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "capture.h"
#include "fake-timer.h"
#include "faulty-inotify.h"
#include "folder.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"

/* What was told of the folder "a/b/c". */
static struct {
        sd_event *event;
        char *top;
        struct folder *folder;
        char **entries;
        unsigned n_lost;        /* so often: look at the whole folder */
} t;

/* It was not there when it was looked for. */
static void make_meanwhile(const char *path) {
        if (!streq(path, t.top))
                return;
        faulty_inotify.before = NULL;
        temp_mkdir(t.top, "a");
}

static void on_entry(void *userdata, const char *entry) {
        ck_assert_ptr_eq(userdata, &t);
        if (!entry)
                t.n_lost++;
        else if (!strv_contains(t.entries, entry))
                ck_assert_int_eq(strv_extend(&t.entries, entry), 0);
}

static void follow(void) {
        _cleanup_(freep) char *path = temp_path(t.top, "a/b/c");

        ck_assert_int_eq(folder_new(&t.folder, t.event, path, on_entry, &t), 0);
        ck_assert_str_eq(folder_path(t.folder), path);
}

static void set_up(void) {
        ck_assert_int_ge(sd_event_new(&t.event), 0);
        t.top = temp_new();
        capture_start();
}

static void tear_down(void) {
        free(capture_end());
        t.folder = folder_free(t.folder);
        t.entries = strv_free(t.entries);
        t.top = temp_free(t.top);
        t.event = sd_event_unref(t.event);
}

static bool has_events(int timeout_msec) {
        struct pollfd event = { .fd = sd_event_get_fd(t.event), .events = POLLIN };

        return poll(&event, 1, timeout_msec) > 0;
}

/* Handles the events that are there. One that nobody waits for any more is no reason to stop. */
static void handle_events(void) {
        int r;

        do {
                r = sd_event_run(t.event, 0);
                ck_assert_int_ge(r, 0);
        } while (r > 0 || has_events(0));
}

/* That a folder was removed is told when the kernel drops it, which may be a moment later. */
static void await_events(size_t n_entries, bool lost) {
        handle_events();
        while (strv_length(t.entries) < n_entries || (lost && t.n_lost == 0)) {
                ck_assert(has_events(10000));
                handle_events();
        }
}

/* What came of what was done last: the entries that were told, or that all was to be looked at. */
static void assert_told(const char *entry, bool lost) {
        await_events(entry ? 1 : 0, lost);
        ck_assert_uint_eq(strv_length(t.entries), entry ? 1 : 0);
        if (entry)
                ck_assert_str_eq(t.entries[0], entry);
        ck_assert_msg((t.n_lost > 0) == lost, "%u times", t.n_lost);
        t.entries = strv_free(t.entries);
        t.n_lost = 0;
}

/* Its entries are told again. */
static void assert_followed(void) {
        temp_write(t.top, "a/b/c/probe", "");
        assert_told("probe", false);
        temp_remove(t.top, "a/b/c/probe");
        assert_told("probe", false);
}

START_TEST(entries) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        assert_told(NULL, false);

        temp_write(t.top, "a/b/c/x.conf", "1");
        assert_told("x.conf", false);
        temp_write(t.top, "a/b/c/x.conf", "2");
        assert_told("x.conf", false);
        temp_rename(t.top, "a/b/c/x.conf", "a/b/x.conf");
        assert_told("x.conf", false);
        temp_rename(t.top, "a/b/x.conf", "a/b/c/y.conf");
        assert_told("y.conf", false);
        temp_remove(t.top, "a/b/c/y.conf");
        assert_told("y.conf", false);
        temp_symlink(t.top, "a/b/c/z.conf", "/dev/null");
        assert_told("z.conf", false);
        temp_mkdir(t.top, "a/b/c/d");
        assert_told("d", false);
        temp_write(t.top, "a/b/c/d/x.conf", "");
        assert_told(NULL, false);
        temp_write(t.top, "a/b/x.conf", "");
        assert_told(NULL, false);
}
END_TEST

START_TEST(does_not_exist_yet) {
        follow();
        assert_told(NULL, false);
        temp_write(t.top, "b", "");
        temp_mkdir(t.top, "c");
        assert_told(NULL, false);

        temp_mkdir(t.top, "a");
        handle_events();
        temp_mkdir(t.top, "a/other");
        handle_events();
        temp_mkdir(t.top, "a/b");
        handle_events();
        temp_mkdir(t.top, "a/b/c");
        handle_events();
        ck_assert_uint_gt(t.n_lost, 0);
        t.n_lost = 0;
        assert_followed();
}
END_TEST

START_TEST(all_made_at_once) {
        follow();
        temp_mkdir(t.top, "a/b/c");
        temp_write(t.top, "a/b/c/x.conf", "");
        handle_events();
        /* the entry itself may have come before it was followed */
        ck_assert_uint_gt(t.n_lost, 0);
        t.n_lost = 0;
        t.entries = strv_free(t.entries);
        assert_followed();
}
END_TEST

/* It was not there, and no event will tell that it is. */
START_TEST(made_while_it_is_looked_for) {
        faulty_inotify.before = make_meanwhile;
        follow();
        ck_assert(!faulty_inotify.before);
        handle_events();
        t.n_lost = 0;
        temp_mkdir(t.top, "a/b/c");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

START_TEST(removed_and_made_again) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        for (unsigned i = 0; i < 3; i++) {
                temp_remove(t.top, "a/b/c");
                assert_told(NULL, true);
                temp_mkdir(t.top, "a/b/c");
                assert_told(NULL, true);
                assert_followed();
        }
        temp_remove(t.top, "a");
        assert_told(NULL, true);
        temp_mkdir(t.top, "a/b/c");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

/* Both happen before either is seen. */
START_TEST(replaced) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        temp_remove(t.top, "a/b/c");
        temp_mkdir(t.top, "a/b/c");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

START_TEST(renamed) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        temp_rename(t.top, "a/b/c", "a/b/d");
        assert_told(NULL, true);
        temp_write(t.top, "a/b/d/x.conf", "");
        assert_told(NULL, false);
        temp_rename(t.top, "a/b/d", "a/b/c");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

START_TEST(file_in_its_place) {
        temp_write(t.top, "a/b/c", "no folder");
        follow();
        temp_remove(t.top, "a/b/c");
        handle_events();
        temp_mkdir(t.top, "a/b/c");
        handle_events();
        t.n_lost = 0;
        assert_followed();
}
END_TEST

START_TEST(file_in_place_of_an_ancestor) {
        temp_write(t.top, "a", "no folder");
        follow();
        temp_remove(t.top, "a");
        handle_events();
        temp_mkdir(t.top, "a/b/c");
        handle_events();
        t.n_lost = 0;
        assert_followed();
}
END_TEST

START_TEST(ancestor_is_renamed) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        temp_rename(t.top, "a", "x");
        assert_told(NULL, true);
        temp_write(t.top, "x/b/c/x.conf", "");
        assert_told(NULL, false);
        temp_mkdir(t.top, "a/b/c");
        assert_told(NULL, true);
        assert_followed();
        temp_rename(t.top, "a/b", "y");
        assert_told(NULL, true);
        temp_rename(t.top, "y", "a/b");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

START_TEST(ancestor_is_replaced) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        temp_rename(t.top, "a", "x");
        temp_mkdir(t.top, "a/b/c");
        assert_told(NULL, true);
        assert_followed();
        temp_write(t.top, "x/b/c/x.conf", "");
        assert_told(NULL, false);
}
END_TEST

/* Its ancestor is another one while that is looked for. */
START_TEST(ancestor_is_renamed_while_it_waits) {
        temp_mkdir(t.top, "a/b");
        follow();
        temp_rename(t.top, "a", "x");
        assert_told(NULL, true);
        temp_mkdir(t.top, "x/b/c");
        assert_told(NULL, false);
        temp_rename(t.top, "x", "a");
        assert_told(NULL, true);
        assert_followed();
}
END_TEST

/* Nothing is told before it is looked at again. */
static void assert_looked_at(int error) {
        temp_write(t.top, "a/b/c/x.conf", "");
        assert_told(NULL, false);
        fake_time_pass(60 * USEC_PER_SEC);
        assert_told(NULL, true);
        ck_assert_int_eq(folder_error(t.folder), error);
}

START_TEST(cannot_be_followed) {
        static const int errors[] = { -EACCES, -ENOSPC, -EMFILE };

        temp_mkdir(t.top, "a/b/c");
        for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
                faulty_inotify.error = errors[i];
                follow();
                ck_assert_int_eq(folder_error(t.folder), errors[i]);
                assert_looked_at(errors[i]);
                assert_looked_at(errors[i]);
                faulty_inotify.error = 0;
                assert_looked_at(0);
                assert_followed();
                fake_time_pass(1000 * USEC_PER_SEC);
                assert_told(NULL, false);
                t.folder = folder_free(t.folder);
        }
}
END_TEST

START_TEST(cannot_be_followed_any_more) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        ck_assert_int_eq(folder_error(t.folder), 0);
        faulty_inotify.error = -ENOSPC;
        temp_rename(t.top, "a/b/c", "c");
        assert_told(NULL, true);
        ck_assert_int_eq(folder_error(t.folder), -ENOSPC);
        temp_rename(t.top, "c", "a/b/c");
        assert_looked_at(-ENOSPC);
        faulty_inotify.error = 0;
        assert_looked_at(0);
        assert_followed();
}
END_TEST

/* An ancestor that may not be read may be passed. */
START_TEST(ancestor_that_cannot_be_followed) {
        temp_mkdir(t.top, "a/b/c");
        faulty_inotify = (struct faulty_inotify) { .error = -EACCES, .path = t.top };
        follow();
        ck_assert_int_eq(folder_error(t.folder), 0);
        assert_followed();
        temp_rename(t.top, "a", "x");
        assert_told(NULL, true);
        ck_assert_int_eq(folder_error(t.folder), -EACCES);
}
END_TEST

START_TEST(no_memory) {
        _cleanup_(freep) char *path = temp_path(t.top, "a/b/c");

        faulty_inotify.error = -ENOMEM;
        ck_assert_int_eq(folder_new(&t.folder, t.event, path, on_entry, &t), -ENOMEM);
        ck_assert_ptr_null(t.folder);
}
END_TEST

START_TEST(freed_with_events_pending) {
        temp_mkdir(t.top, "a/b/c");
        follow();
        temp_write(t.top, "a/b/c/x.conf", "");
        t.folder = folder_free(t.folder);
        assert_told(NULL, false);
        ck_assert_ptr_null(folder_free(NULL));
}
END_TEST

/* A folder and its ancestor, each followed for itself. */
START_TEST(two_in_one) {
        _cleanup_(freep) char *path = temp_path(t.top, "a/b");
        struct folder *other;

        temp_mkdir(t.top, "a/b");
        follow();
        ck_assert_int_eq(folder_new(&other, t.event, path, on_entry, &t), 0);
        temp_write(t.top, "a/b/x.conf", "");
        assert_told("x.conf", false);
        temp_mkdir(t.top, "a/b/c");
        assert_told("c", true);
        assert_followed();
        folder_free(other);
        assert_followed();
}
END_TEST

START_TEST(root_folder) {
        struct folder *root, *below;

        ck_assert_int_eq(folder_new(&root, t.event, "/", on_entry, &t), 0);
        ck_assert_int_eq(folder_new(&below, t.event, "/exposured-no-such-folder/b/c", on_entry, &t), 0);
        handle_events();
        folder_free(root);
        folder_free(below);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("folder");
        TCase *tcase = tcase_create("folder");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, entries);
        tcase_add_test(tcase, does_not_exist_yet);
        tcase_add_test(tcase, all_made_at_once);
        tcase_add_test(tcase, made_while_it_is_looked_for);
        tcase_add_test(tcase, removed_and_made_again);
        tcase_add_test(tcase, replaced);
        tcase_add_test(tcase, renamed);
        tcase_add_test(tcase, file_in_its_place);
        tcase_add_test(tcase, file_in_place_of_an_ancestor);
        tcase_add_test(tcase, ancestor_is_renamed);
        tcase_add_test(tcase, ancestor_is_replaced);
        tcase_add_test(tcase, ancestor_is_renamed_while_it_waits);
        tcase_add_test(tcase, cannot_be_followed);
        tcase_add_test(tcase, cannot_be_followed_any_more);
        tcase_add_test(tcase, ancestor_that_cannot_be_followed);
        tcase_add_test(tcase, no_memory);
        tcase_add_test(tcase, freed_with_events_pending);
        tcase_add_test(tcase, two_in_one);
        tcase_add_test(tcase, root_folder);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
