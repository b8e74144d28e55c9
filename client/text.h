/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Text of others on its way to a terminal. Whatever could steer the terminal or reorder what is
 * read (control characters, bidirectional and invisible formatting, bytes that are not UTF-8) is
 * written out as \xNN, \uNNNN or \UNNNNNNNN; so is everything beyond ASCII where the locale's
 * character set is not UTF-8.
 */

/*
 * Reads one character of UTF-8 from a string that is not at its end. Returns its length in bytes,
 * or 0 where the bytes are not UTF-8.
 */
size_t utf8_decode(const char *s, uint32_t *ret);

/* Whether a character must never reach a terminal. */
bool character_is_unsafe(uint32_t c);

/* The text in a form that is safe to print. The caller owns it; NULL when out of memory. */
char *text_escape(const char *s, bool utf8);

/* Prints that form. */
void text_print(FILE *stream, const char *s, bool utf8);

/* The columns that escaped text takes. */
size_t text_width(const char *s);

/* The bytes of escaped text that fit into so many columns. */
size_t text_fit(const char *s, size_t columns);

/* The same, but ends before a blank where there is one. Takes at least one character. */
size_t text_fit_words(const char *s, size_t columns);

/*
 * Escaped text, shortened to so many columns; dots stand for what is left out, nearer to its end.
 * The caller owns it; NULL when out of memory.
 */
char *text_elide(const char *s, size_t columns, bool utf8);
