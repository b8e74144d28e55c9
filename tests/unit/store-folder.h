/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A fixture: a folder for the store, empty before each test. */
extern char *folder;

void folder_setup(void);
void folder_teardown(void);
