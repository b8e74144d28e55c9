/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether the bus would carry these bytes as a string: UTF-8 in its shortest form, no surrogates, no NUL. */
bool utf8_is_valid(const char *text, size_t length);
