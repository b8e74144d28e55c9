/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes that a title or a body takes at most, its end included. */
#define TEXT_BUFFER_SIZE 6144U

/* A text that a person shall read: what others wrote goes in as text, whatever it is. */
struct text_buffer {
        char text[TEXT_BUFFER_SIZE];
        size_t length;
        bool markup;            /* the reader interprets markup: what is no markup of ours is escaped */
        bool bold;              /* there is room for its end */
        bool full;              /* something did not fit: what comes behind it is left out, too */
        size_t reserved;        /* bytes that are kept for an end */
};

void text_buffer_init(struct text_buffer *buffer, bool markup);

/* Keeps so many bytes free, until others are to be; 0: none. */
void text_buffer_reserve(struct text_buffer *buffer, size_t size);

/* Back to a length that it had, outside of what is bold. */
void text_buffer_cut(struct text_buffer *buffer, size_t length);

/* Our own words, as they are; they may have no markup. */
void text_buffer_add(struct text_buffer *buffer, const char *words);
void text_buffer_add_number(struct text_buffer *buffer, size_t number);

/*
 * The words of others: control, invisible and reordering characters, and what is no UTF-8, become a sign
 * that says so; blanks and newlines a blank. Of more than so many characters the middle is left out.
 */
void text_buffer_add_foreign(struct text_buffer *buffer, const char *words, size_t max);

/* What is added until it is off is bold, where there is markup. */
void text_buffer_bold(struct text_buffer *buffer, bool on);
