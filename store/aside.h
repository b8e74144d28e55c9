/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files that belong to a database: itself, and those that SQLite makes beside it. A lone file beside no
 * database would be taken for part of a new one, so they are renamed together.
 */

/* Whether any of them is there: 1 or 0. -ELOOP where one is a link. */
int files_exist(const char *path);

/*
 * Renames them to a name that is not taken, with the time in it. ret_name is the new name of the first,
 * to be freed. -EEXIST where so many were set aside already that a person should look.
 */
int files_set_aside(const char *path, char **ret_name);

/* Whether the file, and others in its folder, can be written. */
int files_check_writable(const char *path);

/* Flushes what happened to the names in the folder of that file. */
int files_sync_folder(const char *path);
