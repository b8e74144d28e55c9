/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

/*
 * Follows what happens to the entries of one folder, whether it exists yet or not: until it does,
 * its nearest ancestor is followed. One that cannot be followed (it may not be read, the kernel gives no
 * more watches) is looked at now and then.
 */
struct folder;

/* An entry was made, written, moved or removed; NULL: look at the whole folder, events may be lost. */
typedef void (*folder_fn)(void *userdata, const char *entry);

/* The path is absolute. fn is called from the event loop only. 0, or -ENOMEM. */
int folder_new(struct folder **ret, sd_event *event, const char *path, folder_fn fn, void *userdata);

/* Takes NULL, returns NULL. */
struct folder *folder_free(struct folder *folder);

const char *folder_path(const struct folder *folder);

/* Why it cannot be followed now, a negative errno, or 0. fn is called when that changes. */
int folder_error(const struct folder *folder);
