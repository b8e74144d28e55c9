/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "show.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "exposure.h"
#include "fields.h"
#include "json.h"
#include "list.h"
#include "options.h"
#include "output.h"
#include "table.h"
#include "timestamp.h"

/* How a result looks: its mark, and what the texts of the row are shown in. */
static const struct {
        enum style mark_style, text_style;
} results[] = {
        [FINDING_GOOD]           = { STYLE_GOOD, STYLE_PLAIN },
        [FINDING_BAD]            = { STYLE_BAD, STYLE_PLAIN },
        [FINDING_NOT_APPLICABLE] = { STYLE_PLAIN, STYLE_FAINT },
};

/* One line for each check. */
static const struct column wide_columns[] = {
        { .title = "" },
        { .title = "CHECK" },
        { .title = "SHARE", .right = true },
        { .title = "MEANING" },
        { .title = "CLOSED BY" },
};

/* Where that is too wide for the terminal: meaning and setting on lines of their own. */
static const struct column narrow_columns[] = {
        { .title = "" },
        { .title = "SHARE", .right = true },
        { .title = "CHECK", .shrink = SHRINK_WRAP },
};

static const char *mark(const struct output *output, enum finding_result result) {
        switch (result) {
        case FINDING_GOOD:
                return glyph_text(output, GLYPH_GOOD);
        case FINDING_BAD:
                return glyph_text(output, GLYPH_BAD);
        default:
                return "";
        }
}

static int add_wide(struct table *table, const struct finding *finding, const struct output *output) {
        bool bad = finding->result == FINDING_BAD;
        enum style style = results[finding->result].text_style;
        char share[EXPOSURE_TEXT_SIZE];

        table_add(table, results[finding->result].mark_style, mark(output, finding->result));
        table_add(table, style, finding->name);
        table_add(table, style, bad ? exposure_to_string(finding->share, share) : "");
        table_add(table, style, finding->description);
        return table_add(table, style, bad ? finding->setting : "");
}

static int add_narrow_line(struct table *table, enum style style, const char *text) {
        table_add(table, STYLE_PLAIN, "");
        table_add(table, STYLE_PLAIN, "");
        return table_add(table, style, text);
}

static int add_narrow(struct table *table, const struct finding *finding, const struct output *output) {
        bool bad = finding->result == FINDING_BAD;
        enum style style = results[finding->result].text_style;
        _cleanup_free_ char *setting = NULL;
        char share[EXPOSURE_TEXT_SIZE];

        table_add(table, results[finding->result].mark_style, mark(output, finding->result));
        table_add(table, style, bad ? exposure_to_string(finding->share, share) : "");
        table_add(table, bad ? STYLE_STRONG : style, finding->name);
        add_narrow_line(table, style, finding->description);
        if (!bad)
                return 0;
        if (asprintf(&setting, "%s %s", glyph_text(output, GLYPH_ARROW), finding->setting) < 0)
                return -ENOMEM;
        return add_narrow_line(table, style, setting);
}

static int fill_table(const struct unit *unit, bool narrow, const struct output *output, struct table **ret) {
        int r = narrow ? table_new(narrow_columns, ELEMENTSOF(narrow_columns), output->utf8, ret)
                       : table_new(wide_columns, ELEMENTSOF(wide_columns), output->utf8, ret);

        for (const struct finding *f = unit->findings; r >= 0 && f < unit->findings + unit->n_findings; f++)
                r = narrow ? add_narrow(*ret, f, output) : add_wide(*ret, f, output);
        return r;
}

static int print_findings(const struct unit *unit, const struct options *options,
                          const struct output *output) {
        _cleanup_(table_freep) struct table *wide = NULL, *narrow = NULL;
        int r = fill_table(unit, false, output, &wide);

        if (r < 0)
                return r;
        if (output->columns == 0 || table_width(wide, options->legend) <= output->columns)
                return table_print(wide, output, options->legend);

        r = fill_table(unit, true, output, &narrow);
        return r < 0 ? r : table_print(narrow, output, options->legend);
}

static void print_exposure(const struct unit *unit, const struct output *output) {
        const char *on = style_on(output, exposure_level(unit->exposure)->style);
        char text[EXPOSURE_TEXT_SIZE];

        fprintf(output->stream, "%s%s ", on, exposure_to_string(unit->exposure, text));
        fields_print_text(output, unit->predicate);
        fprintf(output->stream, "%s %s\n", *on ? style_off(output) : "", happy(output, unit->exposure));
}

static void print_baseline(const struct unit *unit, const struct output *output) {
        char text[EXPOSURE_TEXT_SIZE];

        fputs(exposure_to_string(unit->baseline, text), output->stream);
        if (unit->regressed)
                fprintf(output->stream, " %s%s regressed%s", style_on(output, STYLE_BAD),
                        glyph_text(output, GLYPH_WORSE), style_off(output));
        fputc('\n', output->stream);
}

static void print_header(const struct unit *unit, const struct output *output) {
        const char *on = style_on(output, exposure_level(unit->exposure)->style);

        fprintf(output->stream, "%s%s%s %s", on, glyph_text(output, GLYPH_DOT), *on ? style_off(output) : "",
                style_on(output, STYLE_STRONG));
        fields_print_text(output, unit->name);
        fprintf(output->stream, "%s\n", style_off(output));

        fields_print_label(output, "Exposure");
        print_exposure(unit, output);
        if (unit->has_baseline) {
                fields_print_label(output, "Baseline");
                print_baseline(unit, output);
        }
        if (unit->since > 0)
                fields_print_time(output, "Since", unit->since);
        if (unit->fragment_path && *unit->fragment_path)
                fields_print(output, "Fragment", STYLE_PLAIN, unit->fragment_path);
        for (char **path = unit->drop_in_paths; path && *path; path++)
                fields_print(output, path == unit->drop_in_paths ? "Drop-In" : "", STYLE_PLAIN, *path);
        if (unit->last_read > 0)
                fields_print_time(output, "Last read", unit->last_read);
        if (unit->stale)
                fields_print(output, "Stale", STYLE_WARNING,
                             "systemd could not be asked since something may have changed.");
        fputc('\n', output->stream);
}

static void print_footer(const struct unit *unit, const struct output *output) {
        fprintf(output->stream, "\n%s Overall exposure level for ", glyph_text(output, GLYPH_ARROW));
        fields_print_text(output, unit->name);
        fputs(": ", output->stream);
        print_exposure(unit, output);
}

int show_print(const struct unit *unit, const struct options *options, const struct output *output) {
        int r;

        if (options->legend)
                print_header(unit, output);
        r = print_findings(unit, options, output);
        if (r >= 0 && options->legend)
                print_footer(unit, output);
        return r;
}

static int add_set(json_object *object, const struct finding *finding) {
        if (finding->result == FINDING_NOT_APPLICABLE)
                return json_add_null(object, "set");
        return json_add_bool(object, "set", finding->result == FINDING_GOOD);
}

static int add_share(json_object *object, const struct finding *finding) {
        return finding->result == FINDING_BAD ? json_add_exposure(object, "exposure", finding->share)
                                              : json_add_null(object, "exposure");
}

static json_object *finding_to_json(const struct finding *finding) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "json_field", finding->json_field) < 0 ||
            json_add_string(object, "name", finding->name) < 0 ||
            add_set(object, finding) < 0 ||
            json_add_unsigned(object, "badness", finding->badness) < 0 ||
            json_add_unsigned(object, "weight", finding->weight) < 0 ||
            json_add_unsigned(object, "range", finding->range) < 0 ||
            add_share(object, finding) < 0 ||
            json_add_string(object, "description", finding->description) < 0 ||
            json_add_string(object, "setting", finding->setting) < 0)
                return NULL;
        return TAKE_PTR(object);
}

static json_object *findings_to_json(const struct unit *unit) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < unit->n_findings; i++)
                if (json_append(array, finding_to_json(unit->findings + i)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}

static int add_text(json_object *object, const char *key, const char *text) {
        return text ? json_add_string(object, key, text) : json_add_null(object, key);
}

json_object *show_to_json(const struct unit *unit, const struct output *output) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "unit", unit->name) < 0 ||
            json_add_exposure(object, "exposure", unit->exposure) < 0 ||
            json_add_string(object, "predicate", unit->predicate) < 0 ||
            json_add_string(object, "happy", happy(output, unit->exposure)) < 0 ||
            (unit->has_baseline ? json_add_exposure(object, "baseline", unit->baseline)
                                : json_add_null(object, "baseline")) < 0 ||
            json_add_bool(object, "regressed", unit->regressed) < 0 ||
            json_add_unsigned(object, "since", unit->since) < 0 ||
            json_add_bool(object, "oneshot", unit->oneshot) < 0 ||
            add_text(object, "path", unit->path) < 0 ||
            add_text(object, "fragment_path", unit->fragment_path) < 0 ||
            json_add_strings(object, "drop_in_paths", unit->drop_in_paths) < 0 ||
            json_add_time(object, "last_read", unit->last_read) < 0 ||
            json_add_bool(object, "stale", unit->stale) < 0 ||
            json_add(object, "findings", findings_to_json(unit)) < 0)
                return NULL;
        return TAKE_PTR(object);
}
