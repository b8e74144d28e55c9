/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "event.h"

struct options;

/*
 * Gets the open regressions, newest first; of those that patterns were given for, where there are
 * any. Returns 0 or a negative errno, which was reported; event_list_done() is due in any case.
 */
int regressions_get(sd_bus *bus, const struct options *options, char **patterns, struct event_list *list);
