/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"
#include "buffer.h"
#include "create.h"
#include "database.h"
#include "internal.h"
#include "schema.h"

#define FILE_NAME "exposured.db"

DEFINE_CLEANUP(struct store *, store_close)

/* The folder itself may be reached by links, as state folders are; below it none are followed. */
static int store_new(struct store **ret, const char *folder) {
        _cleanup_(store_closep) struct store *store = NULL;
        _cleanup_(freep) char *resolved = NULL;

        store = calloc(1, sizeof(*store));
        if (!store)
                return -ENOMEM;
        resolved = realpath(folder, NULL);
        if (!resolved)
                return -errno;
        store->path = join(streq(resolved, "/") ? "" : resolved, "/" FILE_NAME, NULL);
        if (!store->path)
                return -ENOMEM;
        *ret = TAKE_PTR(store);
        return 0;
}

/* 1 where it is ours by its looks, 0 where not. It is made its owner's alone. */
static int inspect_descriptor(struct store *store, int fd) {
        unsigned char header[SCHEMA_HEADER_SIZE];
        struct stat st;
        ssize_t n;

        if (fstat(fd, &st) < 0)
                return -errno;
        store->dev = st.st_dev;
        store->ino = st.st_ino;
        n = pread(fd, header, sizeof(header), 0);
        if (n < 0)
                return -errno;
        if ((size_t) n < sizeof(header) || !schema_recognize(header))
                return 0;
        if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0 && errno != EROFS && errno != EPERM)
                return -errno;
        return 1;
}

/* Looks at the file before SQLite does: 1 where it may be opened, 0 where it is none of ours. */
static int inspect_file(struct store *store) {
        struct stat st;
        int fd, r;

        if (lstat(store->path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;
        fd = open(store->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = inspect_descriptor(store, fd);
        (void) close(fd);
        return r;
}

static int open_for_writing(struct store *store, enum schema_state *ret) {
        _cleanup_(freep) char *mode = NULL;
        int r;

        /* SQLite would not tell these errors from others. */
        r = files_check_writable(store->path);
        if (r >= 0)
                r = database_open(&store->db, store->path);
        if (r >= 0)
                r = schema_examine(store->db, ret);
        if (r < 0 || *ret != SCHEMA_FINE)
                return r;
        r = schema_migrate(store->db, schema_migrations, schema_n_migrations);
        if (r >= 0)
                r = statements_check(store->db);
        if (r >= 0)
                r = database_get_text(store->db, "PRAGMA journal_mode=WAL", &mode);
        if (r < 0)
                return r;
        database_trust(store->db);
        return streq(mode, "wal") ? 0 : -EOPNOTSUPP;
}

static int open_for_reading(struct store *store, enum schema_state *ret) {
        int r;

        r = database_open_read_only(&store->db, store->path);
        if (r >= 0)
                r = schema_examine(store->db, ret);
        if (r < 0 || *ret != SCHEMA_FINE)
                return r;
        r = schema_migrate(store->db, schema_migrations, schema_n_migrations);
        return r < 0 ? r : statements_check(store->db);
}

/* What is there can be of use even where nothing can be added. */
static bool is_read_only(int error) {
        return error == -EROFS || error == -EACCES || error == -ENOSPC;
}

static int open_existing(struct store *store, enum schema_state *ret) {
        int r;

        *ret = SCHEMA_DAMAGED;
        r = inspect_file(store);
        if (r <= 0)
                return r;
        r = open_for_writing(store, ret);
        if (is_read_only(r)) {
                store->read_only = r;
                store->db = database_close(store->db);
                r = open_for_reading(store, ret);
        }
        if (r == -EUCLEAN) {
                *ret = SCHEMA_DAMAGED;
                r = 0;
        }
        if (r < 0 || *ret != SCHEMA_FINE)
                store->db = database_close(store->db);
        return r;
}

static int create_and_open(struct store *store) {
        enum schema_state state;
        int r;

        r = database_create(store->path);
        if (r < 0)
                return r;
        store->read_only = 0;
        r = open_existing(store, &state);
        if (r < 0)
                return r;
        return state == SCHEMA_FINE ? 0 : -EUCLEAN;
}

/* Whether the database itself is there: what lies beside none is no part of one. */
static int database_exists(const struct store *store) {
        struct stat st;

        if (lstat(store->path, &st) >= 0)
                return 1;
        return errno == ENOENT ? 0 : -errno;
}

static int open_or_create(struct store *store, enum store_opened *ret_opened, char **ret_aside) {
        enum schema_state state = SCHEMA_DAMAGED;
        int r, exist;

        exist = files_exist(store->path); /* NOLINT(clang-analyzer-core.NullDereference) */
        if (exist < 0)
                return exist;
        if (exist == 0) {
                *ret_opened = STORE_CREATED;
                return create_and_open(store);
        }
        r = database_exists(store);
        if (r > 0)
                r = open_existing(store, &state);
        if (r < 0)
                return r;
        *ret_opened = state == SCHEMA_FINE ? STORE_OPENED :
                state == SCHEMA_NEWER ? STORE_NEWER : STORE_SET_ASIDE;
        if (state == SCHEMA_FINE)
                return 0;
        r = files_set_aside(store->path, ret_aside);
        return r < 0 ? r : create_and_open(store);
}

int store_open(struct store **ret, const char *folder, enum store_opened *ret_opened, char **ret_aside) {
        _cleanup_(store_closep) struct store *store = NULL;
        _cleanup_(freep) char *aside = NULL;
        enum store_opened opened;
        int r;

        r = store_new(&store, folder);
        if (r >= 0)
                r = open_or_create(store, &opened, &aside);
        /* Told even where no new one could be made: it was renamed. */
        if (ret_aside)
                *ret_aside = TAKE_PTR(aside);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(store);
        *ret_opened = opened;
        return 0;
}

struct store *store_close(struct store *store) {
        if (!store)
                return NULL;
        store_rollback(store);
        for (size_t i = 0; i < ELEMENTSOF(store->statements); i++)
                (void) sqlite3_finalize(store->statements[i]);
        (void) database_close(store->db);
        free(store->path);
        free(store);
        return NULL;
}

int store_read_only(const struct store *store) {
        return store->read_only;
}

uint64_t store_bad_rows(const struct store *store) {
        return store->bad_rows;
}
