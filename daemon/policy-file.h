/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/policy.h>

#define POLICY_FILE_NAME "systemd-analyze-security.policy"

/* Where systemd-analyze looks, first found wins. NULL ends them. */
#define POLICY_FOLDERS 4
extern const char *const policy_folders[POLICY_FOLDERS + 1];

/* What came of a look for a policy file. */
enum policy_found {
        POLICY_NONE,    /* there is none: the built-in policy stands */
        POLICY_READ,    /* *ret_policy holds it */
        POLICY_BROKEN,  /* there is one that is no policy; logged */
};

/*
 * Reads the first policy file in these folders (NULL: where systemd-analyze looks). A row that makes
 * no sense is warned about with file and line of its check, and the built-in one stands. *ret_problem is a
 * sentence about what is not applied, logged already. It and *ret_path are NULL or owned by the caller. A negative
 * errno where memory or the disk fails; nothing is set then.
 */
int policy_file_load(const char *const *folders, struct policy *ret_policy, char **ret_path, char **ret_problem);

/* The same for text of that length; the path is for messages. -EBADMSG where it is no JSON object, or ambiguous. */
int policy_parse(const char *path, const char *text, size_t length, struct policy *ret_policy);
