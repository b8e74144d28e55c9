/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "random.h"
#include "store-folder.h"
#include "store-sample.h"
#include "suite.h"

#define ROUNDS 60
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC UINT64_C(1000000000)

/* What the child says when something is on the disk. */
enum done {
        DONE_BATCH,
        DONE_MARK,
        DONE_START,
};

struct message {
        enum done done;
        unsigned n;
};

static void say(int fd, enum done done, unsigned n) {
        struct message message = { done, n };

        ck_assert_int_eq(write(fd, &message, sizeof(message)), sizeof(message));
}

static void put_batch(struct store *store, unsigned n) {
        struct store_baseline baseline = sample_baseline("counted.service", n);
        struct store_file file = { .path = "/x", .content = n % 2 ? "odd" : "even" };
        char number[16];

        (void) snprintf(number, sizeof(number), "%u", n);
        begin(store);
        ck_assert_int_eq(store_put_baseline(store, &baseline), 0);
        ck_assert_int_eq(store_put_files(store, "counted.service", &file, 1), 0);
        put_event(store, 2 * n, "regressed", "counted.service");
        put_event(store, 2 * n + 1, "improved", "counted.service");
        ck_assert_int_eq(store_put_text(store, "count", number), 0);
        commit(store);
}

/* Until somebody ends it. */
static void work(int fd, enum store_opened expected, unsigned first) {
        struct store *store = open_as(folder, expected);

        say(fd, DONE_START, 0);
        for (unsigned n = first;; n++) {
                put_batch(store, n);
                say(fd, DONE_BATCH, n);
                if (n % 3)
                        continue;
                ck_assert_int_eq(store_mark_announced(store, sample_id(2 * n)), 0);
                say(fd, DONE_MARK, n);
        }
}

static void wait_a_while(uint64_t max_nsec) {
        uint64_t nsec = random_below(max_nsec);
        struct timespec while_ = {
                .tv_sec = (time_t) (nsec / NSEC_PER_SEC),
                .tv_nsec = (long) (nsec % NSEC_PER_SEC),
        };

        ck_assert_int_eq(nanosleep(&while_, NULL), 0);
}

static uint64_t now_nsec(void) {
        struct timespec ts;

        ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
        return (uint64_t) ts.tv_sec * NSEC_PER_SEC + (uint64_t) ts.tv_nsec;
}

struct acknowledged {
        unsigned batch, n_marks;
        bool marks[65536];      /* by batch */
};

static void take(struct acknowledged *acknowledged, const struct message *message) {
        if (message->done == DONE_BATCH)
                acknowledged->batch = message->n;
        if (message->done == DONE_MARK)
                acknowledged->n_marks += acknowledged->marks[message->n] = true;
}

/* Lets it work for a random time after it began, and ends it. */
static void work_and_kill(enum store_opened expected, struct acknowledged *acknowledged) {
        struct message message;
        int fds[2], status;
        pid_t pid;

        ck_assert_int_ge(pipe(fds), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                close(fds[0]);
                work(fds[1], expected, acknowledged->batch + 1);
                _exit(1);
        }
        close(fds[1]);
        ck_assert_int_eq(read(fds[0], &message, sizeof(message)), sizeof(message));
        ck_assert_int_eq(message.done, DONE_START);
        for (uint64_t i = random_below(20); i > 0; i--) {
                ck_assert_int_eq(read(fds[0], &message, sizeof(message)), sizeof(message));
                take(acknowledged, &message);
        }
        wait_a_while(4 * NSEC_PER_MSEC);
        ck_assert_int_ge(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(fds[0], &message, sizeof(message)) == sizeof(message))
                take(acknowledged, &message);
        close(fds[0]);
}

/* As an administrator would, before the store is opened again. */
static void assert_integrity(void) {
        _cleanup_(freep) char *path = temp_path(folder, "exposured.db");
        sqlite3_stmt *stmt = NULL;
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
        ck_assert_str_eq((const char *) sqlite3_column_text(stmt, 0), "ok");
        sqlite3_finalize(stmt);
        ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &stmt, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(stmt), SQLITE_DONE);
        sqlite3_finalize(stmt);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

struct expected {
        unsigned next;          /* the event that comes next, from the newest on */
};

static int check_event(void *userdata, const struct store_event *event) {
        struct expected *expected = userdata;

        ck_assert_uint_eq(strtoul(event->id, NULL, 16), expected->next);
        ck_assert_uint_eq(event->n_units, 1);
        ck_assert_uint_eq(event->n_causes, 1);
        expected->next--;
        return 0;
}

static int check_unannounced(void *userdata, const struct store_event *event) {
        const struct acknowledged *acknowledged = userdata;
        unsigned n = (unsigned) strtoul(event->id, NULL, 16);

        /* the first of the two of a batch */
        ck_assert_msg(n % 2 || !acknowledged->marks[n / 2], "event %u was announced", n);
        return 0;
}

static int check_baseline(void *userdata, const struct store_baseline *baseline) {
        ck_assert_uint_eq(baseline->taken - 1000000, *(unsigned *) userdata);
        return 0;
}

static int check_file(void *userdata, const struct store_file *file) {
        ck_assert_str_eq(file->content, *(unsigned *) userdata % 2 ? "odd" : "even");
        return 0;
}

static void assert_all_there(struct acknowledged *acknowledged) {
        struct store *store = open_as(folder, STORE_OPENED);
        _cleanup_(freep) char *count = NULL;
        struct expected expected;
        unsigned n;

        ck_assert_int_eq(store_get_text(store, "count", &count), 0);
        n = count ? (unsigned) strtoul(count, NULL, 10) : 0;
        /* the last one may have been on the disk, and not said */
        ck_assert_uint_ge(n, acknowledged->batch);
        ck_assert_uint_le(n, acknowledged->batch + 1);

        expected.next = 2 * n + 1;
        ck_assert_int_eq(store_each_event(store, NULL, NULL, SIZE_MAX, check_event, &expected), 0);
        ck_assert_uint_eq(expected.next, 1);
        ck_assert_int_eq(store_each_unannounced(store, check_unannounced, acknowledged), 0);
        ck_assert_int_eq(store_each_baseline(store, check_baseline, &n), 0);
        ck_assert_int_eq(store_each_file(store, "counted.service", check_file, &n), 0);
        ck_assert_uint_eq(store_bad_rows(store), 0);
        store_close(store);
        acknowledged->batch = n;
}

START_TEST(killed_at_any_time) {
        static struct acknowledged acknowledged;

        for (int i = 0; i < ROUNDS; i++) {
                work_and_kill(i == 0 ? STORE_CREATED : STORE_OPENED, &acknowledged);
                assert_integrity();
                assert_all_there(&acknowledged);
        }
        ck_assert_uint_gt(acknowledged.batch, ROUNDS);
        ck_assert_uint_gt(acknowledged.n_marks, ROUNDS);
        printf("%u batches, %d kills\n", acknowledged.batch, ROUNDS);
}
END_TEST

/* From the first call on: what is there then is a whole store or none. */
START_TEST(killed_while_it_is_made) {
        unsigned n_created = 0, n_opened = 0;
        uint64_t needed = now_nsec();

        store_close(open_as(folder, STORE_CREATED));
        needed = now_nsec() - needed;
        temp_free(folder);
        folder = temp_new();

        for (int i = 0; i < ROUNDS; i++) {
                enum store_opened opened;
                struct store *store;
                int status;
                pid_t pid = fork();

                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        store_close(open_as(folder, STORE_CREATED));
                        pause();
                        _exit(1);
                }
                wait_a_while(2 * needed);
                ck_assert_int_ge(kill(pid, SIGKILL), 0);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_int_eq(store_open(&store, folder, &opened, NULL), 0);
                store_close(store);
                n_created += opened == STORE_CREATED;
                n_opened += opened == STORE_OPENED;
                temp_free(folder);
                folder = temp_new();
        }
        ck_assert_uint_eq(n_created + n_opened, ROUNDS);
        printf("%u made, %u found\n", n_created, n_opened);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-kill");
        TCase *tcase = tcase_create("kill");

        random_start();
        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, folder_setup, folder_teardown);
        tcase_add_test(tcase, killed_at_any_time);
        tcase_add_test(tcase, killed_while_it_is_made);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
