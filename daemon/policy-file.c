/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <json-c/json.h>

#include <exposured/macro.h>

#include "file.h"
#include "folder.h"
#include "log.h"
#include "policy-file.h"
#include "utf8.h"

#define POLICY_SIZE_MAX (1024U * 1024U)

/* Where systemd-analyze looks, first found wins. */
static const char *const policy_folders[] = {
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

static void read_number(const struct place *place, const char *key, struct json_object *value, uint64_t min,
                        uint64_t *number) {
        uint64_t n;

        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0) {
                warn(place, key, "must be an unsigned integer");
                return;
        }
        n = json_object_get_uint64(value);
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

/* The first of the folders with such a file. */
static int policy_file_find(const char *const *folders, char **ret_text, size_t *ret_length, char **ret_path) {
        char path[PATH_MAX];
        int r;

        for (; *folders; folders++) {
                (void) snprintf(path, sizeof(path), "%s/" POLICY_FILE_NAME, *folders);
                r = file_read(path, POLICY_SIZE_MAX, ret_text, ret_length);
                if (r == -ENOENT || r == -ENOTDIR)
                        continue;
                *ret_path = strdup(path);
                return *ret_path ? r : -ENOMEM;
        }
        return -ENOENT;
}

int policy_file_load(const char *const *folders, struct policy *ret_policy, char **ret_path) {
        _cleanup_(freep) char *text = NULL, *path = NULL;
        size_t length = 0;
        int r;

        r = policy_file_find(folders ?: policy_folders, &text, &length, &path);
        if (r == -ENOENT) {
                *ret_path = NULL;
                return POLICY_NONE;
        }
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot read %s, the built-in policy stands", path);
        else
                r = policy_parse(path, text, length, ret_policy);
        if (r == -ENOMEM)
                return r;
        *ret_path = TAKE_PTR(path);
        return r < 0 ? POLICY_BROKEN : POLICY_READ;
}

struct policy_watch {
        void (*fn)(void *userdata);
        void *userdata;
        struct folder *folders[ELEMENTSOF(policy_folders) - 1];
};

static void on_folder(void *userdata, const char *entry) {
        struct policy_watch *watch = userdata;

        if (!entry || streq(entry, POLICY_FILE_NAME))
                watch->fn(watch->userdata);
}

int policy_watch_new(struct policy_watch **ret, sd_event *event, void (*fn)(void *userdata), void *userdata) {
        struct policy_watch *watch;
        int r;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return -ENOMEM;
        watch->fn = fn;
        watch->userdata = userdata;
        for (size_t i = 0; policy_folders[i]; i++) {
                r = folder_new(&watch->folders[i], event, policy_folders[i], on_folder, watch);
                if (r < 0) {
                        policy_watch_free(watch);
                        return r;
                }
        }
        *ret = watch;
        return 0;
}

int policy_watch_error(const struct policy_watch *watch, const char **ret_path) {
        for (size_t i = 0; i < ELEMENTSOF(watch->folders); i++)
                if (folder_error(watch->folders[i]) < 0) {
                        *ret_path = folder_path(watch->folders[i]);
                        return folder_error(watch->folders[i]);
                }
        return 0;
}

struct policy_watch *policy_watch_free(struct policy_watch *watch) {
        if (!watch)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(watch->folders); i++)
                folder_free(watch->folders[i]);
        free(watch);
        return NULL;
}
