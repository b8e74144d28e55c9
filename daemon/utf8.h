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
