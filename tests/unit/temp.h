/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <exposured/macro.h>

/* A folder of a test's own, and what is put into it. A step that fails fails the test. */

/* Makes the folder; its path is the caller's. */
char *temp_new(void);

/* Removes it with all that is in it. Takes NULL, returns NULL. */
char *temp_free(char *folder);
DEFINE_CLEANUP(char *, temp_free)

/* The path of an entry. The caller's. */
char *temp_path(const char *folder, const char *entry);

/* What the entry shall be. Folders above it are made. */
void temp_mkdir(const char *folder, const char *entry);
void temp_write(const char *folder, const char *entry, const char *text);
void temp_write_bytes(const char *folder, const char *entry, const void *bytes, size_t n);
void temp_symlink(const char *folder, const char *entry, const char *target);
void temp_mkfifo(const char *folder, const char *entry);

void temp_rename(const char *folder, const char *from, const char *to);

/* With all that is in it. */
void temp_remove(const char *folder, const char *entry);
