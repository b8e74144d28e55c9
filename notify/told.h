/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <exposured/facts.h>

/*
 * What was told in this session and is open no more. A database that cannot be read for a moment, or the
 * like, makes an exposured say that nothing is open: what comes back under the same id is not told again.
 */

/* Beyond that the oldest is forgotten. */
#define TOLD_MAX 1024U

struct told_id {
        enum scope scope;
        char id[];
};

struct told {
        struct told_id **ids;   /* the oldest first; owned */
        size_t n;
};

int told_init(struct told *told);
void told_done(struct told *told);

/* 0 or -ENOMEM. That it is there already is fine. */
int told_add(struct told *told, enum scope scope, const char *id);

/* Takes it out, and returns whether it was there. */
bool told_take(struct told *told, enum scope scope, const char *id);
