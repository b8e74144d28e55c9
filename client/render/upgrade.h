/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "event.h"

struct output;

/*
 * How an event of the scoring model looks: what changed it, what it changed, and apart from that what the
 * units' settings changed at the same time.
 */

/* "systemd 257.13 -> 262", or what else it is about. To be freed; NULL when out of memory. */
char *upgrade_subject(const struct event *event, const struct output *output);

/*
 * "12 rated differently; 3 changed: 1 weaker, 2 stronger"; of another policy the first part alone. To be
 * freed; NULL when out of memory.
 */
char *upgrade_summary(const struct event *event);

/* What it did to the unit that the event tells of: "systemd 257.13 -> 262: rated 8.8, its settings changed". */
char *upgrade_share(const struct event *event, const struct output *output);

/* Below the event's line: each unit that changed, with its checks, and those that are rated differently. */
void upgrade_print(const struct event *event, const struct output *output);

/* Adds "rated" and "changed". 0 or -ENOMEM. */
int upgrade_add(json_object *object, const struct event *event);
