/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <exposured/assessment.h>
#include <exposured/facts.h>

/*
 * Facts and checks as texts of "Name=value" lines, so that rows can be read when the structs have long
 * changed. Names that nobody knows are passed over. What is written is the caller's; -EINVAL where the
 * data makes no sense. Readers return -EBADMSG where the text makes none.
 */

/* By systemd's property names. What is not in the text stays as facts_init() has it. */
int facts_write(const struct facts *facts, char **ret);
int facts_read(const char *text, struct facts *ret);

/* By json_field. Checks that are not applicable are not in the text. */
int badness_write(const uint8_t badness[static _CHECK_MAX], char **ret);
int badness_read(const char *text, uint8_t badness[static _CHECK_MAX]);

/* Likewise, with badness before and after, "-" where a check is not applicable. */
int changes_write(const struct check_change *changes, size_t n_changes, char **ret);
int changes_read(const char *text, struct check_change changes[static _CHECK_MAX], size_t *ret_n);
