/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * What a person types as the name of a unit: without a suffix of any unit type ".service" is added;
 * patterns (with *, ? or [) and names with a suffix stay as they are. The caller owns the result;
 * NULL when out of memory.
 */
char *unit_name_complete(const char *name);

/* The same for an array that ends with NULL. */
char **unit_names_complete(char **names);

/* Whether it is a pattern, not a name. */
bool unit_name_is_pattern(const char *name);

/* Whether it is one of a template: "foo@.service". */
bool unit_name_is_template(const char *name);

/* Whether both are of the same template: instances of it, or itself. */
bool unit_name_is_sibling(const char *a, const char *b);

/* Whether a unit matches one of the patterns; none at all match everything. */
bool unit_name_matches(const char *unit, char **patterns);
