/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Load: what the archive holds becomes the ledger, at the start. Where it cannot be read that is tried again; nothing
 * is written over it until then, and what was judged meanwhile is judged by it.
 */
struct manager;
struct load;

/*
 * Then manager_loaded() is called, and once more when what could not be read at first is there. 0 or a negative
 * errno.
 */
int load_new(struct load **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct load *load_free(struct load *load);

/* Looks for units that were removed while nobody watched. For when all that is loaded is known. */
void load_find_gone(struct manager *manager);
