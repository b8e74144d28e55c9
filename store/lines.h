/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a text. */
struct span {
        const char *at;
        size_t length;
};

bool span_equal(struct span span, const char *text);

/* Takes the next line off the text. 1, 0 at the end, -EBADMSG where it is no "Name=value". */
int line_next(const char **text, struct span *ret_name, struct span *ret_value);

/* Takes the next word off, up to a space. False at the end. */
bool word_next(struct span *span, struct span *ret_word);

/* A number in that base and nothing else, up to max. 0 or -EBADMSG. */
int number_read(struct span span, unsigned base, uint64_t max, uint64_t *ret);
