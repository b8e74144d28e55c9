/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include <exposured/macro.h>

/* Connections to SQLite, and what it says as negative errno. */

/* What came of an SQLite call with that result; db may be NULL. 0 for SQLITE_OK, ROW and DONE. */
int database_error(sqlite3 *db, int code);

/*
 * Opens an existing file for reading and writing. Its log stays as it is when it is closed again, until
 * database_trust() says that the file is what it should be.
 */
int database_open(sqlite3 **ret, const char *path);
void database_trust(sqlite3 *db);

/* Opens one that cannot be written, and whose folder cannot either: no file beside it is made. */
int database_open_read_only(sqlite3 **ret, const char *path);

/* Takes NULL, returns NULL. */
sqlite3 *database_close(sqlite3 *db);
DEFINE_CLEANUP(sqlite3 *, database_close)

int database_run(sqlite3 *db, const char *sql);

/* Whether all of the file and its log can be read: 0, or the error of the disk. */
int database_read_all(sqlite3 *db);

/* The number, or a copy of the text, in the first column of the first row. -EUCLEAN where there is none. */
int database_get_number(sqlite3 *db, const char *sql, int64_t *ret);
int database_get_text(sqlite3 *db, const char *sql, char **ret);
