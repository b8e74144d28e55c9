/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/*
 * Reads a regular file of at most so many bytes, with a NUL added that the length does not count.
 * -EFBIG where it is larger, -EISDIR or -EINVAL where it is no regular file, or what open() says.
 * The text is the caller's.
 */
int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_length);

/*
 * The same of a regular file that everyone may read; where private is set, of any that we may; else
 * -EACCES. *ret_stat describes what was read, also where it was too large.
 */
int file_read_public(const char *path, size_t size_max, bool private, struct stat *ret_stat, char **ret_text,
                     size_t *ret_length);

/* Whether it is /dev/null, to which the links lead that mask files: it reads as empty. */
bool file_is_null_device(const struct stat *st);

/* Whether nothing has that path: no link, either, whatever it leads to. */
bool file_is_missing(const char *path);
