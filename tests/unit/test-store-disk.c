/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount-namespace.h"
#include "random.h"
#include "store-sample.h"
#include "suite.h"

#define DB "exposured.db"
#define SKIPPED 77
#define DISK_SIZE (2UL * 1024 * 1024)

static char *folder;

/* The mount goes with the process. */
static void setup(void) {
        mount_namespace_enter();
        folder = temp_new();
        mount_memory(folder, DISK_SIZE);
}

static char *outer;

static char *tmpdir;            /* as it was */

static void make_outer(void) {
        tmpdir = getenv("TMPDIR") ? strdup(getenv("TMPDIR")) : NULL;
        outer = temp_new();
        ck_assert_int_ge(setenv("TMPDIR", outer, 1), 0);
}

static void remove_outer(void) {
        outer = temp_free(outer);
        ck_assert_int_ge(tmpdir ? setenv("TMPDIR", tmpdir, 1) : unsetenv("TMPDIR"), 0);
        free(tmpdir);
}

static bool exists(const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);

        return access(path, F_OK) >= 0;
}

static void put(struct store *store, unsigned n) {
        begin(store);
        put_event(store, n, "regressed", "a.service");
        commit(store);
}

/* Fills the disk but for so many bytes. */
static void fill_disk(size_t free_bytes) {
        static const char zeros[4096];
        _cleanup_(freep) char *path = temp_path(folder, "ballast");
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        off_t size = 0;
        ssize_t n;

        ck_assert_int_ge(fd, 0);
        while ((n = write(fd, zeros, sizeof(zeros))) > 0)
                size += n;
        ck_assert(n == 0 || errno == ENOSPC);
        ck_assert_int_ge(ftruncate(fd, size > (off_t) free_bytes ? size - (off_t) free_bytes : 0), 0);
        ck_assert_int_ge(close(fd), 0);
}

static void free_disk(void) {
        temp_remove(folder, "ballast");
}

/* Fills the store in a process that dies with it open, so that the log is needed. */
static void fill_and_die(void) {
        int status;
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                fill(open_as(folder, STORE_CREATED));
                (void) kill(getpid(), SIGKILL);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, SIGKILL);
        ck_assert(exists(DB "-wal"));
}

static void assert_only_readable(struct store *store, int error) {
        static const struct store_limits limits;

        ck_assert_int_eq(store_read_only(store), error);
        ck_assert_int_eq(store_begin(store), error);
        ck_assert_int_eq(store_commit(store), -EINVAL);
        ck_assert_int_eq(store_mark_announced(store, sample_id(2)), error);
        ck_assert_int_eq(store_prune(store, &limits), error);
}

static void assert_filled(struct store *store) {
        _cleanup_(freep) char *text = dump(store, FILL_UNIT);

        ck_assert_ptr_nonnull(strstr(text, "baseline alpha.service"));
        ck_assert_ptr_nonnull(strstr(text, "baseline beta.service"));
        ck_assert_ptr_nonnull(strstr(text, "file /etc/systemd/system/y.service x.service"));
        ck_assert_ptr_nonnull(strstr(text, "event 00000000000000000000000000000002"));
}

START_TEST(read_only_disk) {
        struct store *store;

        if (_i == 0) {
                store = open_as(folder, STORE_CREATED);
                fill(store);
                store_close(store);
        } else
                fill_and_die();

        mount_set_read_only(folder, true);
        store = open_as(folder, STORE_OPENED);
        assert_only_readable(store, -EROFS);
        assert_filled(store);
        store_close(store);

        mount_set_read_only(folder, false);
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(store_read_only(store), 0);
        assert_filled(store);
        put(store, 100);
        store_close(store);
}
END_TEST

/* The name of a folder means nothing to SQLite. */
START_TEST(read_only_disk_with_an_odd_name) {
        char *parent = folder;
        struct store *store;

        temp_mkdir(parent, "a?mode=rw#b%20c");
        folder = temp_path(parent, "a?mode=rw#b%20c");
        store = open_as(folder, STORE_CREATED);
        fill(store);
        store_close(store);
        mount_set_read_only(parent, true);
        store = open_as(folder, STORE_OPENED);
        assert_only_readable(store, -EROFS);
        assert_filled(store);
        store_close(store);
        free(folder);
        folder = parent;
}
END_TEST

static void assert_error(int error) {
        enum store_opened opened;
        struct store *store = NULL;
        char *aside = NULL;

        ck_assert_int_eq(store_open(&store, folder, &opened, &aside), error);
        ck_assert_ptr_null(store);
        ck_assert_ptr_null(aside);
}

START_TEST(read_only_disk_with_nothing_to_read) {
        mount_set_read_only(folder, true);
        assert_error(-EROFS);
        mount_set_read_only(folder, false);

        temp_write(folder, DB, "no database");
        mount_set_read_only(folder, true);
        assert_error(-EROFS);
        ck_assert(exists(DB));
        mount_set_read_only(folder, false);
        store_close(open_as(folder, STORE_SET_ASIDE));
}
END_TEST

START_TEST(full_disk_with_nothing_there) {
        fill_disk(0);
        assert_error(-ENOSPC);
        ck_assert(!exists(DB));
        ck_assert(!exists(DB ".new"));
        ck_assert(!exists(DB ".new-journal"));
        free_disk();
        store_close(open_as(folder, STORE_CREATED));
}
END_TEST

START_TEST(full_disk_with_a_store) {
        struct store *store;

        if (_i == 0) {
                store = open_as(folder, STORE_CREATED);
                fill(store);
                store_close(store);
        } else
                fill_and_die();

        fill_disk(0);
        store = open_as(folder, STORE_OPENED);
        /* what SQLite needs beside it is there already, where the process died */
        if (_i == 0)
                assert_only_readable(store, -ENOSPC);
        assert_filled(store);
        store_close(store);

        free_disk();
        store = open_as(folder, STORE_OPENED);
        ck_assert_int_eq(store_read_only(store), 0);
        assert_filled(store);
        put(store, 100);
        store_close(store);
}
END_TEST

START_TEST(disk_becomes_full) {
        struct store *store = open_as(folder, STORE_CREATED);
        unsigned n = 10;
        int r;

        fill(store);
        fill_disk(0);
        do {
                struct store_event event = sample_event(++n, "regressed", "a.service");

                begin(store);
                r = store_put_event(store, &event);
                if (r >= 0)
                        r = store_commit(store);
                else
                        ck_assert_int_eq(store_commit(store), r);
        } while (r >= 0 && n < 1000);
        ck_assert_int_eq(r, -ENOSPC);
        assert_filled(store);

        /* what is refused can be put when there is room, by the same store */
        free_disk();
        put(store, n);
        store_close(store);
        store = open_as(folder, STORE_OPENED);
        assert_filled(store);
        store_close(store);
}
END_TEST

static int count_event(void *userdata, const struct store_event *event) {
        (void) event;
        ++*(unsigned *) userdata;
        return 0;
}

static unsigned count_events(struct store *store) {
        unsigned n = 0;

        ck_assert_int_eq(store_each_event(store, NULL, NULL, SIZE_MAX, count_event, &n), 0);
        return n;
}

/* Opens and puts until something fails. Returns how many were put, *ret_r is what failed. */
static unsigned put_until_full(unsigned first, int *ret_r) {
        enum store_opened opened;
        struct store *store;
        unsigned n = 0;
        int r;

        r = store_open(&store, folder, &opened, NULL);
        if (r < 0) {
                *ret_r = r;
                return 0;
        }
        for (; r >= 0 && n < 50; n += r >= 0) {
                struct store_event event = sample_event(first + n, "regressed", "a.service");

                r = store_begin(store);
                if (r >= 0)
                        r = store_put_event(store, &event);
                if (r >= 0)
                        r = store_commit(store);
                store_rollback(store);
        }
        store_close(store);
        *ret_r = r;
        return n;
}

/* The disk may get full at any step: what was committed is there, and nothing else. */
START_TEST(disk_of_any_size) {
        unsigned n_put = 0, n_full = 0;

        for (size_t room = 0; room <= 300 * 1024; room += 4096) {
                struct store *store;
                int r;

                fill_disk(room);
                n_put += put_until_full(1 + n_put, &r);
                ck_assert_msg(r == 0 || r == -ENOSPC, "%s", strerror(-r));
                n_full += r == -ENOSPC;
                free_disk();
                if (n_put > 0 || exists(DB)) {
                        store = open_as(folder, STORE_OPENED);
                        ck_assert_uint_eq(count_events(store), n_put);
                        store_close(store);
                }
        }
        ck_assert_uint_gt(n_full, 5);
        ck_assert_uint_gt(n_put, 50);
}
END_TEST

/* The file could be written, but none beside it. */
START_TEST(folder_without_access) {
        _cleanup_(freep) char *path = temp_path(outer, "state"), *db = temp_path(path, DB);
        struct store *store;
        bool root = geteuid() == 0;

        temp_mkdir(outer, "state");
        store = open_as(path, STORE_CREATED);
        fill(store);
        store_close(store);
        ck_assert_int_ge(chmod(outer, 0755), 0);
        ck_assert_int_ge(chmod(path, 0555), 0);
        if (root) {
                ck_assert_int_ge(chown(db, 65534, 65534), 0);
                ck_assert_int_ge(seteuid(65534), 0);
        }

        store = open_as(path, STORE_OPENED);
        assert_only_readable(store, -EACCES);
        assert_filled(store);
        store_close(store);

        if (root) {
                enum store_opened opened;

                ck_assert_int_ge(seteuid(0), 0);
                ck_assert_int_ge(chown(db, 0, 0), 0);
                ck_assert_int_ge(seteuid(65534), 0);
                ck_assert_int_eq(store_open(&store, path, &opened, NULL), -EACCES);
                ck_assert_int_ge(seteuid(0), 0);
        }
        ck_assert_int_ge(chmod(path, 0755), 0);
}
END_TEST

int main(void) {
        TCase *disk, *access_case;
        Suite *suite;

        if (!mount_namespace_possible()) {
                printf("No mounts of our own are possible here.\n");
                return SKIPPED;
        }
        suite = suite_create("store-disk");
        disk = tcase_create("disk");
        access_case = tcase_create("access");

        /* What is left below the mounts is removed from outside. */
        tcase_add_unchecked_fixture(disk, make_outer, remove_outer);
        tcase_set_timeout(disk, 60);
        tcase_add_checked_fixture(disk, setup, NULL);
        tcase_add_loop_test(disk, read_only_disk, 0, 2);
        tcase_add_test(disk, read_only_disk_with_an_odd_name);
        tcase_add_test(disk, read_only_disk_with_nothing_to_read);
        tcase_add_test(disk, full_disk_with_nothing_there);
        tcase_add_loop_test(disk, full_disk_with_a_store, 0, 2);
        tcase_add_test(disk, disk_becomes_full);
        tcase_add_test(disk, disk_of_any_size);
        suite_add_tcase(suite, disk);

        tcase_add_checked_fixture(access_case, make_outer, remove_outer);
        tcase_add_test(access_case, folder_without_access);
        suite_add_tcase(suite, access_case);

        return suite_run(suite);
}
