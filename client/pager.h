/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Starts $SYSTEMD_PAGER, $PAGER or less, without a shell, and gives what is to be written to. The variables count as
 * systemctl(1) says: not where the caller has the rights of somebody else, unless $SYSTEMD_PAGERSECURE says so.
 * Leaves both alone where no pager is wanted or none can be started.
 */
void pager_open(bool utf8, pid_t *pager, int *fd);

/* Ends the input of the pager and waits until it was left. */
void pager_close(pid_t pager, int fd);
