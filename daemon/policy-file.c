/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <json-c/json.h>
#include <json-c/json_visit.h>

#include <exposured/macro.h>

#include "file.h"
#include "log.h"
#include "policy-file.h"
#include "utf8.h"

#define POLICY_SIZE_MAX (1024U * 1024U)

const char *const policy_folders[POLICY_FOLDERS + 1] = {
        "/etc/systemd",
        "/run/systemd",
        "/usr/local/lib/systemd",
        "/usr/lib/systemd",
        NULL,
};

static void json_tokener_freep(struct json_tokener **p) {
        if (*p)
                json_tokener_free(*p);
}

static void json_object_putp(struct json_object **p) {
        json_object_put(*p);
}

static unsigned line_at(const char *text, size_t offset) {
        unsigned line = 1;

        for (size_t i = 0; i < offset && text[i]; i++)
                line += text[i] == '\n';
        return line;
}

/* The parser keeps no positions; the first place where the identifier stands as a key is its row's. */
static unsigned line_of(const char *text, const char *identifier) {
        char quoted[128];
        const char *found;

        (void) snprintf(quoted, sizeof(quoted), "\"%s\"", identifier);
        found = strstr(text, quoted);
        return found ? line_at(text, (size_t) (found - text)) : 1;
}

/* Where a row is being read, for messages. */
struct place {
        const char *path;
        const char *text;
        const char *check;
};

static void warn(const struct place *place, const char *key, const char *expected) {
        log_warning("%s:%u: %s of %s %s, the built-in one stands.", place->path,
                    line_of(place->text, place->check), key, place->check, expected);
}

/* Like systemd-analyze, also where it is written with a fraction of 0. */
static bool get_unsigned(struct json_object *value, uint64_t *ret) {
        double real;

        if (json_object_is_type(value, json_type_int)) {
                *ret = json_object_get_uint64(value);
                return json_object_get_int64(value) >= 0;
        }
        if (!json_object_is_type(value, json_type_double))
                return false;
        real = json_object_get_double(value);
        /* 2^64 is the first that does not fit; whatever is no number compares as false. */
        if (!(real >= 0 && real < 18446744073709551616.0))
                return false;
        *ret = (uint64_t) real;
        return (double) *ret == real;
}

static void read_number(const struct place *place, const char *key, struct json_object *value, uint64_t min,
                        uint64_t *number) {
        uint64_t n;

        if (!get_unsigned(value, &n)) {
                warn(place, key, "must be an unsigned integer");
                return;
        }
        if (n < min)
                warn(place, key, "must be at least 1");
        else
                *number = n;
}

static int read_text(const struct place *place, const char *key, struct json_object *value, char **text) {
        const char *string;
        char *copy;

        if (!json_object_is_type(value, json_type_string)) {
                warn(place, key, "must be a string");
                return 0;
        }
        /* JSON's escapes can make what no bus carries. */
        string = json_object_get_string(value);
        if (!utf8_is_valid(string, strlen(string))) {
                warn(place, key, "must be valid Unicode text");
                return 0;
        }
        copy = strdup(string);
        if (!copy)
                return -ENOMEM;
        free(*text);
        *text = copy;
        return 0;
}

static int read_member(const struct place *place, const char *key, struct json_object *value,
                       struct policy_row *row) {
        if (streq(key, "weight"))
                read_number(place, key, value, 0, &row->weight);
        else if (streq(key, "range"))
                read_number(place, key, value, 1, &row->range);
        else if (streq(key, "description_good"))
                return read_text(place, key, value, &row->texts[RESULT_GOOD]);
        else if (streq(key, "description_bad"))
                return read_text(place, key, value, &row->texts[RESULT_BAD]);
        else if (streq(key, "description_na"))
                return read_text(place, key, value, &row->texts[RESULT_NOT_APPLICABLE]);
        return 0;
}

static int read_row(const struct place *place, struct json_object *object, struct policy *policy) {
        int r, check = check_from_json_field(place->check);

        if (check < 0) {
                log_warning("%s:%u: there is no check %s, passing over it.", place->path,
                            line_of(place->text, place->check), place->check);
                return 0;
        }
        if (!json_object_is_type(object, json_type_object)) {
                log_warning("%s:%u: %s must be an object, the built-in one stands.", place->path,
                            line_of(place->text, place->check), place->check);
                return 0;
        }
        json_object_object_foreach(object, key, value) {
                r = read_member(place, key, value, &policy->rows[check]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int count_member(struct json_object *object, int flags, struct json_object *parent, const char *key,
                        /* NOLINTNEXTLINE(readability-non-const-parameter): the library's */
                        size_t *index, void *userdata) {
        size_t *n = userdata;

        (void) object;
        (void) parent;
        (void) index;
        *n += key && flags != JSON_C_VISIT_SECOND;
        return JSON_C_VISIT_RETURN_CONTINUE;
}

/* Each member has one outside of strings. */
static size_t count_colons(const char *text) {
        bool in_string = false;
        size_t n = 0;

        for (; *text; text++)
                if (in_string && *text == '\\' && text[1])
                        text++;
                else if (*text == '"')
                        in_string = !in_string;
                else
                        n += !in_string && *text == ':';
        return n;
}

/* The parser takes the last of two, systemd-analyze the first: neither would be right for sure. */
static bool has_twins(const char *text, struct json_object *object) {
        size_t n = 0;

        return json_c_visit(object, 0, count_member, &n) < 0 || n != count_colons(text);
}

int policy_parse(const char *path, const char *text, size_t length, struct policy *ret_policy) {
        _cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
        _cleanup_(json_object_putp) struct json_object *object = NULL;
        int r;

        if (!tokener || length > INT_MAX)
                return -ENOMEM;
        if (!utf8_is_valid(text, length)) {
                log_warning("%s:1: no policy: not a text file in UTF-8.", path);
                return -EBADMSG;
        }
        /* Nothing may follow the object; systemd-analyze is strict too. */
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        object = json_tokener_parse_ex(tokener, text, (int) length);
        if (json_tokener_get_error(tokener) != json_tokener_success) {
                log_warning("%s:%u: no policy: %s.", path, line_at(text, json_tokener_get_parse_end(tokener)),
                            json_tokener_error_desc(json_tokener_get_error(tokener)));
                return -EBADMSG;
        }
        if (!json_object_is_type(object, json_type_object)) {
                log_warning("%s:1: no policy: a JSON object is expected.", path);
                return -EBADMSG;
        }
        if (has_twins(text, object)) {
                log_warning("%s: no policy: an identifier stands twice in an object.", path);
                return -EBADMSG;
        }
        policy_init(ret_policy);
        json_object_object_foreach(object, identifier, row) {
                r = read_row(&(struct place) { path, text, identifier }, row, ret_policy);
                if (r < 0) {
                        policy_done(ret_policy);
                        return r;
                }
        }
        return 0;
}

/* A sentence for people; NULL where there is no memory for it. */
__attribute__((format(printf, 1, 2))) static char *sentence(const char *format, ...) {
        char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        return text;
}

static bool is_link(const char *path) {
        char target;

        return readlink(path, &target, 1) >= 0;
}

/* A link to nothing is passed over, as systemd-analyze does. But what we cannot see may be there for others. */
static int note_unseen(const char *path, char **problem) {
        if (!is_link(path) || *problem)
                return 0;
        *problem = sentence("%s is a link to what cannot be seen by exposured; it is passed over.", path);
        if (!*problem)
                return -ENOMEM;
        log_warning("%s", *problem);
        return 0;
}

/* The first of the folders with such a file. */
static int policy_file_find(const char *const *folders, char **ret_text, size_t *ret_length, char **ret_path,
                            char **problem) {
        char path[PATH_MAX];
        int r;

        for (; *folders; folders++) {
                (void) snprintf(path, sizeof(path), "%s/" POLICY_FILE_NAME, *folders);
                r = file_read(path, POLICY_SIZE_MAX, ret_text, ret_length);
                if (r == -ENOENT || r == -ENOTDIR) {
                        if (note_unseen(path, problem) < 0)
                                return -ENOMEM;
                        continue;
                }
                *ret_path = strdup(path);
                return *ret_path ? r : -ENOMEM;
        }
        return -ENOENT;
}

int policy_file_load(const char *const *folders, struct policy *ret_policy, char **ret_path, char **ret_problem) {
        _cleanup_(freep) char *text = NULL, *path = NULL, *problem = NULL;
        struct policy policy;
        size_t length = 0;
        int r;

        r = policy_file_find(folders ?: policy_folders, &text, &length, &path, &problem);
        if (r == -ENOENT) {
                *ret_path = NULL;
                *ret_problem = TAKE_PTR(problem);
                return POLICY_NONE;
        }
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                free(problem);
                problem = sentence("%s cannot be read (%s); the built-in policy is used.", path, strerror(-r));
                if (problem)
                        log_warning("%s", problem);
        } else {
                r = policy_parse(path, text, length, &policy);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        free(problem);
                        problem = sentence("%s is no policy; the built-in policy is used.", path);
                }
        }
        if (r < 0 && !problem)
                return -ENOMEM;
        if (r >= 0)
                *ret_policy = policy;
        *ret_path = TAKE_PTR(path);
        *ret_problem = TAKE_PTR(problem);
        return r < 0 ? POLICY_BROKEN : POLICY_READ;
}
