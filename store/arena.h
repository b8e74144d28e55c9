/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Memory for what belongs to one row, freed together. Starts as {}. */
struct arena {
        struct arena_chunk *chunks;
};

/* Aligned for anything, not cleared. NULL where there is no memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy, with a NUL behind it. NULL where there is no memory. */
char *arena_copy(struct arena *arena, const void *data, size_t length);

void arena_done(struct arena *arena);
