/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "upgrade.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "details.h"
#include "exposure.h"
#include "fields.h"
#include "hits.h"
#include "json.h"
#include "output.h"
#include "style.h"

/* So many units that are rated differently are named. */
#define MAX_NAMED 8

/* Without what the distribution added, unless that is what differs. */
static int shown_length(const char *version, const char *other) {
        size_t n = strcspn(version, "-"), m = strcspn(other, "-");

        return (int) (n == m && strncmp(version, other, n) == 0 ? strlen(version) : n);
}

char *upgrade_subject(const struct event *event, const struct output *output) {
        const char *before, *after;
        char *text;

        if (!event_versions(event, &before, &after))
                return strdup(event->hits ? "scoring policy" : "scoring model");
        if (asprintf(&text, "systemd %.*s %s %.*s", shown_length(before, after), before,
                     glyph_text(output, GLYPH_ARROW), shown_length(after, before), after) < 0)
                return NULL;
        return text;
}

char *upgrade_summary(const struct event *event) {
        struct hit_counts counts = event_count_hits(event);
        const char *version_before, *version_after;
        char parts[64] = "", *text;
        int n = 0;

        if (!event->hits)
                return strdup("");
        if (!event_versions(event, &version_before, &version_after))
                return asprintf(&text, "%zu rated differently", counts.n_rated) < 0 ? NULL : text;
        if (counts.n_weaker > 0)
                n = snprintf(parts, sizeof(parts), ": %zu weaker", counts.n_weaker);
        if (counts.n_stronger > 0)
                snprintf(parts + n, sizeof(parts) - (size_t) n, "%s %zu stronger", n > 0 ? "," : ":",
                         counts.n_stronger);
        if (asprintf(&text, "%zu rated differently; %zu changed%s", counts.n_rated, counts.n_changed, parts) < 0)
                return NULL;
        return text;
}

static const struct event_hit *find_hit(const struct event *event, const char *unit) {
        for (size_t i = 0; event->hits && i < event->hits->n_hits; i++)
                if (streq(event->hits->hits[i].unit, unit))
                        return event->hits->hits + i;
        return NULL;
}

char *upgrade_share(const struct event *event, const struct output *output) {
        _cleanup_free_ char *subject = upgrade_subject(event, output);
        const struct event_hit *hit = find_hit(event, event->unit);
        char rated[EXPOSURE_TEXT_SIZE], after[EXPOSURE_TEXT_SIZE], *text;
        int r;

        if (!subject)
                return NULL;
        if (!hit)
                return TAKE_PTR(subject);
        exposure_to_string(hit->rated, rated);
        exposure_to_string(hit->after, after);
        if (!hit->changed)
                r = asprintf(&text, "%s rates it %s", subject, rated);
        else if (!hit_is_rated(hit))
                r = asprintf(&text, "%s: its settings changed", subject);
        else
                r = asprintf(&text, "%s rates it %s, and with its new settings %s", subject, rated, after);
        return r < 0 ? NULL : text;
}

static void print_check(const struct event_check *check, const struct output *output) {
        char before[BADNESS_TEXT_SIZE], after[BADNESS_TEXT_SIZE];

        fputs(", ", output->stream);
        fields_print_text(output, check->json_field);
        fprintf(output->stream, " %s %s %s", badness_to_string(check->before, before),
                glyph_text(output, GLYPH_ARROW), badness_to_string(check->after, after));
}

static void print_changed(const struct event_hit *hit, const struct output *output) {
        bool weaker = hit_is_weaker(hit);
        enum style style = weaker ? STYLE_BAD : hit->n_own_checks > 0 ? STYLE_GOOD : STYLE_PLAIN;
        enum glyph glyph = weaker ? GLYPH_WORSE : hit->n_own_checks > 0 ? GLYPH_BETTER : GLYPH_DOT;
        const char *on = style_on(output, style);
        char rated[EXPOSURE_TEXT_SIZE], after[EXPOSURE_TEXT_SIZE];

        fprintf(output->stream, "    %s%s%s ", on, glyph_text(output, glyph), *on ? style_off(output) : "");
        fields_print_text(output, hit->unit);
        fprintf(output->stream, " changed: %s %s %s", exposure_to_string(hit->rated, rated),
                glyph_text(output, GLYPH_ARROW), exposure_to_string(hit->after, after));
        for (size_t i = 0; i < hit->n_own_checks; i++)
                print_check(hit->own_checks + i, output);
        fputc('\n', output->stream);
}

static void print_rated(const struct event_hit *hit, const struct output *output) {
        char before[EXPOSURE_TEXT_SIZE], rated[EXPOSURE_TEXT_SIZE];

        fields_print_text(output, hit->unit);
        if (hit->before != hit->rated)
                fprintf(output->stream, " %s %s %s", exposure_to_string(hit->before, before),
                        glyph_text(output, GLYPH_ARROW), exposure_to_string(hit->rated, rated));
}

void upgrade_print(const struct event *event, const struct output *output) {
        size_t n_rated = event_count_hits(event).n_rated, named = 0;

        for (size_t i = 0; event->hits && i < event->hits->n_hits; i++)
                if (event->hits->hits[i].changed)
                        print_changed(event->hits->hits + i, output);
        for (size_t i = 0; event->hits && i < event->hits->n_hits && named < MAX_NAMED; i++) {
                if (!hit_is_rated(event->hits->hits + i))
                        continue;
                fputs(named++ > 0 ? ", " : "    rated differently: ", output->stream);
                print_rated(event->hits->hits + i, output);
        }
        if (n_rated > named)
                fprintf(output->stream, " and %zu more", n_rated - named);
        if (named > 0)
                fputc('\n', output->stream);
}

static int add_part(json_object *array, const struct event_hit *hit, bool own) {
        json_object *object = json_object_new_object();
        int r = json_append(array, object);

        if (r >= 0)
                r = json_add_string(object, "unit", hit->unit);
        if (r >= 0)
                r = json_add_exposure(object, "before", own ? hit->rated : hit->before);
        if (r >= 0)
                r = json_add_exposure(object, "after", own ? hit->after : hit->rated);
        if (r >= 0)
                r = json_add(object, "checks", checks_to_json(own ? hit->own_checks : hit->checks,
                                                              own ? hit->n_own_checks : hit->n_checks));
        return r;
}

int upgrade_add(json_object *object, const struct event *event) {
        _cleanup_json_ json_object *rated = json_object_new_array(), *changed = json_object_new_array();
        int r = rated && changed ? 0 : -ENOMEM;

        for (size_t i = 0; event->hits && i < event->hits->n_hits && r >= 0; i++) {
                const struct event_hit *hit = event->hits->hits + i;

                if (hit_is_rated(hit))
                        r = add_part(rated, hit, false);
                if (r >= 0 && hit->changed)
                        r = add_part(changed, hit, true);
        }
        if (r >= 0)
                r = json_add(object, "rated", TAKE_PTR(rated));
        return r < 0 ? r : json_add(object, "changed", TAKE_PTR(changed));
}
