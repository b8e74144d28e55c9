/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a variable says, as systemd's programs read it: 1, 0, or -1 where it is not set or says neither. */
int environment_boolean(const char *name);
