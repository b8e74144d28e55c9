/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "details.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cause.h"
#include "cleanup.h"
#include "fields.h"
#include "json.h"
#include "output.h"
#include "timestamp.h"

/* Of what one cause hit, so many units are named. */
#define MAX_NAMED 8

const char *event_subject(const struct event *event) {
        return *event->unit ? event->unit : "scoring model";
}

size_t event_count_others(const struct event *event) {
        size_t n = 0;

        for (char **unit = event->units; unit && *unit; unit++)
                n += !streq(*unit, event->unit);
        return n;
}

void event_print_others(const struct event *event, const struct output *output) {
        size_t n = event_count_others(event), named = 0;

        for (char **unit = event->units; unit && *unit && named < MAX_NAMED; unit++)
                if (!streq(*unit, event->unit)) {
                        fputs(named++ > 0 ? ", " : "", output->stream);
                        fields_print_text(output, *unit);
                }
        if (n > named)
                fprintf(output->stream, " and %zu more", n - named);
}

void cause_print(const struct event_cause *cause, const struct output *output) {
        char time[TIME_TEXT_SIZE];

        fields_print_text(output, cause->path);
        if (*cause->change) {
                fputs(*cause->path ? " " : "", output->stream);
                fields_print_text(output, cause_text(cause));
        }
        if (cause->time > 0)
                fprintf(output->stream, " at %s", time_to_log_string(cause->time, time));
        fputc('\n', output->stream);
}

static enum style line_style(const char *line) {
        switch (*line) {
        case '+':
                return STYLE_ADDED;
        case '-':
                return STYLE_REMOVED;
        default:
                return STYLE_PLAIN;
        }
}

void cause_print_lines(const struct event_cause *cause, int blanks, const struct output *output) {
        for (char **line = cause->lines; line && *line; line++) {
                const char *on = style_on(output, line_style(*line));

                fprintf(output->stream, "%*s%s", blanks, "", on);
                fields_print_text(output, *line);
                fprintf(output->stream, "%s\n", *on ? style_off(output) : "");
        }
}

uint64_t badness_harm(uint64_t badness) {
        return badness == EVENT_NOT_APPLICABLE ? 0 : badness;
}

const char *badness_to_string(uint64_t badness, char buffer[static BADNESS_TEXT_SIZE]) {
        if (badness == EVENT_NOT_APPLICABLE)
                snprintf(buffer, BADNESS_TEXT_SIZE, "n/a");
        else
                snprintf(buffer, BADNESS_TEXT_SIZE, "%" PRIu64, badness);
        return buffer;
}

static int add_badness(json_object *object, const char *key, uint64_t badness) {
        return badness == EVENT_NOT_APPLICABLE ? json_add_null(object, key)
                                               : json_add_unsigned(object, key, badness);
}

json_object *checks_to_json(const struct event_check *checks, size_t n_checks) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < n_checks; i++) {
                const struct event_check *check = checks + i;
                json_object *object = json_object_new_object();

                if (json_append(array, object) < 0 ||
                    json_add_string(object, "json_field", check->json_field) < 0 ||
                    add_badness(object, "before", check->before) < 0 ||
                    add_badness(object, "after", check->after) < 0)
                        return NULL;
        }
        return TAKE_PTR(array);
}

static json_object *causes_to_json(const struct event *event) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < event->n_causes; i++) {
                const struct event_cause *cause = event->causes + i;
                json_object *object = json_object_new_object();

                if (json_append(array, object) < 0 ||
                    json_add_string(object, "path", cause->path) < 0 ||
                    json_add_string(object, "change", cause->change) < 0 ||
                    json_add_unsigned(object, "time", cause->time) < 0 ||
                    json_add_strings(object, "lines", cause->lines) < 0)
                        return NULL;
        }
        return TAKE_PTR(array);
}

int event_add_details(json_object *object, const struct event *event) {
        int r = json_add(object, "checks", checks_to_json(event->checks, event->n_checks));

        return r < 0 ? r : json_add(object, "causes", causes_to_json(event));
}
