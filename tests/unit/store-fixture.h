/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store-folder.h"
#include "store-sample.h"

/* A fixture: an empty store in a folder of its own, for each test. */
extern struct store *store;

void store_setup(void);
void store_teardown(void);
