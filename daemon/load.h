/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Load: what the archive holds becomes the ledger, once, at the start. */
struct manager;

/* Looks for units that were removed while nobody watched. For when all that is loaded is known. */
void load_find_gone(struct manager *manager);

/* Then manager_loaded() is called. 0 or a negative errno. */
int load_start(struct manager *manager);
