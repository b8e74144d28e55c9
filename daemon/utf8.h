/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Text as the bus carries it: UTF-8 in its shortest form, no NUL, no surrogates, and none of the
 * numbers that are no characters (U+FFFE and the like), which libsystemd refuses to send.
 */

/* The length of the character at the beginning of so many bytes; 0 where there is none that is valid. */
size_t utf8_character_length(const char *text, size_t length);

bool utf8_is_valid(const char *text, size_t length);

/* The bytes of a text, at most max, up to the end of a character that is valid, as all before it are. */
size_t utf8_fit(const char *text, size_t max);

/* Whether so long a character, which is valid, is a control character; the tabulator is none. */
bool utf8_is_control(const char *character, size_t length);

/*
 * Copies a text, whatever it is, as one that cannot steer a terminal, nor hide what it says: other bytes
 * than those of visible characters are written as "\xNN". What does not fit is left out.
 */
void utf8_clean(const char *text, char *ret, size_t size);
