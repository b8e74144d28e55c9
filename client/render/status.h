/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

struct output;

/* exposured's state for people, from its properties as properties_read() gives them. */
void status_print(json_object *properties, const struct output *output);
