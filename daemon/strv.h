/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <exposured/macro.h>

/* NULL-terminated arrays of strings, each owned; NULL is the empty one. */

/* Frees it and its strings. Takes NULL, returns NULL. */
char **strv_free(char **strv);
DEFINE_CLEANUP(char **, strv_free)

size_t strv_length(char *const *strv);
bool strv_equal(char *const *a, char *const *b);
bool strv_contains(char *const *strv, const char *string);

/* Appends a copy. 0, or -ENOMEM with nothing changed. */
int strv_extend(char ***strv, const char *string);

/* Appends copies of all. 0, or -ENOMEM with what was appended until then. */
int strv_copy(char ***strv, char *const *from);

/* Takes out the first equal string, if there is one. */
void strv_remove(char **strv, const char *string);
