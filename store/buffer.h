/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <exposured/macro.h>

/*
 * A text that is put together piece by piece. What fails is remembered: later pieces are dropped, and
 * buffer_take() says it. Starts as {}.
 */
struct buffer {
        char *data;
        size_t length, allocated;
        int error;
};

void buffer_add(struct buffer *buffer, const char *text);
void buffer_format(struct buffer *buffer, const char *format, ...) _printf_(2, 3);

/* Gives the text to the caller; an empty one is "". Negative errno: nothing is given. */
int buffer_take(struct buffer *buffer, char **ret);

/* All these texts in one, up to NULL, for the caller. NULL where there is no memory. */
char *join(const char *text, ...) __attribute__((sentinel));

void buffer_done(struct buffer *buffer);
