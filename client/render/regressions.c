/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regressions.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "details.h"
#include "events.h"
#include "fields.h"
#include "json.h"
#include "meaning.h"
#include "options.h"
#include "output.h"
#include "table.h"

/* Below each other with the fields above them. */
static const struct column wide_columns[] = {
        { .title = "", .right = true },
        { .title = "" },
        { .title = "" },
        { .title = "", .right = true },
        { .title = "" },
        { .title = "", .right = true },
        { .title = "" },
};

/* Where that is too wide for the terminal: the meaning on a line of its own. */
static const struct column narrow_columns[] = {
        { .title = "", .right = true },
        { .title = "" },
        { .title = "", .shrink = SHRINK_WRAP },
};

/* A check, and what is known of it. */
struct row {
        const char *label;      /* of the first one; elsewhere empty */
        const char *name, *meaning;
        const struct event_check *check;
};

static int add_wide(struct table *table, const struct row *row, const struct output *output) {
        char text[BADNESS_TEXT_SIZE];

        table_add(table, STYLE_PLAIN, row->label);
        table_add(table, STYLE_BAD, glyph_text(output, GLYPH_BAD));
        table_add(table, STYLE_STRONG, row->name);
        table_add(table, STYLE_PLAIN, badness_to_string(row->check->before, text));
        table_add(table, STYLE_PLAIN, glyph_text(output, GLYPH_ARROW));
        table_add(table, STYLE_BAD, badness_to_string(row->check->after, text));
        return table_add(table, STYLE_PLAIN, row->meaning);
}

static int add_narrow(struct table *table, const struct row *row, const struct output *output) {
        char before[BADNESS_TEXT_SIZE], after[BADNESS_TEXT_SIZE];
        _cleanup_free_ char *text = NULL;
        int r;

        if (asprintf(&text, "%s %s %s %s", row->name, badness_to_string(row->check->before, before),
                     glyph_text(output, GLYPH_ARROW), badness_to_string(row->check->after, after)) < 0)
                return -ENOMEM;
        table_add(table, STYLE_PLAIN, row->label);
        table_add(table, STYLE_BAD, glyph_text(output, GLYPH_BAD));
        r = table_add(table, STYLE_STRONG, text);
        if (r < 0 || !*row->meaning)
                return r;
        table_add(table, STYLE_PLAIN, "");
        table_add(table, STYLE_PLAIN, "");
        return table_add(table, STYLE_PLAIN, row->meaning);
}

static int fill_table(const struct event *event, const struct meanings *meanings, bool narrow,
                      const struct output *output, struct table **ret) {
        char label[FIELDS_INDENT];
        int r = narrow ? table_new(narrow_columns, ELEMENTSOF(narrow_columns), output->utf8, ret)
                       : table_new(wide_columns, ELEMENTSOF(wide_columns), output->utf8, ret);

        snprintf(label, sizeof(label), "%*s", (int) sizeof(label) - 1, "Worse:");
        for (size_t i = 0; r >= 0 && i < event->n_checks; i++) {
                const struct event_check *check = event->checks + i;
                const struct finding *finding = meanings_find(meanings, check->json_field, check->after);
                struct row row = {
                        .label = i == 0 ? label : "",
                        .name = finding ? finding->name : check->json_field,
                        .meaning = finding ? finding->description : "",
                        .check = check,
                };

                r = narrow ? add_narrow(*ret, &row, output) : add_wide(*ret, &row, output);
        }
        return r;
}

static int print_checks(const struct event *event, const struct meanings *meanings,
                        const struct output *output) {
        _cleanup_(table_freep) struct table *wide = NULL, *narrow = NULL;
        int r = fill_table(event, meanings, false, output, &wide);

        if (r < 0)
                return r;
        if (output->columns == 0 || table_width(wide, false) <= output->columns)
                return table_print(wide, output, false);

        r = fill_table(event, meanings, true, output, &narrow);
        return r < 0 ? r : table_print(narrow, output, false);
}

static void print_causes(const struct event *event, const struct output *output) {
        for (size_t i = 0; i < event->n_causes; i++) {
                fields_print_label(output, i == 0 ? "Cause" : "");
                cause_print(event->causes + i, output);
                cause_print_lines(event->causes + i, FIELDS_INDENT + 4, output);
        }
}

static int print_regression(const struct event *event, const struct meanings *meanings,
                            const struct output *output) {
        const char *on = style_on(output, STYLE_BAD), *off = style_off(output);
        int r;

        fprintf(output->stream, "%s%s%s %s", on, glyph_text(output, GLYPH_WORSE), off,
                style_on(output, STYLE_STRONG));
        fields_print_text(output, event_subject(event));
        fprintf(output->stream, "%s: ", off);
        event_print_exposures(event, output);
        fputc('\n', output->stream);

        fields_print_time(output, "Since", event->time);
        r = print_checks(event, meanings, output);
        print_causes(event, output);
        if (event_count_others(event) > 0) {
                fields_print_label(output, "Also in");
                event_print_others(event, output);
                fputc('\n', output->stream);
        }
        fields_print(output, "Id", STYLE_FAINT, event->id);
        return r;
}

static void print_footer(const struct event_list *list, const struct options *options, const struct output *output) {
        const char *on = style_on(output, STYLE_BAD);
        size_t n = 0;

        for (size_t i = 0; i < list->n_events; i++)
                n += event_count_others(list->events + i) + 1;
        fprintf(output->stream, "\n%s%zu unit%s worse than %s.%s\n", on, n, n == 1 ? " is" : "s are",
                n == 1 ? "its baseline" : "their baselines", *on ? style_off(output) : "");
        fprintf(output->stream,
                "Mend the cause, or accept the present state: exposurectl %saccept UNIT --reason=TEXT\n",
                options->user ? "--user " : "");
}

int regressions_print(const struct event_list *list, const struct meanings *meanings,
                      const struct options *options, const struct output *output) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < list->n_events; i++) {
                if (i > 0)
                        fputc('\n', output->stream);
                r = print_regression(list->events + i, meanings, output);
        }
        if (r >= 0 && options->legend && list->n_events > 0)
                print_footer(list, options, output);
        return r;
}

static json_object *regression_to_json(const struct event *event) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "id", event->id) < 0 ||
            json_add_string(object, "unit", event->unit) < 0 ||
            json_add_strings(object, "units", event->units) < 0 ||
            json_add_exposure(object, "baseline", event->before) < 0 ||
            json_add_exposure(object, "exposure", event->after) < 0 ||
            json_add_unsigned(object, "since", event->time) < 0 ||
            event_add_details(object, event) < 0)
                return NULL;
        return TAKE_PTR(object);
}

json_object *regressions_to_json(const struct event_list *list) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < list->n_events; i++)
                if (json_append(array, regression_to_json(list->events + i)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}
