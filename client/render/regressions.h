/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "event.h"

struct meanings;
struct options;
struct output;

/* Each with its checks, causes, and the other units that it hit. Returns 0 or a negative errno. */
int regressions_print(const struct event_list *list, const struct meanings *meanings,
                      const struct options *options, const struct output *output);

/* An array of objects. NULL when out of memory. */
json_object *regressions_to_json(const struct event_list *list);
