/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "event.h"

struct output;

/* One line, and indented below it the other units, the checks and the causes. */
void event_print(const struct event *event, const struct output *output);

/* NULL when out of memory. */
json_object *event_to_json(const struct event *event);
