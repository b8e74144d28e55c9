/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <json-c/json_object.h>

#include <exposured/macro.h>

#include "options.h"

/*
 * Adding to objects and arrays. Keys must be constants. All return 0 or -ENOMEM; a value that cannot
 * be added is freed.
 */
int json_add(json_object *object, const char *key, json_object *value);
int json_add_null(json_object *object, const char *key);
int json_add_bool(json_object *object, const char *key, bool value);
int json_add_unsigned(json_object *object, const char *key, uint64_t value);
/* 0 is null: unknown. */
int json_add_time(json_object *object, const char *key, uint64_t time);
int json_add_string(json_object *object, const char *key, const char *value);
int json_add_strings(json_object *object, const char *key, char **values);
/* As "9.6". */
int json_add_exposure(json_object *object, const char *key, unsigned tenths);
int json_append(json_object *array, json_object *value);

/* Frees it, too. Takes NULL, returns NULL. */
static inline json_object *json_free(json_object *object) {
        json_object_put(object);
        return NULL;
}

DEFINE_CLEANUP(json_object *, json_free)

#define _cleanup_json_ _cleanup_(json_freep)

/*
 * Prints an object and a newline. Characters that must not reach a terminal stand as \uNNNN, which
 * means the same; so do all beyond ASCII where the locale's character set is not UTF-8, as a terminal
 * might take their bytes for controls. Returns 0 or -ENOMEM.
 */
int json_print(json_object *object, enum json_format format, FILE *stream);
