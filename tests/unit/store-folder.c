/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-folder.h"
#include "temp.h"

char *folder;

void folder_setup(void) {
        folder = temp_new();
}

void folder_teardown(void) {
        folder = temp_free(folder);
}
