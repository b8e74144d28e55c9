/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

struct options;
struct output;

/* One unit of the overview. The texts belong to whoever made the row. */
struct list_row {
        const char *unit, *predicate, *path;
        unsigned exposure, baseline;    /* tenths */
        bool regressed;
        bool stale;                     /* not proven to be current */
        uint64_t last_read;             /* microseconds since 1970; 0: unknown */
};

/* The table with its header and the counts below, as the options have it. Returns 0 or a negative errno. */
int list_print(const struct list_row *rows, size_t n_rows, const struct options *options,
               const struct output *output);

/* An array of objects. NULL when out of memory. */
json_object *list_to_json(const struct list_row *rows, size_t n_rows, const struct output *output);

/* What the table of systemd-analyze security has under HAPPY: an emoji, or a face of ASCII. */
const char *happy(const struct output *output, unsigned exposure);
