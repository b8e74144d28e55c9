/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "database.h"
#include "internal.h"

/* What is written to a file that was taken away would be lost, and nobody would know. */
static int check_in_place(const struct store *store) {
        struct stat st;

        if (lstat(store->path, &st) < 0)
                return errno == ENOENT ? -ESTALE : -errno;
        return st.st_dev == store->dev && st.st_ino == store->ino ? 0 : -ESTALE;
}

int store_relax(struct store *store, bool relax) {
        int r;

        if (store->relaxed == relax)
                return 0;
        r = database_run(store->db, relax ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
        /* What failed half-way is put right before it counts. */
        store->relaxed = relax || r < 0;
        return r;
}

int store_begin(struct store *store) {
        int r;

        if (store->in_transaction)
                return -EINVAL;
        if (store->read_only < 0)
                return store->read_only;
        r = check_in_place(store);
        if (r >= 0)
                r = store_relax(store, false);
        if (r >= 0)
                r = database_run(store->db, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        store->in_transaction = true;
        store->failed = 0;
        return 0;
}

int store_commit(struct store *store) {
        int r;

        r = store_changing(store);
        if (r >= 0)
                r = database_run(store->db, "COMMIT");
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        store->in_transaction = false;
        return 0;
}

void store_rollback(struct store *store) {
        if (!store->in_transaction)
                return;
        if (!sqlite3_get_autocommit(store->db))
                (void) database_run(store->db, "ROLLBACK");
        store->in_transaction = false;
        store->failed = 0;
}

int store_changing(const struct store *store) {
        if (!store->in_transaction)
                return -EINVAL;
        if (store->failed < 0)
                return store->failed;
        /* SQLite ends a transaction by itself when it runs out of disk or memory. */
        return sqlite3_get_autocommit(store->db) ? -EIO : 0;
}

int store_fail(struct store *store, int error) {
        if (store->failed == 0)
                store->failed = error;
        return error;
}
