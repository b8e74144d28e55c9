/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "event.h"

struct output;

/*
 * One line and an empty one: the course of a unit's exposure over its events (newest first in the
 * list), as a row of small bars, or of digits without UTF-8. Nothing where it never changed.
 */
void course_print(const struct event_list *list, const char *unit, const struct output *output);
