/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <exposured/policy.h>

/*
 * A policy as a text to be kept: the path of its file on a line ("" for the built-in one), then each check with
 * weight and range. All of them, so that another built-in policy is a change too. What checks are called in words is
 * no part of it.
 */

/* 0 or -ENOMEM. */
int policy_text_write(const struct policy *policy, const char *path, char **ret);

/*
 * The policy; checks that the text does not know are as built in. *ret_path is NULL where there is none. A line that
 * makes no sense is passed over. 0 or -ENOMEM.
 */
int policy_text_read(const char *text, struct policy *ret_policy, char **ret_path);

/* Whether both score alike, whatever their paths are. */
bool policy_text_same(const char *a, const char *b);

/* A short name for how it scores: the same for the same. */
uint64_t policy_text_digest(const char *text);
