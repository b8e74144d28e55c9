/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Whether this process could have mounts of its own. Tried in another one. */
bool mount_namespace_possible(void);

/* Gives this process mounts of its own. They go with it. */
void mount_namespace_enter(void);

/* A file system in memory, of so many bytes, on that folder. */
void mount_memory(const char *folder, unsigned long size);

/* Makes it read-only, or no longer. */
void mount_set_read_only(const char *folder, bool read_only);
