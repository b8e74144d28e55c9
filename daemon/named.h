/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Named: arrays of pointers to structs that begin with their name (a char *), sorted by it, each name once.
 * The array is the caller's, in a type of its own; so are the structs.
 */

/* Whether there is one of that name, and its position: where it is, or would have to be. */
bool named_find(const void *array, size_t n, const char *name, size_t *ret);

/*
 * Puts a struct there; array points to the array, which grows, with n in it, and room for n_allocated.
 * 0 or -ENOMEM, then nothing has changed.
 */
int named_insert(void *array, size_t *n, size_t *n_allocated, size_t position, const void *named);

/* Takes one out without freeing it. False where there is none of its name. */
bool named_take(void *array, size_t *n, const char *name);
