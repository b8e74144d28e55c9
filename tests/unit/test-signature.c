/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot.h"
#include "suite.h"
#include "temp.h"

static void set_mtime(const char *folder, const char *entry, time_t seconds, long nsec) {
        _cleanup_(freep) char *path = temp_path(folder, entry);
        struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { seconds, nsec } };

        ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void write_at(const char *folder, const char *entry, const char *text) {
        temp_write(folder, entry, text);
        set_mtime(folder, entry, 1000, 1);
}

/* What is done to "file", to "link" that leads to it, to "missing" or to what "dangling" leads to. */
static void no_change(const char *folder) {
        _cleanup_(freep) char *path = temp_path(folder, "file");
        struct timespec times[] = { { 5, 5 }, { .tv_nsec = UTIME_OMIT } };

        ck_assert_int_eq(chmod(path, 0600), 0);
        ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
        write_at(folder, "other", "A=1\n");
}

static void other_second(const char *folder) {
        set_mtime(folder, "file", 1001, 1);
}

static void other_nanosecond(const char *folder) {
        set_mtime(folder, "file", 1000, 2);
}

static void other_size(const char *folder) {
        write_at(folder, "file", "A=10\n");
}

static void other_inode(const char *folder) {
        write_at(folder, "new", "A=1\n");
        temp_rename(folder, "new", "file");
}

static void other_target(const char *folder) {
        temp_remove(folder, "link");
        temp_symlink(folder, "link", "./file");
}

static void no_link(const char *folder) {
        _cleanup_(freep) char *file = temp_path(folder, "file"), *path = temp_path(folder, "link");

        /* Now all that is left of the difference is that it was a link. */
        temp_remove(folder, "link");
        ck_assert_int_eq(link(file, path), 0);
}

static void comes(const char *folder) {
        temp_symlink(folder, "missing", "/dev/null");
}

static void mask_comes_behind_link(const char *folder) {
        temp_symlink(folder, "nothing", "/dev/null");
}

static void goes(const char *folder) {
        temp_remove(folder, "file");
}

START_TEST(signature) {
        static const struct {
                void (*change)(const char *folder);
                bool differs;
        } rows[] = {
                { no_change, false },      { other_second, true }, { other_nanosecond, true },
                { other_size, true },      { other_inode, true },  { other_target, true },
                { no_link, true },         { comes, true },        { mask_comes_behind_link, true },
                { goes, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(temp_freep) char *folder = temp_new();
                _cleanup_(freep) char *file = temp_path(folder, "file"), *link = temp_path(folder, "link");
                _cleanup_(freep) char *missing = temp_path(folder, "missing");
                _cleanup_(freep) char *dangling = temp_path(folder, "dangling");
                char *only_file[] = { file, NULL }, *others[] = { link, missing, dangling, NULL };
                uint64_t as_fragment, before;

                write_at(folder, "file", "A=1\n");
                temp_symlink(folder, "link", "file");
                temp_symlink(folder, "dangling", "nothing");
                before = files_signature(file, others);
                as_fragment = files_signature(file, NULL);
                ck_assert_uint_ne(as_fragment, files_signature(NULL, only_file));
                rows[i].change(folder);
                ck_assert_msg((files_signature(file, others) != before) == rows[i].differs, "row %zu", i);
        }
}
END_TEST

START_TEST(signature_of_paths) {
        char a[] = "/none/a", b[] = "/none/b", ab[] = "/none/a/none/b", *ab_list[] = { a, b, NULL };
        char *ba_list[] = { b, a, NULL }, *a_list[] = { a, NULL };
        char *joined_list[] = { ab, NULL }, *none[] = { NULL };
        uint64_t signatures[] = {
                files_signature(NULL, NULL),
                files_signature(a, NULL),
                files_signature(b, NULL),
                files_signature(a, a_list),
                files_signature(a, ab_list),
                files_signature(NULL, a_list),
                files_signature(NULL, ab_list),
                files_signature(NULL, ba_list),
                files_signature(NULL, joined_list),
        };

        for (size_t i = 0; i < ELEMENTSOF(signatures); i++)
                for (size_t k = 0; k < i; k++)
                        ck_assert_msg(signatures[i] != signatures[k], "%zu and %zu", i, k);
        ck_assert_uint_eq(signatures[0], files_signature(NULL, none));
        ck_assert_uint_eq(signatures[1], files_signature(a, none));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("signature");
        TCase *tcase = tcase_create("signature");

        tcase_add_test(tcase, signature);
        tcase_add_test(tcase, signature_of_paths);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
