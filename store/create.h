/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Makes a new database there, whole or not at all: it is built beside that name, flushed, and renamed.
 * Only its owner may read it, whatever the umask. -EEXIST where something has the name.
 */
int database_create(const char *path);
