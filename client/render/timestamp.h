/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Times are microseconds since 1970, spans microseconds. The functions return the buffer. */
#define TIME_TEXT_SIZE 64

/* "Mon 2026-11-23 18:45:26 UTC", or "n/a" for 0 and what no calendar has. */
const char *time_to_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]);

/* "2026-11-23 18:45:26", for a log. */
const char *time_to_log_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]);

/* "2026-11-23 18:45", where there is little room. */
const char *time_to_short_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]);

/* "7min ago", "2h 5min ago", "in 3s". */
const char *time_to_relative_string(uint64_t time, uint64_t now, char buffer[static TIME_TEXT_SIZE]);

/* "850us", "38.2ms", "1.204s", "2min 5s". */
const char *span_to_string(uint64_t span, char buffer[static TIME_TEXT_SIZE]);

/* The present time. */
uint64_t time_now(void);
