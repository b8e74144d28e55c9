/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "event.h"
#include "style.h"

struct output;

/* One line, and indented below it the other units, the checks and the causes. */
void event_print(const struct event *event, const struct output *output);

/* NULL when out of memory. */
json_object *event_to_json(const struct event *event);

/* How the kind of an event looks. */
const char *event_glyph(const struct event *event, const struct output *output);
enum style event_style(const struct event *event);

/* "2.8 -> 5.1 MEDIUM", or the second half alone where both are the same. */
void event_print_exposures(const struct event *event, const struct output *output);
