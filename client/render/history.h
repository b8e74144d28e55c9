/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <json-c/json_object.h>

#include "event.h"

struct options;
struct output;

/*
 * A table of events, newest first; above it the course of the exposure where they are of one unit
 * (NULL: of all). more: there may be older events than these. Returns 0 or a negative errno.
 */
int history_print(const struct event_list *list, const char *unit, bool more, const struct options *options,
                  const struct output *output);

/* An array of objects. NULL when out of memory. */
json_object *history_to_json(const struct event_list *list);
