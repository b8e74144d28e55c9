/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds that no caller sees. */
#define WORD_MAX 31U
#define VERSION_MAX 255U
#define KEY_MAX 63U
#define VALUE_MAX 16383U
#define FACTS_MAX 16384U
#define CHECKS_MAX 16384U
#define ID_LENGTH 32U

/* What SQLite keeps numbers in, so what a time may be at most. */
#define TIME_MAX ((uint64_t) INT64_MAX)

bool valid_utf8(const char *text, size_t length);

/* Whether it is UTF-8 of at most so many bytes. False for NULL. */
bool valid_text(const char *text, size_t max);

/* Likewise, and not empty. */
bool valid_name(const char *text, size_t max);

/* 32 hexadecimal digits, in lower case. False for NULL. */
bool valid_id(const char *id);

/* Lower-case letters and dashes. False for NULL. */
bool valid_word(const char *word);

/* Tenths, or STORE_NO_EXPOSURE. */
bool valid_exposure(uint8_t exposure);
