/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "render/events.h"

#include <stdio.h>

#include "cleanup.h"
#include "details.h"
#include "exposure.h"
#include "fields.h"
#include "json.h"
#include "output.h"
#include "timestamp.h"
#include "upgrade.h"

/* How events look. Any other kind has a dot. */
static const struct kind {
        const char *name;
        enum glyph glyph;
        enum style style;
} kinds[] = {
        { "regressed", GLYPH_WORSE, STYLE_BAD },
        { "improved", GLYPH_BETTER, STYLE_GOOD },
        { "accepted", GLYPH_GOOD, STYLE_GOOD },
};
static const struct kind above_limit = { "appeared", GLYPH_BAD, STYLE_BAD };
static const struct kind other_kind = { NULL, GLYPH_DOT, STYLE_PLAIN };

static const struct kind *find_kind(const struct event *event) {
        if (event_is_above_limit(event))
                return &above_limit;
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].name, event->kind))
                        return kinds + i;
        return &other_kind;
}

const char *event_glyph(const struct event *event, const struct output *output) {
        return glyph_text(output, find_kind(event)->glyph);
}

enum style event_style(const struct event *event) {
        return find_kind(event)->style;
}

void event_print_exposures(const struct event *event, const struct output *output) {
        const struct level *level = exposure_level(event->after);
        const char *on = style_on(output, level->style);
        char before[EXPOSURE_TEXT_SIZE], after[EXPOSURE_TEXT_SIZE];

        if (event->before != event->after)
                fprintf(output->stream, "%s %s ", exposure_to_string(event->before, before),
                        glyph_text(output, GLYPH_ARROW));
        fprintf(output->stream, "%s%s %s%s", on, exposure_to_string(event->after, after), level->predicate,
                *on ? style_off(output) : "");
}

static void print_id(const struct event *event, const struct output *output) {
        if (*event->id) {
                fprintf(output->stream, " %s[", style_on(output, STYLE_FAINT));
                fields_print_text(output, event->id);
                fprintf(output->stream, "]%s", style_off(output));
        }
        fputc('\n', output->stream);
}

static void print_cause(const struct event_cause *cause, const struct output *output) {
        fputs("    ", output->stream);
        cause_print(cause, output);
        cause_print_lines(cause, 8, output);
}

/* Of all units together there is no exposure. */
static void print_outcome(const struct event *event, const struct output *output) {
        size_t n = event_count_others(event);

        if (*event->unit)
                event_print_exposures(event, output);
        else
                fprintf(output->stream, "%zu unit%s rated differently", n, n == 1 ? "" : "s");
}

/* What is to be known of an event of the model is told by its parts, where they are known. */
static void print_model(const struct event *event, const struct output *output) {
        _cleanup_free_ char *subject = upgrade_subject(event, output), *summary = upgrade_summary(event);
        char time[TIME_TEXT_SIZE];

        fprintf(output->stream, "%s %s %s", time_to_log_string(event->time, time), event_glyph(event, output),
                style_on(output, STYLE_STRONG));
        fields_print_text(output, subject ?: "scoring model");
        fprintf(output->stream, "%s: %s", style_off(output), summary ?: "");
        print_id(event, output);
        upgrade_print(event, output);
        for (size_t i = 0; i < event->n_causes; i++)
                if (*event->causes[i].path)
                        print_cause(event->causes + i, output);
}

static void print_first_line(const struct event *event, const struct output *output) {
        const char *on = style_on(output, event_style(event)), *off = *on ? style_off(output) : "";
        char time[TIME_TEXT_SIZE];

        fprintf(output->stream, "%s %s%s%s %s", time_to_log_string(event->time, time), on,
                event_glyph(event, output), off, style_on(output, STYLE_STRONG));
        fields_print_text(output, event_subject(event));
        fprintf(output->stream, "%s %s", style_off(output), on);
        fields_print_text(output, *event->unit || !streq(event->kind, "model") ? event->kind : "changed");
        fprintf(output->stream, "%s: ", off);
        print_outcome(event, output);
        print_id(event, output);
}

static void print_units(const struct event *event, const struct output *output) {
        if (event_count_others(event) == 0)
                return;
        fputs(*event->unit ? "    the same in " : "    in ", output->stream);
        event_print_others(event, output);
        fputc('\n', output->stream);
}

static void print_check(const struct event_check *check, const struct output *output) {
        uint64_t before = badness_harm(check->before), after = badness_harm(check->after);
        bool worse = after > before, better = after < before;
        const char *on = style_on(output, worse ? STYLE_BAD : better ? STYLE_GOOD : STYLE_PLAIN);
        char from[BADNESS_TEXT_SIZE], to[BADNESS_TEXT_SIZE];

        fprintf(output->stream, "    %s%s%s ", on,
                worse ? glyph_text(output, GLYPH_BAD) : better ? glyph_text(output, GLYPH_GOOD) : " ",
                *on ? style_off(output) : "");
        fields_print_text(output, check->json_field);
        fprintf(output->stream, ": badness %s %s %s\n", badness_to_string(check->before, from),
                glyph_text(output, GLYPH_ARROW), badness_to_string(check->after, to));
}

void event_print(const struct event *event, const struct output *output) {
        if (event->hits) {
                print_model(event, output);
                return;
        }
        print_first_line(event, output);
        print_units(event, output);
        for (size_t i = 0; i < event->n_checks; i++)
                print_check(event->checks + i, output);
        for (size_t i = 0; i < event->n_causes; i++)
                print_cause(event->causes + i, output);
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
            event_add_details(object, event) < 0 ||
            (event->hits && upgrade_add(object, event) < 0))
                return NULL;
        return TAKE_PTR(object);
}
