/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suite.h"
#include "temp.h"
#include "xdg.h"

static void set_variables(const char *config, const char *state, const char *runtime, const char *home) {
        const char *const variables[][2] = {
                { "XDG_CONFIG_HOME", config }, { "XDG_STATE_HOME", state }, { "XDG_RUNTIME_DIR", runtime }, { "HOME", home },
        };

        for (size_t i = 0; i < ELEMENTSOF(variables); i++)
                if (variables[i][1])
                        ck_assert_int_eq(setenv(variables[i][0], variables[i][1], true), 0);
                else
                        ck_assert_int_eq(unsetenv(variables[i][0]), 0);
}

static void assert_path(enum xdg which, const char *rest, const char *expected) {
        char path[PATH_MAX];

        ck_assert_int_eq(xdg_path(which, rest, path), 0);
        ck_assert_str_eq(path, expected);
}

static void assert_error(enum xdg which, int error) {
        char path[PATH_MAX];

        ck_assert_int_eq(xdg_path(which, "/x", path), error);
}

START_TEST(variables_that_are_set) {
        set_variables("/c", "/s/t", "/r", "/h");
        assert_path(XDG_CONFIG, "", "/c");
        assert_path(XDG_CONFIG, "/x/y", "/c/x/y");
        assert_path(XDG_STATE, "/x", "/s/t/x");
        assert_path(XDG_RUNTIME, "/x", "/r/x");
}
END_TEST

/* A path that is not absolute counts as none. */
START_TEST(variables_that_are_not) {
        static const char *const nothing[] = { NULL, "", "relative", "./c", "~/c" };

        for (size_t i = 0; i < ELEMENTSOF(nothing); i++) {
                set_variables(nothing[i], nothing[i], nothing[i], "/h");
                assert_path(XDG_CONFIG, "/x", "/h/.config/x");
                assert_path(XDG_STATE, "/x", "/h/.local/state/x");
                assert_error(XDG_RUNTIME, -ENXIO);
                set_variables(nothing[i], nothing[i], nothing[i], nothing[i]);
                assert_error(XDG_CONFIG, -ENXIO);
                assert_error(XDG_STATE, -ENXIO);
        }
}
END_TEST

START_TEST(slashes_at_the_end) {
        set_variables("/c//", "/", "/r/", "/h/");
        assert_path(XDG_CONFIG, "/x", "/c/x");
        assert_path(XDG_STATE, "/x", "/x");
        assert_path(XDG_RUNTIME, "/x", "/r/x");
        set_variables(NULL, NULL, NULL, "/h/");
        assert_path(XDG_CONFIG, "/x", "/h/.config/x");
}
END_TEST

START_TEST(too_long) {
        char longest[PATH_MAX - 1], longer[3 * PATH_MAX];

        memset(longest, 'x', sizeof(longest));
        longest[0] = '/';
        longest[sizeof(longest) - 1] = '\0';
        memset(longer, 'x', sizeof(longer));
        longer[0] = '/';
        longer[sizeof(longer) - 1] = '\0';

        set_variables(longest, longer, longer, "/h");
        assert_path(XDG_CONFIG, "", longest);
        assert_error(XDG_CONFIG, -ENAMETOOLONG);
        assert_error(XDG_STATE, -ENAMETOOLONG);
        assert_error(XDG_RUNTIME, -ENAMETOOLONG);
        set_variables(NULL, NULL, NULL, longer);
        assert_error(XDG_CONFIG, -ENAMETOOLONG);
}
END_TEST

static mode_t mode_of(const char *folder, const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);
        struct stat st;

        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert(S_ISDIR(st.st_mode));
        return st.st_mode & 07777;
}

START_TEST(folders_that_are_missing) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(freep) char *path = temp_path(folder, "there/a/b/c");

        temp_mkdir(folder, "there");
        ck_assert_int_eq(chmod(folder, 0755), 0);
        (void) umask(0022);
        ck_assert_int_eq(xdg_make_folder(path), 0);
        ck_assert_uint_eq(mode_of(folder, "there/a"), 0700);
        ck_assert_uint_eq(mode_of(folder, "there/a/b"), 0700);
        ck_assert_uint_eq(mode_of(folder, "there/a/b/c"), 0700);
        ck_assert_uint_eq(mode_of(folder, ""), 0755);
        ck_assert_int_eq(xdg_make_folder(path), 0);
}
END_TEST

START_TEST(folders_by_links) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(freep) char *path = temp_path(folder, "link/a/b"), *lost = temp_path(folder, "lost/a");

        temp_mkdir(folder, "target");
        temp_symlink(folder, "link", "target");
        temp_symlink(folder, "lost", "nowhere");
        ck_assert_int_eq(xdg_make_folder(path), 0);
        ck_assert_uint_eq(mode_of(folder, "target/a/b"), 0700);
        ck_assert_int_eq(xdg_make_folder(lost), -ENOENT);
}
END_TEST

START_TEST(folders_that_cannot_be_made) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(freep) char *path = temp_path(folder, "file/a/b");
        char longer[PATH_MAX + 1];

        temp_write(folder, "file", "");
        ck_assert_int_eq(xdg_make_folder(path), -ENOTDIR);
        memset(longer, 'x', sizeof(longer));
        longer[0] = '/';
        longer[sizeof(longer) - 1] = '\0';
        ck_assert_int_eq(xdg_make_folder(longer), -ENAMETOOLONG);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("xdg");
        TCase *tcase = tcase_create("xdg");

        tcase_add_test(tcase, variables_that_are_set);
        tcase_add_test(tcase, variables_that_are_not);
        tcase_add_test(tcase, slashes_at_the_end);
        tcase_add_test(tcase, too_long);
        tcase_add_test(tcase, folders_that_are_missing);
        tcase_add_test(tcase, folders_by_links);
        tcase_add_test(tcase, folders_that_cannot_be_made);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
