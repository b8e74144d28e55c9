/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/assessment.h>

/*
 * Facts under which every check applies and is good, or applies and is bad. Nothing in them is implied by
 * something else, so a change of one setting changes one check.
 */
struct facts facts_closed(void);
struct facts facts_open(void);

/* What a manager tells of a service without any setting but ExecStart=. */
struct facts facts_plain(void);

/* What it tells of the unit that stands in engine-facts.c. */
struct facts facts_halfway(void);

/* Adds system calls to the facts' filter. Fails the test where one is unknown. The list ends with NULL. */
void facts_list_syscalls(struct facts *facts, const char *const *names);

/* Assesses under the built-in policy, with every system call existing. */
struct assessment assess_under(unsigned systemd_version, enum scope scope, const struct facts *facts);
struct assessment assess_newest(const struct facts *facts);
uint8_t badness(const struct facts *facts, enum check check);

/* Fails the test unless the check alone differs, from and to these badnesses. */
void assert_only_change(const struct facts *before, const struct facts *after, enum check check,
                        uint8_t was, uint8_t is);
