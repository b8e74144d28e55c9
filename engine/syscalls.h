/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/assessment.h>

/* The groups that a check is about come first: these are the indices of model's groups. */
enum syscall_group {
        SYSCALL_GROUP_CLOCK,
        SYSCALL_GROUP_CPU_EMULATION,
        SYSCALL_GROUP_DEBUG,
        SYSCALL_GROUP_MODULE,
        SYSCALL_GROUP_MOUNT,
        SYSCALL_GROUP_OBSOLETE,
        SYSCALL_GROUP_PRIVILEGED,
        SYSCALL_GROUP_RAW_IO,
        SYSCALL_GROUP_REBOOT,
        SYSCALL_GROUP_RESOURCES,
        SYSCALL_GROUP_SWAP,
        _SYSCALL_GROUP_SCORED_MAX,
        SYSCALL_GROUP_CHOWN = _SYSCALL_GROUP_SCORED_MAX, /* only as a part of @privileged */
};

_Static_assert(_SYSCALL_GROUP_SCORED_MAX == SYSCALL_GROUP_MAX, "one set for each scored group");

/*
 * What each scored group holds in a systemd version (0: the newest), groups within it included, of the
 * system calls that exist. exists may be NULL: all do.
 */
void syscall_groups_fill(struct syscall_set groups[static SYSCALL_GROUP_MAX], unsigned systemd_version,
                         syscall_exists_fn exists, void *userdata);
