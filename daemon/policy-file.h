/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include <exposured/policy.h>

#define POLICY_FILE_NAME "systemd-analyze-security.policy"

/* What came of a look for a policy file. */
enum policy_found {
        POLICY_NONE,    /* there is none: the built-in policy stands */
        POLICY_READ,    /* *ret_policy holds it */
        POLICY_BROKEN,  /* there is one that is no policy; logged */
};

/*
 * Reads the first policy file in these folders (NULL: where systemd-analyze looks). A row that makes
 * no sense is warned about with file and line of its check, and the built-in one stands. *ret_path is
 * NULL or owned by the caller. A negative errno where memory or the disk fails; nothing is set then.
 */
int policy_file_load(const char *const *folders, struct policy *ret_policy, char **ret_path);

/* The same for text of that length; the path is for messages. -EBADMSG where it is no JSON object. */
int policy_parse(const char *path, const char *text, size_t length, struct policy *ret_policy);

/* Tells when a policy file may have come, gone or changed. */
struct policy_watch;
int policy_watch_new(struct policy_watch **ret, sd_event *event, void (*fn)(void *userdata), void *userdata);

/* Why a folder cannot be followed now, a negative errno with its path, or 0. fn is called when that changes. */
int policy_watch_error(const struct policy_watch *watch, const char **ret_path);

/* Takes NULL, returns NULL. */
struct policy_watch *policy_watch_free(struct policy_watch *watch);
