/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define CHUNK_SIZE 4096U

struct arena_chunk {
        struct arena_chunk *next;
        size_t used, size;
        alignas(max_align_t) unsigned char data[];
};

static struct arena_chunk *arena_grow(struct arena *arena, size_t size) {
        struct arena_chunk *chunk;

        if (size < CHUNK_SIZE)
                size = CHUNK_SIZE;
        if (size > SIZE_MAX - sizeof(*chunk))
                return NULL;
        chunk = malloc(sizeof(*chunk) + size);
        if (!chunk)
                return NULL;
        chunk->next = arena->chunks;
        chunk->used = 0;
        chunk->size = size;
        return arena->chunks = chunk;
}

void *arena_alloc(struct arena *arena, size_t size) {
        struct arena_chunk *chunk = arena->chunks;
        void *data;

        if (size > SIZE_MAX / 2)
                return NULL;
        size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
        if (!chunk || chunk->size - chunk->used < size)
                chunk = arena_grow(arena, size);
        if (!chunk)
                return NULL;
        data = chunk->data + chunk->used;
        chunk->used += size;
        return data;
}

char *arena_copy(struct arena *arena, const void *data, size_t length) {
        char *copy = arena_alloc(arena, length + 1);

        if (!copy)
                return NULL;
        if (length > 0)
                memcpy(copy, data, length);
        copy[length] = '\0';
        return copy;
}

void arena_done(struct arena *arena) {
        while (arena->chunks) {
                struct arena_chunk *chunk = arena->chunks;

                arena->chunks = chunk->next;
                free(chunk);
        }
}
