/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "faulty-vfs.h"
#include "random.h"
#include "store-folder.h"
#include "store-sample.h"
#include "suite.h"

#define DB "exposured.db"

/* What one life of a store came to, while one thing after the other failed. */
struct life {
        bool opened;
        int error;              /* the first one */
        unsigned tried, put;    /* events from 101 on */
        bool marked;
};

static void note(struct life *life, int r) {
        if (r < 0 && life->error == 0)
                life->error = r;
}

static int put_batch(struct store *store, unsigned n) {
        struct store_baseline baseline = sample_baseline("batch.service", n);
        struct store_event event = sample_event(n, "regressed", "batch.service");
        struct store_file file = { .path = "/x", .content = n % 2 ? "odd" : "even" };
        int r;

        r = store_begin(store);
        if (r >= 0)
                r = store_put_baseline(store, &baseline);
        if (r >= 0)
                r = store_put_files(store, "batch.service", &file, 1);
        if (r >= 0)
                r = store_put_event(store, &event);
        if (r >= 0)
                r = store_commit(store);
        store_rollback(store);
        return r;
}

static void read_all(struct life *life, struct store *store) {
        note(life, store_each_event(store, NULL, NULL, 100, ignore_event, NULL));
        note(life, store_each_event(store, "batch.service", NULL, 100, ignore_event, NULL));
        note(life, store_each_unannounced(store, ignore_event, NULL));
        note(life, store_each_baseline(store, ignore_baseline, NULL));
        note(life, store_each_file(store, "batch.service", ignore_file, NULL));
}

static struct life live(void) {
        static const struct store_limits limits = { .events_max = 1, .baselines_max = 2 };
        enum store_opened opened;
        struct store *store = NULL;
        struct life life = {};
        int r;

        r = store_open(&store, folder, &opened, NULL);
        note(&life, r);
        if (r < 0)
                return life;
        life.opened = true;
        ck_assert_msg(opened == STORE_OPENED || opened == STORE_CREATED, "set aside for a fault");
        note(&life, store_read_only(store));
        for (; life.tried < 3; life.tried++) {
                r = put_batch(store, 101 + life.tried);
                note(&life, r);
                life.put |= (unsigned) (r >= 0) << life.tried;
        }
        r = store_mark_announced(store, sample_id(101));
        note(&life, r == -ENOENT ? 0 : r);
        life.marked = r == 0;
        read_all(&life, store);
        note(&life, store_prune(store, &limits));
        store_close(store);
        return life;
}

struct found {
        unsigned events, announced;
};

static int find(void *userdata, const struct store_event *event) {
        struct found *found = userdata;
        unsigned long n = strtoul(event->id, NULL, 16);

        if (n > 100)
                found->events |= 1U << (n - 101);
        return 0;
}

static int find_unannounced(void *userdata, const struct store_event *event) {
        struct found *found = userdata;

        found->announced &= !streq(event->id, sample_id(101));
        return 0;
}

/* What was said to be on the disk is there, and nothing that was not tried. What is announced may go. */
static void assert_kept(const struct life *life) {
        struct found found = { .announced = 1 };
        enum store_opened opened;
        struct store *store;

        ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
        ck_assert(opened == STORE_OPENED || (opened == STORE_CREATED && life->put == 0));
        ck_assert_int_eq(store_read_only(store), 0);
        ck_assert_int_eq(store_each_event(store, NULL, NULL, 100, find, &found), 0);
        ck_assert_int_eq(store_each_unannounced(store, find_unannounced, &found), 0);
        if (life->marked) {
                ck_assert_uint_eq(found.announced, 1);
                found.events |= life->put & 1;
        }
        ck_assert_uint_eq(life->put & ~found.events, 0);
        ck_assert_uint_eq(found.events >> life->tried, 0);
        ck_assert_int_eq(put_batch(store, 200), 0);
        ck_assert_uint_eq(store_bad_rows(store), 0);
        store_close(store);
}

/* A store in a folder of its own: none, one that was closed, or one whose log is needed. */
static void prepare(int kind) {
        struct store *store;

        temp_free(folder);
        folder = temp_new();
        if (kind == 0)
                return;
        store = open_as(folder, STORE_CREATED);
        fill(store);
        if (kind == 2) {
                temp_rename(folder, DB "-wal", "kept-wal");
                temp_rename(folder, DB, "kept");
                store_close(store);
                temp_rename(folder, "kept-wal", DB "-wal");
                temp_rename(folder, "kept", DB);
                temp_remove(folder, DB "-shm");
        } else
                store_close(store);
}

/* SQLite takes some lack of memory for a lack of files. But never for damage. */
static bool allowed(int error) {
        return error == 0 || error == -ENOMEM || error == -EIO || error == -ENOSPC || error == -EBUSY;
}

/* Lets each, or one of so many, fail. */
static void fail_each(int kind, bool for_good, long stride) {
        unsigned n_refused = 0;
        long n;

        for (n = (long) random_below((uint64_t) stride);; n += stride) {
                struct life life;
                long count;

                prepare(kind);
                faults_start(n, for_good);
                life = live();
                count = faults_stop();
                if (count <= n) {
                        ck_assert_int_eq(life.error, 0);
                        ck_assert_uint_eq(life.put, 7);
                        break;
                }
                ck_assert_msg(allowed(life.error), "%s, with %ld failing", strerror(-life.error), n);
                n_refused += life.error < 0;
                assert_kept(&life);
        }
        ck_assert_uint_gt(n_refused, 20);
        printf("kind %d: %ld, of which %u were told\n", kind, n / stride, n_refused);
}

START_TEST(files_fail) {
        faulty_files_install();
        fail_each(_i % 3, _i / 3, 1);
}
END_TEST

START_TEST(memory_fails) {
        faulty_memory_install();
        faulty_files_install();
        fail_each(_i % 3, _i / 3, 17);
}
END_TEST

static void assert_commit_is_flushed(struct store *store, unsigned n) {
        unsigned long before = faulty_files_flushed();

        ck_assert_int_eq(put_batch(store, n), 0);
        ck_assert_uint_gt(faulty_files_flushed(), before);
}

START_TEST(commits_wait_for_the_disk) {
        struct store *store;
        unsigned long before;

        faulty_files_install();
        store = open_as(folder, STORE_CREATED);
        assert_commit_is_flushed(store, 101);
        before = faulty_files_flushed();
        ck_assert_int_eq(store_mark_announced(store, sample_id(101)), 0);
        ck_assert_uint_eq(faulty_files_flushed(), before);
        assert_commit_is_flushed(store, 102);
        store_close(store);
}
END_TEST

/* Also when it could not be told so after something that does not wait. */
START_TEST(commits_wait_whatever_failed_before) {
        struct store *store;
        long count;
        unsigned n = 0;

        faulty_memory_install();
        faulty_files_install();
        store = open_as(folder, STORE_CREATED);
        /* what is prepared once would be all that fails */
        assert_commit_is_flushed(store, 100);
        ck_assert_int_eq(store_mark_announced(store, sample_id(100)), 0);
        do {
                assert_commit_is_flushed(store, 101 + n);
                faults_start(n, false);
                (void) store_mark_announced(store, sample_id(101 + n));
                count = faults_stop();
        } while (count > n++);
        ck_assert_int_gt(count, 5);
        store_close(store);
}
END_TEST

static int count_baseline(void *userdata, const struct store_baseline *baseline) {
        (void) baseline;
        ++*(int *) userdata;
        return 0;
}

/* Who does not look at what came of a change cannot commit half of it. */
START_TEST(failed_change_fails_the_commit) {
        struct store *store;
        unsigned n = 0;
        long count;

        faulty_memory_install();
        faulty_files_install();
        store = open_as(folder, STORE_CREATED);
        /* likewise */
        ck_assert_int_eq(put_batch(store, 1000), 0);
        begin(store);
        ck_assert_int_eq(store_remove_baseline(store, "batch.service"), 0);
        commit(store);
        do {
                struct store_baseline first = sample_baseline("first.service", n);
                struct store_event event = sample_event(n, "regressed", "first.service");
                int found = 0, r, k;

                begin(store);
                ck_assert_int_eq(store_put_baseline(store, &first), 0);
                faults_start(n, false);
                r = store_put_event(store, &event);
                count = faults_stop();
                ck_assert_msg(allowed(r), "%s, with %u failing", strerror(-r), n);
                k = store_touch_baseline(store, "first.service", 5);
                ck_assert_int_eq(k, r);
                ck_assert_int_eq(store_commit(store), r);
                ck_assert_int_eq(store_each_baseline(store, count_baseline, &found), 0);
                ck_assert_int_eq(found, r == 0);
                begin(store);
                ck_assert_int_eq(store_remove_baseline(store, "first.service"), 0);
                commit(store);
        } while (count > n++);
        ck_assert_int_gt(count, 5);
        store_close(store);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-faults");
        TCase *files = tcase_create("files"), *memory = tcase_create("memory");

        random_start();
        tcase_set_timeout(files, 300);
        tcase_add_checked_fixture(files, folder_setup, folder_teardown);
        tcase_add_loop_test(files, files_fail, 0, 6);
        tcase_add_test(files, commits_wait_for_the_disk);
        suite_add_tcase(suite, files);

        tcase_set_timeout(memory, 300);
        tcase_add_checked_fixture(memory, folder_setup, folder_teardown);
        tcase_add_loop_test(memory, memory_fails, 0, 6);
        tcase_add_test(memory, commits_wait_whatever_failed_before);
        tcase_add_test(memory, failed_change_fails_the_commit);
        suite_add_tcase(suite, memory);

        return suite_run(suite);
}
