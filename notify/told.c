/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "told.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/macro.h>

int told_init(struct told *told) {
        told->ids = calloc(TOLD_MAX, sizeof(*told->ids));
        told->n = 0;
        return told->ids ? 0 : -ENOMEM;
}

void told_done(struct told *told) {
        for (size_t i = 0; i < told->n; i++)
                free(told->ids[i]);
        free(told->ids);
        *told = (struct told) {};
}

static void forget(struct told *told, size_t i) {
        free(told->ids[i]);
        told->n--;
        memmove(told->ids + i, told->ids + i + 1, (told->n - i) * sizeof(*told->ids));
}

bool told_take(struct told *told, enum scope scope, const char *id) {
        for (size_t i = 0; i < told->n; i++)
                if (told->ids[i]->scope == scope && streq(told->ids[i]->id, id)) {
                        forget(told, i);
                        return true;
                }
        return false;
}

int told_add(struct told *told, enum scope scope, const char *id) {
        size_t size = strlen(id) + 1;
        struct told_id *copy = malloc(sizeof(*copy) + size);

        if (!copy)
                return -ENOMEM;
        copy->scope = scope;
        memcpy(copy->id, id, size);
        /* Whatever was told last stays longest. */
        (void) told_take(told, scope, id);
        if (told->n == TOLD_MAX)
                forget(told, 0);
        told->ids[told->n++] = copy;
        return 0;
}
