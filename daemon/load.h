/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Load: what the archive holds becomes the ledger, once, at the start. */
struct manager;

/* Then manager_loaded() is called. 0 or a negative errno. */
int load_start(struct manager *manager);
