/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

struct store *store;

void store_setup(void) {
        folder_setup();
        store = open_as(folder, STORE_CREATED);
}

void store_teardown(void) {
        store = store_close(store);
        folder_teardown();
}
