/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Reads a regular file of at most so many bytes, with a NUL added that the length does not count.
 * -EFBIG where it is larger, -EISDIR or -EINVAL where it is no regular file, or what open() says.
 * The text is the caller's.
 */
int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_length);
