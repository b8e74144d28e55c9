/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "exposure.h"
#include "fields.h"
#include "json.h"
#include "output.h"
#include "timestamp.h"

/* Of what one cause hit, so many units are named. */
#define MAX_NAMED 8

/* How events look. Any other kind has a dot. */
static const struct kind {
        const char *name;
        enum glyph glyph;
        enum style style;
} kinds[] = {
        { "regressed", GLYPH_WORSE, STYLE_BAD },
        { "improved", GLYPH_BETTER, STYLE_GOOD },
};
static const struct kind other_kind = { NULL, GLYPH_DOT, STYLE_PLAIN };

static const struct kind *find_kind(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].name, name))
                        return kinds + i;
        return &other_kind;
}

static void print_level(const struct output *output, unsigned exposure) {
        const struct level *level = exposure_level(exposure);
        const char *on = style_on(output, level->style);
        char text[EXPOSURE_TEXT_SIZE];

        fprintf(output->stream, "%s%s %s%s", on, exposure_to_string(exposure, text), level->predicate,
                *on ? style_off(output) : "");
}

static void print_first_line(const struct event *event, const struct output *output) {
        const struct kind *kind = find_kind(event->kind);
        const char *on = style_on(output, kind->style), *off = *on ? style_off(output) : "";
        char time[TIME_TEXT_SIZE], before[EXPOSURE_TEXT_SIZE];

        fprintf(output->stream, "%s %s%s%s ", time_to_log_string(event->time, time), on,
                glyph_text(output, kind->glyph), off);
        if (*event->unit) {
                fputs(style_on(output, STYLE_STRONG), output->stream);
                fields_print_text(output, event->unit);
                fprintf(output->stream, "%s ", style_off(output));
        }
        fputs(on, output->stream);
        fields_print_text(output, event->kind);
        fprintf(output->stream, "%s: ", off);
        if (event->before != event->after)
                fprintf(output->stream, "%s %s ", exposure_to_string(event->before, before),
                        glyph_text(output, GLYPH_ARROW));
        print_level(output, event->after);
        if (*event->id) {
                fprintf(output->stream, " %s[", style_on(output, STYLE_FAINT));
                fields_print_text(output, event->id);
                fprintf(output->stream, "]%s", style_off(output));
        }
        fputc('\n', output->stream);
}

static void print_units(const struct event *event, const struct output *output) {
        size_t n = 0, named = 0;

        for (char **unit = event->units; unit && *unit; unit++)
                n += !streq(*unit, event->unit);
        if (n == 0)
                return;

        fputs("    the same in ", output->stream);
        for (char **unit = event->units; *unit && named < MAX_NAMED; unit++)
                if (!streq(*unit, event->unit)) {
                        fputs(named++ > 0 ? ", " : "", output->stream);
                        fields_print_text(output, *unit);
                }
        if (n > named)
                fprintf(output->stream, " and %zu more", n - named);
        fputc('\n', output->stream);
}

/* Not applicable weighs as much as good: no harm can come of it. */
static uint64_t harm(uint64_t badness) {
        return badness == EVENT_NOT_APPLICABLE ? 0 : badness;
}

static void print_badness(const struct output *output, uint64_t badness) {
        if (badness == EVENT_NOT_APPLICABLE)
                fputs("n/a", output->stream);
        else
                fprintf(output->stream, "%" PRIu64, badness);
}

static void print_check(const struct event_check *check, const struct output *output) {
        uint64_t before = harm(check->before), after = harm(check->after);
        bool worse = after > before, better = after < before;
        const char *on = style_on(output, worse ? STYLE_BAD : better ? STYLE_GOOD : STYLE_PLAIN);

        fprintf(output->stream, "    %s%s%s ", on,
                worse ? glyph_text(output, GLYPH_BAD) : better ? glyph_text(output, GLYPH_GOOD) : " ",
                *on ? style_off(output) : "");
        fields_print_text(output, check->json_field);
        fputs(": badness ", output->stream);
        print_badness(output, check->before);
        fprintf(output->stream, " %s ", glyph_text(output, GLYPH_ARROW));
        print_badness(output, check->after);
        fputc('\n', output->stream);
}

static void print_cause(const struct event_cause *cause, const struct output *output) {
        char time[TIME_TEXT_SIZE];

        fputs("    ", output->stream);
        fields_print_text(output, cause->path);
        if (*cause->change) {
                fputs(*cause->path ? " " : "", output->stream);
                fields_print_text(output, cause->change);
        }
        if (cause->time > 0)
                fprintf(output->stream, " at %s", time_to_log_string(cause->time, time));
        fputc('\n', output->stream);

        for (char **line = cause->lines; line && *line; line++) {
                fputs("        ", output->stream);
                fields_print_text(output, *line);
                fputc('\n', output->stream);
        }
}

void event_print(const struct event *event, const struct output *output) {
        print_first_line(event, output);
        print_units(event, output);
        for (size_t i = 0; i < event->n_checks; i++)
                print_check(event->checks + i, output);
        for (size_t i = 0; i < event->n_causes; i++)
                print_cause(event->causes + i, output);
}

static int add_badness(json_object *object, const char *key, uint64_t badness) {
        return badness == EVENT_NOT_APPLICABLE ? json_add_null(object, key)
                                               : json_add_unsigned(object, key, badness);
}

static json_object *checks_to_json(const struct event *event) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < event->n_checks; i++) {
                const struct event_check *check = event->checks + i;
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

json_object *event_to_json(const struct event *event) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "event", event->kind) < 0 ||
            json_add_string(object, "id", event->id) < 0 ||
            json_add_unsigned(object, "time", event->time) < 0 ||
            json_add_string(object, "unit", event->unit) < 0 ||
            json_add_strings(object, "units", event->units) < 0 ||
            json_add_exposure(object, "baseline", event->before) < 0 ||
            json_add_exposure(object, "exposure", event->after) < 0 ||
            json_add(object, "checks", checks_to_json(event)) < 0 ||
            json_add(object, "causes", causes_to_json(event)) < 0)
                return NULL;
        return TAKE_PTR(object);
}
