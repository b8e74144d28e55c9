/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp.h"

static void ok(int r, const char *path) {
        ck_assert_msg(r >= 0, "%s: %s", path, strerror(errno));
}

char *temp_new(void) {
        const char *parent = getenv("TMPDIR") ?: "/tmp";
        char *folder;

        ck_assert_int_ge(asprintf(&folder, "%s/exposured-test-XXXXXX", parent), 0);
        ck_assert_msg(mkdtemp(folder) != NULL, "%s: %s", folder, strerror(errno));

        return folder;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
        (void) st, (void) kind, (void) ftw;
        return remove(path);
}

static void remove_all(const char *path) {
        ok(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), path);
}

char *temp_free(char *folder) {
        if (folder)
                remove_all(folder);
        free(folder);

        return NULL;
}

char *temp_path(const char *folder, const char *entry) {
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/%s", folder, entry), 0);
        return path;
}

static char *path_with_parents(const char *folder, const char *entry) {
        char *path = temp_path(folder, entry);

        for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')); p++) {
                *p = '\0';
                ok(mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0, path);
                *p = '/';
        }
        return path;
}

void temp_mkdir(const char *folder, const char *entry) {
        _cleanup_(freep) char *path = path_with_parents(folder, entry);

        ok(mkdir(path, 0755), path);
}

void temp_write_bytes(const char *folder, const char *entry, const void *bytes, size_t n) {
        _cleanup_(freep) char *path = path_with_parents(folder, entry);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ok(fd, path);
        ck_assert_int_eq(write(fd, bytes, n), (ssize_t) n);
        ok(close(fd), path);
}

void temp_write(const char *folder, const char *entry, const char *text) {
        temp_write_bytes(folder, entry, text, strlen(text));
}

void temp_symlink(const char *folder, const char *entry, const char *target) {
        _cleanup_(freep) char *path = path_with_parents(folder, entry);

        ok(symlink(target, path), path);
}

void temp_mkfifo(const char *folder, const char *entry) {
        _cleanup_(freep) char *path = path_with_parents(folder, entry);

        ok(mkfifo(path, 0600), path);
}

void temp_rename(const char *folder, const char *from, const char *to) {
        _cleanup_(freep) char *old = temp_path(folder, from), *new = path_with_parents(folder, to);

        ok(rename(old, new), old);
}

void temp_remove(const char *folder, const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);

        remove_all(path);
}
