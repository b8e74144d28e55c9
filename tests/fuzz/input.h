/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The input of a fuzzer as lines. */
struct input {
        const char *at, *end;
};

struct input input_open(const uint8_t *data, size_t size);

/* Whether all of it was taken. */
bool input_at_end(const struct input *input);

/* Whether the next line is this one; then it is taken. */
bool input_take(struct input *input, const char *line);

/*
 * Takes the next line without its end: a copy, the caller's, cut at a NUL. In it "\n" stands for a line
 * end, and "\\" for a backslash. At the end of the input it is empty.
 */
char *input_line(struct input *input);

/* The same as a number in C's notation; 0 where it is none. */
uint64_t input_number(struct input *input);

/* What is left as one text, as it stands; the caller's. */
char *input_rest(struct input *input);
