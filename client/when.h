/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * Reads a time to come, microseconds since 1970: "2030-12-31" (its first moment), "2030-12-31 18:00",
 * "2030-12-31 18:00:30" (local time), "tomorrow", a span from now as "30d", "+2h 30min" or "1w", or
 * "@SECONDS" since 1970. Returns 0, or -EINVAL where it is none of these, or -ERANGE where it is past
 * or beyond the year 9999.
 */
int when_parse(const char *text, uint64_t now, uint64_t *ret);
