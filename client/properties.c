/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "properties.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json.h"

static bool is_upper(char c) {
        return c >= 'A' && c <= 'Z';
}

/* "LastScanDuration" becomes "last_scan_duration". */
static char *snake_case(const char *name) {
        char *snake = malloc(strlen(name) * 2 + 1), *p = snake;

        if (!snake)
                return NULL;
        for (const char *c = name; *c; c++) {
                if (c > name && is_upper(*c) && !is_upper(c[-1]))
                        *p++ = '_';
                *p++ = (char) (is_upper(*c) ? *c - 'A' + 'a' : *c);
        }
        *p = '\0';
        return snake;
}

/* Any basic value fits in here. */
union value {
        const char *string;
        uint64_t u64;
        int64_t s64;
        uint32_t u32;
        int32_t s32;
        uint16_t u16;
        int16_t s16;
        uint8_t byte;
        int boolean;
        double number;
};

static json_object *value_to_json(char type, const union value *value) {
        switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                return json_object_new_string(value->string);
        case SD_BUS_TYPE_BOOLEAN:
                return json_object_new_boolean(value->boolean);
        case SD_BUS_TYPE_BYTE:
                return json_object_new_uint64(value->byte);
        case SD_BUS_TYPE_UINT16:
                return json_object_new_uint64(value->u16);
        case SD_BUS_TYPE_UINT32:
                return json_object_new_uint64(value->u32);
        case SD_BUS_TYPE_UINT64:
                return json_object_new_uint64(value->u64);
        case SD_BUS_TYPE_INT16:
                return json_object_new_int64(value->s16);
        case SD_BUS_TYPE_INT32:
                return json_object_new_int64(value->s32);
        case SD_BUS_TYPE_INT64:
                return json_object_new_int64(value->s64);
        default:
                return json_object_new_double(value->number);
        }
}

static int add_basic(json_object *object, const char *key, char type, sd_bus_message *m) {
        union value value = {};
        json_object *json;
        int r = sd_bus_message_read_basic(m, type, &value);

        if (r < 0)
                return r;
        /* JSON has no word for what is no number. */
        if (type == SD_BUS_TYPE_DOUBLE && !isfinite(value.number))
                return 0;
        json = value_to_json(type, &value);
        return json ? json_object_object_add(object, key, json) : -ENOMEM;
}

static int add_strings(json_object *object, const char *key, sd_bus_message *m) {
        _cleanup_strv_ char **strings = NULL;
        json_object *array = json_object_new_array();
        int r = array ? json_object_object_add(object, key, array) : -ENOMEM;

        if (r >= 0)
                r = sd_bus_message_read_strv(m, &strings);
        for (char **s = strings; r >= 0 && s && *s; s++)
                r = json_append(array, json_object_new_string(*s));
        return r;
}

static int add_variant(json_object *object, const char *key, sd_bus_message *m) {
        const char *contents;
        char type;
        int r = sd_bus_message_peek_type(m, &type, &contents);

        if (r >= 0 && type != SD_BUS_TYPE_VARIANT)
                r = -EBADMSG;
        if (r < 0)
                return r;
        if (!strchr("sogbyqutnixd", *contents) && !streq(contents, "as"))
                return sd_bus_message_skip(m, "v");

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_VARIANT, contents);
        if (r >= 0 && *contents == SD_BUS_TYPE_ARRAY)
                r = add_strings(object, key, m);
        else if (r >= 0)
                r = add_basic(object, key, *contents, m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int add_property(json_object *object, sd_bus_message *m) {
        _cleanup_free_ char *key = NULL;
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);

        if (r < 0)
                return r;
        key = snake_case(name);
        return key ? add_variant(object, key, m) : -ENOMEM;
}

int properties_read(sd_bus_message *message, json_object **ret) {
        _cleanup_json_ json_object *object = json_object_new_object();
        int r = object ? sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "{sv}") : -ENOMEM;

        while (r >= 0 && (r = sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                r = add_property(object, message);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        if (r < 0)
                return r == -ENXIO ? -EBADMSG : r;

        *ret = TAKE_PTR(object);
        return 0;
}

const char *properties_string(json_object *properties, const char *key) {
        return json_object_get_string(json_object_object_get(properties, key)) ?: "";
}

uint64_t properties_unsigned(json_object *properties, const char *key) {
        return json_object_get_uint64(json_object_object_get(properties, key));
}
