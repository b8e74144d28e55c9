/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "style.h"

struct output;

/* Lines of "label: value", the colons below each other, as systemctl status has them. */

/* Where the values begin. */
#define FIELDS_INDENT 13

/* An empty label goes on with the one above. The value is printed next. */
void fields_print_label(const struct output *output, const char *label);

/* Text made safe for a terminal. */
void fields_print_text(const struct output *output, const char *text);

/* A whole line. */
void fields_print(const struct output *output, const char *label, enum style style, const char *text);

/* A whole line, with how long ago that was. */
void fields_print_time(const struct output *output, const char *label, uint64_t time);
