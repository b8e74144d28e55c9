/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

/* Tells when a policy file may have come, gone or changed. */
struct policy_watch;
int policy_watch_new(struct policy_watch **ret, sd_event *event, void (*fn)(void *userdata), void *userdata);

/* To be called before the files are read: where they are links, what these lead to is followed too. 0, or -ENOMEM. */
int policy_watch_follow(struct policy_watch *watch);

/* Why a folder cannot be followed now, a negative errno with its path, or 0. fn is called when that changes. */
int policy_watch_error(const struct policy_watch *watch, const char **ret_path);

/* Takes NULL, returns NULL. */
struct policy_watch *policy_watch_free(struct policy_watch *watch);
