/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json.h"

#include <errno.h>
#include <langinfo.h>

#include "exposure.h"
#include "text.h"

#define KEY_FLAGS (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)

int json_add(json_object *object, const char *key, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_object_add_ex(object, key, value, KEY_FLAGS) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

int json_add_null(json_object *object, const char *key) {
        return json_object_object_add_ex(object, key, NULL, KEY_FLAGS) < 0 ? -ENOMEM : 0;
}

int json_add_bool(json_object *object, const char *key, bool value) {
        return json_add(object, key, json_object_new_boolean(value));
}

int json_add_unsigned(json_object *object, const char *key, uint64_t value) {
        return json_add(object, key, json_object_new_uint64(value));
}

int json_add_time(json_object *object, const char *key, uint64_t time) {
        return time > 0 ? json_add_unsigned(object, key, time) : json_add_null(object, key);
}

int json_add_string(json_object *object, const char *key, const char *value) {
        return json_add(object, key, json_object_new_string(value));
}

int json_add_strings(json_object *object, const char *key, char **values) {
        json_object *array = json_object_new_array();
        int r = json_add(object, key, array);

        for (char **v = values; r >= 0 && v && *v; v++)
                r = json_append(array, json_object_new_string(*v));
        return r;
}

int json_add_exposure(json_object *object, const char *key, unsigned tenths) {
        char text[EXPOSURE_TEXT_SIZE];

        return json_add_string(object, key, exposure_to_string(tenths, text));
}

int json_append(json_object *array, json_object *value) {
        if (!value)
                return -ENOMEM;
        if (json_object_array_add(array, value) < 0) {
                json_object_put(value);
                return -ENOMEM;
        }
        return 0;
}

/* Written as UTF-16 has it, as JSON wants. */
static void print_escaped(uint32_t c, FILE *stream) {
        if (c > 0xffff)
                fprintf(stream, "\\u%04x\\u%04x", (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
                        (unsigned) (0xdc00 + ((c - 0x10000) & 0x3ff)));
        else
                fprintf(stream, "\\u%04x", (unsigned) c);
}

int json_print(json_object *object, enum json_format format, FILE *stream) {
        int style = format == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
                                          : JSON_C_TO_STRING_PLAIN;
        const char *s = json_object_to_json_string_ext(object, style | JSON_C_TO_STRING_NOSLASHESCAPE);
        bool utf8 = streq(nl_langinfo(CODESET), "UTF-8");
        const char *done = s;

        if (!s)
                return -ENOMEM;

        /* Whatever is left to escape stands in strings: ASCII's controls are, but for delete. */
        while (*s) {
                uint32_t c;
                size_t length;

                if ((unsigned char) *s < 0x7f) {
                        s++;
                        continue;
                }
                length = utf8_decode(s, &c);
                if (length > 0 && (!utf8 || character_is_unsafe(c))) {
                        fwrite(done, 1, (size_t) (s - done), stream);
                        print_escaped(c, stream);
                        done = s + length;
                }
                s += length ?: 1;
        }
        fprintf(stream, "%s\n", done);
        return 0;
}
