/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "unit.h"

struct options;
struct output;

/* The unit, its checks and the closing line, as the options have it. Returns 0 or a negative errno. */
int show_print(const struct unit *unit, const struct options *options, const struct output *output);

/* NULL when out of memory. */
json_object *show_to_json(const struct unit *unit, const struct output *output);
