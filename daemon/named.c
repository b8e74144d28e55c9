/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "named.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALLOCATED_MIN 64U

/* Pointers are copied as bytes: nobody here knows what they point to. */

static const char *name_at(const void *array, size_t i) {
        const char *const *named;

        memcpy(&named, (const char *) array + i * sizeof(named), sizeof(named));
        return *named;
}

bool named_find(const void *array, size_t n, const char *name, size_t *ret) {
        size_t low = 0, high = n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int c = strcmp(name_at(array, middle), name);

                if (c == 0) {
                        *ret = middle;
                        return true;
                }
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        *ret = low;
        return false;
}

static int reserve(void *array, size_t n, size_t *n_allocated) {
        size_t more = *n_allocated ? *n_allocated * 2 : ALLOCATED_MIN;
        void *grown;

        if (n < *n_allocated)
                return 0;
        memcpy(&grown, array, sizeof(grown));
        grown = reallocarray(grown, more, sizeof(grown));
        if (!grown)
                return -ENOMEM;
        memcpy(array, &grown, sizeof(grown));
        *n_allocated = more;
        return 0;
}

int named_insert(void *array, size_t *n, size_t *n_allocated, size_t position, const void *named) {
        char *place;
        int r;

        r = reserve(array, *n, n_allocated);
        if (r < 0)
                return r;
        memcpy(&place, array, sizeof(place));
        place += position * sizeof(named);
        memmove(place + sizeof(named), place, (*n - position) * sizeof(named));
        memcpy(place, &named, sizeof(named));
        (*n)++;
        return 0;
}

bool named_take(void *array, size_t *n, const char *name) {
        size_t i;
        char *place;

        if (!named_find(array, *n, name, &i))
                return false;
        (*n)--;
        place = (char *) array + i * sizeof(void *);
        memmove(place, place + sizeof(void *), (*n - i) * sizeof(void *));
        return true;
}
