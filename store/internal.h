/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>
#include <sys/types.h>

#include "statements.h"
#include "store.h"

struct store {
        sqlite3 *db;
        char *path;
        dev_t dev;                      /* of the file that was opened */
        ino_t ino;
        sqlite3_stmt *statements[_STATEMENT_MAX]; /* prepared when first needed */
        int read_only;                  /* why nothing can be written; 0: it can */
        bool in_transaction;
        bool relaxed;                   /* commits do not wait for the disk */
        int failed;                     /* what broke in this transaction, so that it cannot be committed */
        uint64_t bad_rows;
};

/* Whether a change may be made now: 0, or what a change has to return. */
int store_changing(const struct store *store);

/* Whether commits wait for the disk. */
int store_relax(struct store *store, bool relax);

/* Makes the transaction one that cannot be committed. Returns the error. */
int store_fail(struct store *store, int error);

/* Takes a unit's files out, and contents that nobody shares. Within a transaction. */
int store_forget_files(struct store *store, const char *unit);
