/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json_object.h>

#include "event.h"

struct output;

/* What the views of events have in common. */

/* What an event is about: its unit, or words where it is about none. */
const char *event_subject(const struct event *event);

/* How many units there are beside the one that the event is about. */
size_t event_count_others(const struct event *event);

/* Their names after each other, and how many more there are. */
void event_print_others(const struct event *event, const struct output *output);

/* "/etc/a.conf was created at 2026-11-23 18:45:26" and a newline. */
void cause_print(const struct event_cause *cause, const struct output *output);

/* The lines that differ, each behind so many blanks, with their colours. */
void cause_print_lines(const struct event_cause *cause, int blanks, const struct output *output);

/* How bad a check is: its badness, and 0 where it does not apply; and as "10" or "n/a". */
uint64_t badness_harm(uint64_t badness);
#define BADNESS_TEXT_SIZE 24
const char *badness_to_string(uint64_t badness, char buffer[static BADNESS_TEXT_SIZE]);

/* An array of objects. NULL when out of memory. */
json_object *checks_to_json(const struct event_check *checks, size_t n_checks);

/* Add "checks" and "causes". Return 0 or -ENOMEM. */
int event_add_details(json_object *object, const struct event *event);
