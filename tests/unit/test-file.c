/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "file.h"
#include "suite.h"
#include "temp.h"

static int read_entry(const char *folder, const char *entry, size_t max, char **ret_text,
                      size_t *ret_length) {
        _cleanup_(freep) char *path = temp_path(folder, entry);

        return file_read(path, max, ret_text, ret_length);
}

static void assert_text(const char *folder, const char *entry, size_t max, const void *expected,
                        size_t length) {
        _cleanup_(freep) char *text = NULL;
        size_t n = 99;

        ck_assert_int_eq(read_entry(folder, entry, max, &text, &n), 0);
        ck_assert_uint_eq(n, length);
        ck_assert_mem_eq(text, expected, length);
        ck_assert_int_eq(text[length], '\0');
}

static void assert_error(const char *folder, const char *entry, size_t max, int error) {
        char *text = NULL;
        size_t n;

        ck_assert_int_eq(read_entry(folder, entry, max, &text, &n), error);
        ck_assert_ptr_null(text);
}

START_TEST(sizes) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "empty", "");
        temp_write(folder, "text", "abcd");
        temp_write_bytes(folder, "binary", "a\0b\0", 4);

        assert_text(folder, "empty", 0, "", 0);
        assert_text(folder, "text", 5, "abcd", 4);
        assert_text(folder, "text", 4, "abcd", 4);
        assert_error(folder, "text", 3, -EFBIG);
        assert_text(folder, "binary", 4, "a\0b\0", 4);
}
END_TEST

START_TEST(links) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "text", "abcd");
        temp_symlink(folder, "link", "text");
        temp_symlink(folder, "null", "/dev/null");
        temp_symlink(folder, "zero", "/dev/zero");
        temp_symlink(folder, "dangling", "nothing");
        temp_symlink(folder, "loop", "loop");

        assert_text(folder, "link", 100, "abcd", 4);
        assert_text(folder, "null", 0, "", 0);
        assert_error(folder, "zero", 100, -EINVAL);
        assert_error(folder, "dangling", 100, -ENOENT);
        assert_error(folder, "loop", 100, -ELOOP);
}
END_TEST

START_TEST(no_regular_file) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "text", "abcd");
        temp_mkdir(folder, "folder");
        temp_mkfifo(folder, "fifo");

        assert_error(folder, "missing", 100, -ENOENT);
        assert_error(folder, "text/below", 100, -ENOTDIR);
        assert_error(folder, "folder", 100, -EISDIR);
        /* nobody writes to it: this must not wait */
        assert_error(folder, "fifo", 100, -EINVAL);
}
END_TEST

/* A file that is longer than it says stands for one that grows while it is read. */
START_TEST(longer_than_it_says) {
        assert_error("/proc/self", "status", 100000, -EAGAIN);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("file");
        TCase *tcase = tcase_create("file");

        tcase_add_test(tcase, sizes);
        tcase_add_test(tcase, links);
        tcase_add_test(tcase, no_regular_file);
        tcase_add_test(tcase, longer_than_it_says);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
