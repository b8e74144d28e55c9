/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "list.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "exposure.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "table.h"

static const struct column columns[] = {
        { .title = "UNIT", .shrink = SHRINK_ELIDE },
        { .title = "EXPOSURE", .right = true },
        { .title = "PREDICATE" },
        { .title = "HAPPY" },
        { .title = "BASELINE", .right = true },
        { .title = "" },
};

const char *happy(const struct output *output, unsigned exposure) {
        const struct level *level = exposure_level(exposure);

        return output->emoji ? level->emoji : level->face;
}

/* What is to be said of a unit at the end of its row. */
static int add_marks(struct table *table, const struct list_row *row, const char *regressed) {
        char text[64];

        snprintf(text, sizeof(text), "%s%s%s", row->regressed ? regressed : "",
                 row->regressed && row->stale ? ", " : "", row->stale ? "stale" : "");
        return table_add(table, row->regressed ? STYLE_BAD : STYLE_WARNING, text);
}

static int add_row(struct table *table, const struct list_row *row, const struct output *output,
                   const char *mark) {
        enum style style = exposure_level(row->exposure)->style;
        char text[EXPOSURE_TEXT_SIZE];

        table_add(table, row->regressed ? STYLE_STRONG : STYLE_PLAIN, row->unit);
        table_add(table, STYLE_PLAIN, exposure_to_string(row->exposure, text));
        table_add(table, style, row->predicate);
        table_add(table, STYLE_PLAIN, happy(output, row->exposure));
        table_add(table, row->exposure == row->baseline ? STYLE_FAINT : STYLE_PLAIN,
                  exposure_to_string(row->baseline, text));
        return add_marks(table, row, mark);
}

/* How many units there are of each level. */
static void print_levels(const struct list_row *rows, size_t n_rows, const struct output *output) {
        const char *separator = ": ";

        fprintf(output->stream, "\n%zu unit%s listed", n_rows, n_rows == 1 ? "" : "s");
        for (size_t l = 0; l < n_levels; l++) {
                const char *on = style_on(output, levels[l].style);
                size_t n = 0;

                for (size_t i = 0; i < n_rows; i++)
                        n += exposure_level(rows[i].exposure) == levels + l;
                if (n > 0) {
                        fprintf(output->stream, "%s%zu %s%s%s", separator, n, on, levels[l].predicate,
                                *on ? style_off(output) : "");
                        separator = ", ";
                }
        }
        fputs(".\n", output->stream);
}

/* What else there is to notice, on one line if there is any. */
static void print_notes(const struct list_row *rows, size_t n_rows, const struct options *options,
                        const struct output *output) {
        const char *on = style_on(output, STYLE_BAD), *off = style_off(output), *separator = "";
        size_t n_regressed = 0, n_above = 0, n_stale = 0;
        char text[EXPOSURE_TEXT_SIZE];

        for (size_t i = 0; i < n_rows; i++) {
                n_regressed += rows[i].regressed;
                n_stale += rows[i].stale;
                n_above += exceeds_threshold(options, rows[i].exposure);
        }
        if (n_regressed > 0) {
                fprintf(output->stream, "%s%zu regressed%s.", on, n_regressed, off);
                separator = " ";
        }
        if (n_above > 0) {
                fprintf(output->stream, "%s%s%zu above %s%s.", separator, on, n_above,
                        exposure_to_string((unsigned) options->threshold, text), off);
                separator = " ";
        }
        if (n_stale > 0) {
                fprintf(output->stream, "%s%s%zu stale%s: systemd could not be asked since something may have changed.",
                        separator, style_on(output, STYLE_WARNING), n_stale, off);
                separator = " ";
        }
        if (!options->all)
                fprintf(output->stream, "%sPass --all to see oneshot units, too.\n", separator);
        else if (*separator)
                fputc('\n', output->stream);
}

static int fill_table(const struct list_row *rows, size_t n_rows, const char *mark,
                      const struct output *output, struct table **ret) {
        int r = table_new(columns, ELEMENTSOF(columns), output->utf8, ret);

        for (size_t i = 0; r >= 0 && i < n_rows; i++)
                r = add_row(*ret, rows + i, output, mark);
        return r;
}

int list_print(const struct list_row *rows, size_t n_rows, const struct options *options,
               const struct output *output) {
        _cleanup_(table_freep) struct table *table = NULL;
        char mark[64];
        int r;

        snprintf(mark, sizeof(mark), "%s regressed", glyph_text(output, GLYPH_WORSE));
        r = fill_table(rows, n_rows, mark, output, &table);
        if (r >= 0 && output->columns > 0 && table_width(table, options->legend) > output->columns) {
                /* Names need the room more than a word that the mark stands for as well. */
                table = table_free(table);
                r = fill_table(rows, n_rows, glyph_text(output, GLYPH_WORSE), output, &table);
        }
        if (r >= 0)
                r = table_print(table, output, options->legend);
        if (r >= 0 && options->legend) {
                print_levels(rows, n_rows, output);
                print_notes(rows, n_rows, options, output);
        }
        return r;
}

static json_object *row_to_json(const struct list_row *row, const struct output *output) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "unit", row->unit) < 0 ||
            json_add_exposure(object, "exposure", row->exposure) < 0 ||
            json_add_string(object, "predicate", row->predicate) < 0 ||
            json_add_string(object, "happy", happy(output, row->exposure)) < 0 ||
            json_add_exposure(object, "baseline", row->baseline) < 0 ||
            json_add_bool(object, "regressed", row->regressed) < 0 ||
            json_add_time(object, "last_read", row->last_read) < 0 ||
            json_add_bool(object, "stale", row->stale) < 0 ||
            json_add_string(object, "path", row->path) < 0)
                return NULL;
        return TAKE_PTR(object);
}

json_object *list_to_json(const struct list_row *rows, size_t n_rows, const struct output *output) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < n_rows; i++)
                if (json_append(array, row_to_json(rows + i, output)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}
