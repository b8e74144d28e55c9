/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* "EXPO": tells our databases from others. */
#define SCHEMA_APPLICATION_ID 0x4558504f

/* What an open database turned out to be. */
enum schema_state {
        SCHEMA_FINE,
        SCHEMA_DAMAGED,         /* or never one of ours */
        SCHEMA_NEWER,           /* of a newer version of this program */
};

/* Each makes the next version out of the one before; the first starts from nothing. */
extern const char *const schema_migrations[];
extern const size_t schema_n_migrations;

/* Makes the schema in an empty database. */
int schema_create(sqlite3 *db);

/* Whether a file that begins like this is a database of ours; SQLite changes what it opens. */
#define SCHEMA_HEADER_SIZE 100U
bool schema_recognize(const unsigned char header[static SCHEMA_HEADER_SIZE]);

/* Whether the database is one of ours, undamaged, of this version or an older one. */
int schema_examine(sqlite3 *db, enum schema_state *ret);

/* Brings an older schema up to the newest of those migrations, in one transaction. */
int schema_migrate(sqlite3 *db, const char *const *migrations, size_t n_migrations);
