/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <threads.h>
#include <unistd.h>

#include "store/store.h"

#include "memory.h"
#include "reading.h"
#include "snapshot.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"

#define KIB ((size_t) 1024)

static void chmod_entry(const char *folder, const char *entry, mode_t mode) {
        _cleanup_(freep) char *path = temp_path(folder, entry);

        ck_assert_int_eq(chmod(path, mode), 0);
}

static void write_size(const char *folder, const char *entry, const char *line, size_t size) {
        _cleanup_(freep) char *text = malloc(size);
        size_t n = strlen(line);

        ck_assert_ptr_nonnull(text);
        for (size_t i = 0; i < size; i++)
                text[i] = line[i % n];
        temp_write_bytes(folder, entry, text, size);
}

static void make_socket(const char *folder, const char *entry) {
        _cleanup_(freep) char *path = temp_path(folder, entry);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(close(fd), 0);
        /* Let it not be the mode that keeps us away. */
        ck_assert_int_eq(chmod(path, 0777), 0);
}

/* Everything that can lie about where a unit file should be. */
static void make_entries(const char *folder) {
        temp_write(folder, "file", "[Service]\nA=1\n");
        temp_write(folder, "empty", "");
        temp_write(folder, "no-newline", "A=1");
        temp_write(folder, "crlf", "A=1\r\nB=2\r\n");
        temp_write_bytes(folder, "nul", "A=1\n\0B=2\n", 9);
        temp_write(folder, "not-utf8", "A=\xff\n");
        temp_write(folder, "private", "A=1\n");
        chmod_entry(folder, "private", 0640);
        temp_write(folder, "closed", "A=1\n");
        chmod_entry(folder, "closed", 0);
        write_size(folder, "largest", "A=1\n", 64 * KIB);
        write_size(folder, "larger", "A=1\n", 64 * KIB + 1);
        write_size(folder, "10-mb", "A=1\n", 10 * KIB * KIB);
        write_size(folder, "100000-lines", "A\n", 200000);
        temp_mkdir(folder, "folder");
        temp_mkfifo(folder, "fifo");
        chmod_entry(folder, "fifo", 0666);
        make_socket(folder, "socket");
        temp_symlink(folder, "link", "file");
        temp_symlink(folder, "chain", "link");
        temp_symlink(folder, "link-to-private", "private");
        temp_symlink(folder, "link-to-folder", "folder");
        temp_symlink(folder, "link-to-fifo", "fifo");
        temp_symlink(folder, "link-to-device", "/dev/zero");
        temp_symlink(folder, "mask", "/dev/null");
        temp_symlink(folder, "mask-chain", "mask");
        temp_symlink(folder, "dangling", "nothing");
        temp_symlink(folder, "loop", "loop");
}

static const struct {
        const char *entry, *target, *content;
        uint64_t size;
        bool exists, long_content, mask;
} entries[] = {
        { "file",            NULL,        "[Service]\nA=1\n", 14,              .exists = true },
        { "empty",           NULL,        "",                 0,               .exists = true },
        { "no-newline",      NULL,        "A=1",              3,               .exists = true },
        { "crlf",            NULL,        "A=1\r\nB=2\r\n",   10,              .exists = true },
        { "nul",             NULL,        NULL,               9,               .exists = true },
        { "not-utf8",        NULL,        "A=\xff\n",         4,               .exists = true },
        { "private",         NULL,        NULL,               4,               .exists = true },
        { "closed",          NULL,        NULL,               4,               .exists = true },
        { "largest",         NULL,        NULL,               64 * KIB,        true, .long_content = true },
        { "larger",          NULL,        NULL,               64 * KIB + 1,    .exists = true },
        { "10-mb",           NULL,        NULL,               10 * KIB * KIB,  .exists = true },
        { "100000-lines",    NULL,        NULL,               200000,          .exists = true },
        { "folder",          NULL,        NULL,               UINT64_MAX,      .exists = true },
        { "fifo",            NULL,        NULL,               0,               .exists = true },
        { "socket",          NULL,        NULL,               0,               .exists = true },
        { "link",            "file",      "[Service]\nA=1\n", 14,              .exists = true },
        { "chain",           "link",      "[Service]\nA=1\n", 14,              .exists = true },
        { "link-to-private", "private",   NULL,               4,               .exists = true },
        { "link-to-folder",  "folder",    NULL,               UINT64_MAX,      .exists = true },
        { "link-to-fifo",    "fifo",      NULL,               0,               .exists = true },
        { "link-to-device",  "/dev/zero", NULL,               0,               .exists = true },
        { "mask",            "/dev/null", "",                 0,               .exists = true, .mask = true },
        { "mask-chain",      "mask",      "",                 0,               .exists = true, .mask = true },
        { "dangling",        "nothing",   NULL,               0 },
        { "loop",            "loop",      NULL,               0 },
        { "missing",         NULL,        NULL,               0 },
        { "file/below",      NULL,        NULL,               0 },
};

/* mtime, inode and size are those that stat() tells, but of a mask, which has none. */
static void assert_numbers(const struct file_state *file, bool mask) {
        struct stat st = {};

        if (!mask && stat(file->path, &st) < 0)
                st = (struct stat) {};
        ck_assert_uint_eq(file->inode, st.st_ino);
        ck_assert_uint_eq(file->mtime_nsec / 1000000000, (uint64_t) st.st_mtim.tv_sec);
        ck_assert_uint_eq(file->mtime_nsec % 1000000000, (uint64_t) st.st_mtim.tv_nsec);
        ck_assert_uint_eq(file->size, (uint64_t) st.st_size);
}

static void assert_state(const struct file_state *file, size_t i) {
        ck_assert_pstr_eq(file->target, entries[i].target);
        ck_assert_int_eq(file->exists, entries[i].exists);
        ck_assert_int_eq(file_state_is_mask(file), entries[i].mask);
        if (entries[i].size != UINT64_MAX)
                ck_assert_uint_eq(file->size, entries[i].size);
        assert_numbers(file, entries[i].mask);
        if (entries[i].long_content)
                ck_assert_uint_eq(strlen(file->content), file->size);
        else
                ck_assert_pstr_eq(file->content, entries[i].content);
}

START_TEST(each_entry) {
        _cleanup_(temp_freep) char *folder = temp_new();

        make_entries(folder);
        for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
                _cleanup_(snapshot_done) struct snapshot snapshot = {};
                _cleanup_(freep) char *path = temp_path(folder, entries[i].entry);

                ck_assert_int_eq(snapshot_take(&snapshot, path, NULL, false), 0);
                ck_assert_uint_eq(snapshot.n_files, 1);
                ck_assert_str_eq(snapshot.files[0].path, path);
                assert_state(&snapshot.files[0], i);
        }
}
END_TEST

static char **all_paths(const char *folder) {
        char **paths = NULL;

        for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
                _cleanup_(freep) char *path = temp_path(folder, entries[i].entry);

                ck_assert_int_eq(strv_extend(&paths, path), 0);
        }
        return paths;
}

START_TEST(order_and_find) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        _cleanup_(strv_freep) char **paths = all_paths(folder);

        make_entries(folder);
        ck_assert_int_eq(snapshot_take(&snapshot, paths[0], paths + 1, false), 0);
        ck_assert_uint_eq(snapshot.n_files, ELEMENTSOF(entries));
        for (size_t i = 0; i < snapshot.n_files; i++) {
                ck_assert_str_eq(snapshot.files[i].path, paths[i]);
                assert_state(&snapshot.files[i], i);
                ck_assert_ptr_eq(snapshot_find(&snapshot, paths[i]), &snapshot.files[i]);
        }
        ck_assert_ptr_null(snapshot_find(&snapshot, folder));
        snapshot_done(&snapshot);
        ck_assert_uint_eq(snapshot.n_files, 0);
        ck_assert_ptr_null(snapshot_find(&snapshot, paths[0]));
        snapshot_done(NULL);
}
END_TEST

START_TEST(no_files) {
        _cleanup_(snapshot_done) struct snapshot snapshot = { (void *) 1, 1 };
        char *none[] = { NULL };

        ck_assert_int_eq(snapshot_take(&snapshot, NULL, NULL, false), 0);
        ck_assert_uint_eq(snapshot.n_files, 0);
        ck_assert_int_eq(snapshot_take(&snapshot, NULL, none, false), 0);
        ck_assert_uint_eq(snapshot.n_files, 0);
}
END_TEST

/* Whether a snapshot of the entry opens anything in the folder. */
static bool is_opened(const char *folder, const char *entry) {
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        _cleanup_(freep) char *path = temp_path(folder, entry);
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        struct pollfd event = { .fd = fd, .events = POLLIN };
        int n;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_ge(inotify_add_watch(fd, folder, IN_OPEN), 0);
        ck_assert_int_eq(snapshot_take(&snapshot, path, NULL, false), 0);
        n = poll(&event, 1, 0);
        ck_assert_int_ge(n, 0);
        ck_assert_int_eq(close(fd), 0);
        return n > 0;
}

/* To open a device or a fifo may already do something. */
START_TEST(only_public_files_are_opened) {
        static const char *const closed[] = {
                "private", "closed", "folder", "fifo", "socket", "link-to-fifo",
        };
        _cleanup_(temp_freep) char *folder = temp_new();

        make_entries(folder);
        ck_assert(is_opened(folder, "file"));
        ck_assert(is_opened(folder, "link"));
        for (size_t i = 0; i < ELEMENTSOF(closed); i++)
                ck_assert_msg(!is_opened(folder, closed[i]), "%s", closed[i]);
}
END_TEST

/* What is told to its owner alone. */
START_TEST(private_files) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(freep) char *path = temp_path(folder, "private"), *fifo = temp_path(folder, "fifo");
        char *drop_ins[] = { fifo, NULL };
        _cleanup_(snapshot_done) struct snapshot snapshot = {};

        temp_write(folder, "private", "secret");
        chmod_entry(folder, "private", 0600);
        temp_mkfifo(folder, "fifo");
        ck_assert_int_eq(snapshot_take(&snapshot, path, drop_ins, true), 0);
        ck_assert_str_eq(snapshot.files[0].content, "secret");
        ck_assert_ptr_null(snapshot.files[1].content);
}
END_TEST

struct swap {
        char *path, *public, *private, *other;
        atomic_bool stop;
};

/* Puts a link to a public and to a private file at the path by turns. */
static int swap_thread(void *userdata) {
        struct swap *swap = userdata;

        while (!swap->stop) {
                (void) symlink(swap->public, swap->other);
                (void) rename(swap->other, swap->path);
                (void) symlink(swap->private, swap->other);
                (void) rename(swap->other, swap->path);
        }
        return 0;
}

/* What is read is what was looked at. */
START_TEST(replaced_at_the_wrong_time) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(freep) char *path = temp_path(folder, "path"), *public = temp_path(folder, "public");
        _cleanup_(freep) char *private = temp_path(folder, "private"), *other = temp_path(folder, "other");
        struct swap swap = { path, public, private, other, false };
        unsigned n_read = 0, n_unread = 0;
        thrd_t thread;

        temp_write(folder, "public", "public");
        temp_write(folder, "private", "secret");
        chmod_entry(folder, "private", 0600);
        temp_symlink(folder, "path", "public");
        ck_assert_int_eq(thrd_create(&thread, swap_thread, &swap), thrd_success);
        for (unsigned i = 0; i < 100000 && (i < 10000 || n_read == 0 || n_unread == 0); i++) {
                _cleanup_(snapshot_done) struct snapshot snapshot = {};

                ck_assert_int_eq(snapshot_take(&snapshot, path, NULL, false), 0);
                if (snapshot.files[0].content)
                        ck_assert_str_eq(snapshot.files[0].content, "public");
                n_read += snapshot.files[0].content != NULL;
                n_unread += !snapshot.files[0].content;
        }
        swap.stop = true;
        ck_assert_int_eq(thrd_join(thread, NULL), thrd_success);
        /* Else nothing was shown. */
        ck_assert_uint_gt(n_read, 0);
        ck_assert_uint_gt(n_unread, 0);
}
END_TEST

/* So many paths of entries by number, and files of that size behind the first of them. */
static char **numbered(const char *folder, size_t n_paths, size_t n_files, size_t size) {
        char **paths = NULL;

        for (size_t i = 0; i < n_paths; i++) {
                _cleanup_(freep) char *path = NULL;
                char entry[32];

                (void) snprintf(entry, sizeof(entry), "%zu.conf", i);
                if (i < n_files)
                        write_size(folder, entry, "A=1\n", size);
                path = temp_path(folder, entry);
                ck_assert_int_eq(strv_extend(&paths, path), 0);
        }
        return paths;
}

static size_t count_contents(const struct snapshot *snapshot) {
        size_t n = 0;

        for (size_t i = 0; i < snapshot->n_files; i++)
                n += snapshot->files[i].content != NULL;
        return n;
}

START_TEST(number_of_contents) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(strv_freep) char **paths = numbered(folder, 70, 70, 4);
        _cleanup_(snapshot_done) struct snapshot snapshot = {};

        temp_symlink(folder, "mask", "/dev/null");
        free(paths[69]);
        paths[69] = temp_path(folder, "mask");
        ck_assert_int_eq(snapshot_take(&snapshot, paths[0], paths + 1, false), 0);
        ck_assert_uint_eq(snapshot.n_files, 70);
        /* A mask costs nothing. */
        ck_assert_uint_eq(count_contents(&snapshot), 65);
        ck_assert_str_eq(snapshot.files[63].content, "A=1\n");
        ck_assert_ptr_null(snapshot.files[64].content);
        ck_assert(snapshot.files[64].exists);
        ck_assert_uint_eq(snapshot.files[64].size, 4);
        ck_assert_str_eq(snapshot.files[69].content, "");
}
END_TEST

START_TEST(size_of_contents) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(strv_freep) char **paths = numbered(folder, 5, 5, 60 * KIB);
        _cleanup_(snapshot_done) struct snapshot snapshot = {};

        for (size_t i = 0; i < 3; i++) {
                _cleanup_(freep) char *path = NULL;
                char entry[16];

                /* 16 KiB are left. */
                (void) snprintf(entry, sizeof(entry), "last-%zu", i);
                write_size(folder, entry, "A=1\n", i == 0 ? 16 * KIB + 1 : i == 1 ? 16 * KIB : 1);
                path = temp_path(folder, entry);
                ck_assert_int_eq(strv_extend(&paths, path), 0);
        }
        ck_assert_int_eq(snapshot_take(&snapshot, NULL, paths, false), 0);
        ck_assert_uint_eq(snapshot.n_files, 8);
        for (size_t i = 0; i < 8; i++)
                ck_assert_msg(!snapshot.files[i].content == (i == 4 || i == 5 || i == 7), "%zu", i);
}
END_TEST

START_TEST(number_of_files) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(strv_freep) char **paths = numbered(folder, DROP_IN_PATHS_MAX + 2, 0, 0);
        _cleanup_(snapshot_done) struct snapshot snapshot = {}, untouched = {};
        struct store_file file = { .path = "/more" };

        ck_assert_int_eq(snapshot_take(&untouched, paths[0], paths + 1, false), -E2BIG);
        ck_assert_uint_eq(untouched.n_files, 0);
        free(paths[DROP_IN_PATHS_MAX + 1]);
        paths[DROP_IN_PATHS_MAX + 1] = NULL;
        ck_assert_int_eq(snapshot_take(&snapshot, paths[0], paths + 1, false), 0);
        ck_assert_uint_eq(snapshot.n_files, DROP_IN_PATHS_MAX + 1);
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -E2BIG);
        ck_assert_uint_eq(snapshot.n_files, DROP_IN_PATHS_MAX + 1);
}
END_TEST

static void assert_same_state(const struct file_state *a, const struct file_state *b) {
        ck_assert_str_eq(a->path, b->path);
        ck_assert_ptr_ne(a->path, b->path);
        ck_assert_pstr_eq(a->target, b->target);
        ck_assert_pstr_eq(a->content, b->content);
        ck_assert_uint_eq(a->mtime_nsec, b->mtime_nsec);
        ck_assert_uint_eq(a->inode, b->inode);
        ck_assert_uint_eq(a->size, b->size);
        ck_assert_int_eq(a->exists, b->exists);
}

START_TEST(to_store_and_back) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot snapshot = {}, back = {};
        _cleanup_(strv_freep) char **paths = all_paths(folder);

        make_entries(folder);
        ck_assert_int_eq(snapshot_take(&snapshot, paths[0], paths + 1, false), 0);
        for (size_t i = 0; i < snapshot.n_files; i++) {
                struct store_file file;

                file_state_to_store(&snapshot.files[i], &file);
                ck_assert_int_eq(snapshot_from_store(&back, &file), 0);
        }
        ck_assert_uint_eq(back.n_files, snapshot.n_files);
        for (size_t i = 0; i < snapshot.n_files; i++)
                assert_same_state(&back.files[i], &snapshot.files[i]);
}
END_TEST

/* A database may hold anything. */
START_TEST(from_a_bad_store) {
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        char content[64 * KIB + 2];
        struct store_file file = { .content = content };

        memset(content, 'A', sizeof(content));
        content[sizeof(content) - 1] = '\0';
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -EBADMSG);
        file.path = "";
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -EBADMSG);
        file.path = "relative";
        file.content = NULL;
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -EBADMSG);
        file.path = "/not/utf8/\xff";
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -EBADMSG);
        file.path = "/too/large";
        file.content = content;
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), -EBADMSG);
        ck_assert_uint_eq(snapshot.n_files, 0);
        content[sizeof(content) - 2] = '\0';
        ck_assert_int_eq(snapshot_from_store(&snapshot, &file), 0);
        ck_assert_uint_eq(snapshot.n_files, 1);
}
END_TEST

/* A file that is opened and read changes no signature: else a look would make the next one necessary. */
START_TEST(signature_of_hostile_entries) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(strv_freep) char **paths = all_paths(folder);
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        uint64_t before;

        make_entries(folder);
        before = files_signature(paths[0], paths + 1);
        ck_assert_int_eq(snapshot_take(&snapshot, paths[0], paths + 1, false), 0);
        ck_assert_uint_eq(files_signature(paths[0], paths + 1), before);
}
END_TEST

static int attempt_take(void *userdata) {
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        char **paths = userdata;
        int r;

        r = snapshot_take(&snapshot, paths[0], paths + 1, false);
        if (r < 0)
                ck_assert_uint_eq(snapshot.n_files, 0);
        (void) files_signature(paths[0], paths + 1);
        return r;
}

static int attempt_from_store(void *userdata) {
        _cleanup_(snapshot_done) struct snapshot snapshot = {};

        (void) userdata;
        return snapshot_from_store(&snapshot,
                                   &(struct store_file) { .path = "/a", .target = "b", .content = "c" });
}

static int attempt_signature(void *userdata) {
        char **paths = userdata;

        (void) files_signature(paths[0], paths + 1);
        return 0;
}

START_TEST(out_of_memory) {
        static const char *const some[] = { "file", "link", "mask" };
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(strv_freep) char **paths = NULL;

        temp_write(folder, "file", "A=1\n");
        temp_symlink(folder, "link", "file");
        temp_symlink(folder, "mask", "/dev/null");
        for (size_t i = 0; i < ELEMENTSOF(some); i++) {
                _cleanup_(freep) char *path = temp_path(folder, some[i]);

                ck_assert_int_eq(strv_extend(&paths, path), 0);
        }
        ck_assert_uint_ge(memory_fail_each(attempt_take, paths), 11);
        ck_assert_uint_eq(memory_fail_each(attempt_from_store, NULL), 4);
        ck_assert_uint_eq(memory_fail_each(attempt_signature, paths), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("snapshot");
        TCase *tcase = tcase_create("snapshot");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, each_entry);
        tcase_add_test(tcase, order_and_find);
        tcase_add_test(tcase, no_files);
        tcase_add_test(tcase, only_public_files_are_opened);
        tcase_add_test(tcase, private_files);
        tcase_add_test(tcase, replaced_at_the_wrong_time);
        tcase_add_test(tcase, number_of_contents);
        tcase_add_test(tcase, size_of_contents);
        tcase_add_test(tcase, number_of_files);
        tcase_add_test(tcase, to_store_and_back);
        tcase_add_test(tcase, from_a_bad_store);
        tcase_add_test(tcase, signature_of_hostile_entries);
        tcase_add_test(tcase, out_of_memory);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
