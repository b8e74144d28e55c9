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
};

void text_buffer_init(struct text_buffer *buffer, bool markup);

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
