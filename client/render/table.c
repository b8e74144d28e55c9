/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "output.h"
#include "text.h"

#define MAX_COLUMNS 16
/* Less is left of a column only where its longest text is shorter. */
#define MIN_ELIDED 12
#define MIN_WRAPPED 24

struct cell {
        char *text;             /* escaped; owned */
        size_t width;
        enum style style;
};

struct table {
        const struct column *columns;
        size_t n_columns;
        bool utf8;
        int error;
        struct cell *cells;
        size_t n_cells, n_allocated;
};

int table_new(const struct column *columns, size_t n_columns, bool utf8, struct table **ret) {
        struct table *table;

        if (n_columns == 0 || n_columns > MAX_COLUMNS)
                return -EINVAL;
        table = malloc(sizeof(*table));
        if (!table)
                return -ENOMEM;

        *table = (struct table) { .columns = columns, .n_columns = n_columns, .utf8 = utf8 };
        *ret = table;
        return 0;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i].text);
        free(table->cells);
        free(table);
        return NULL;
}

static int add_cell(struct table *table, enum style style, const char *text) {
        struct cell *cell;

        if (table->n_cells == table->n_allocated) {
                size_t n = table->n_allocated ? table->n_allocated * 2 : table->n_columns * 64;
                struct cell *cells = reallocarray(table->cells, n, sizeof(*cells));

                if (!cells)
                        return -ENOMEM;
                table->cells = cells;
                table->n_allocated = n;
        }

        cell = table->cells + table->n_cells;
        *cell = (struct cell) { .text = text_escape(text, table->utf8), .style = style };
        if (!cell->text)
                return -ENOMEM;
        cell->width = text_width(cell->text);
        table->n_cells++;
        return 0;
}

int table_add(struct table *table, enum style style, const char *text) {
        if (table->error >= 0)
                table->error = add_cell(table, style, text);
        return table->error;
}

static void natural_widths(const struct table *table, bool header, size_t widths[static MAX_COLUMNS]) {
        for (size_t i = 0; i < MAX_COLUMNS; i++)
                widths[i] = header && i < table->n_columns ? text_width(table->columns[i].title) : 0;
        for (size_t i = 0, column = 0; i < table->n_cells; i++) {
                if (table->cells[i].width > widths[column])
                        widths[column] = table->cells[i].width;
                column = column + 1 < table->n_columns ? column + 1 : 0;
        }
}

/* A column that is empty throughout takes no room, not even a gap. */
static size_t total_width(const struct table *table, const size_t widths[static MAX_COLUMNS]) {
        size_t total = 0;

        for (size_t i = 0; i < table->n_columns; i++)
                if (widths[i] > 0)
                        total += widths[i] + (total > 0);
        return total;
}

size_t table_width(const struct table *table, bool header) {
        size_t widths[MAX_COLUMNS];

        natural_widths(table, header, widths);
        return total_width(table, widths);
}

static void shrink_column(size_t *width, size_t smallest, size_t excess) {
        if (*width <= smallest)
                return;
        *width = *width - smallest < excess ? smallest : *width - excess;
}

/* Elided columns give way first, to two fifths of the room; then wrapped ones; then elided ones again. */
static void fit_widths(const struct table *table, size_t room, size_t widths[static MAX_COLUMNS]) {
        const struct {
                enum shrink shrink;
                size_t smallest;
        } steps[] = {
                { SHRINK_ELIDE, room * 2 / 5 < MIN_ELIDED ? MIN_ELIDED : room * 2 / 5 },
                { SHRINK_WRAP, MIN_WRAPPED },
                { SHRINK_ELIDE, MIN_ELIDED },
        };

        for (size_t s = 0; s < ELEMENTSOF(steps); s++)
                for (size_t i = 0; i < table->n_columns; i++) {
                        size_t total = total_width(table, widths);

                        if (total <= room)
                                return;
                        if (table->columns[i].shrink == steps[s].shrink)
                                shrink_column(widths + i, steps[s].smallest, total - room);
                }
}

/* Takes the next line off the text of a cell, shortened to the width. NULL when out of memory. */
static char *take_line(const struct output *output, const struct column *column, size_t width,
                       const char **text) {
        size_t length = column->shrink == SHRINK_WRAP ? text_fit_words(*text, width) : strlen(*text);
        _cleanup_free_ char *line = strndup(*text, length);

        *text += length;
        *text += **text == ' ';
        return line ? text_elide(line, width, output->utf8) : NULL;
}

/*
 * Prints one line of one cell and moves on to what remains of its text. Blanks that are due are
 * counted, not printed, so that no line ends with them.
 */
static int print_cell(const struct output *output, const struct column *column, size_t width,
                      const struct cell *cell, const char **text, size_t *blanks) {
        _cleanup_free_ char *line = NULL;
        const char *shown = *text, *on = style_on(output, cell->style);
        size_t used = *shown ? cell->width : 0;

        if (used > width) {
                shown = line = take_line(output, column, width, text);
                if (!line)
                        return -ENOMEM;
                used = text_width(line);
        } else
                *text += strlen(*text);

        if (column->right)
                *blanks += width - used;
        if (used > 0) {
                fprintf(output->stream, "%*s%s%s%s", (int) *blanks, "", on, shown,
                        *on ? style_off(output) : "");
                *blanks = 0;
        }
        if (!column->right)
                *blanks += width - used;
        return 0;
}

static int print_row(const struct table *table, const struct output *output, const struct cell *cells,
                     const size_t widths[static MAX_COLUMNS]) {
        const char *rest[MAX_COLUMNS];
        bool more;
        int r;

        for (size_t i = 0; i < table->n_columns; i++)
                rest[i] = cells[i].text;

        do {
                size_t blanks = 0;

                more = false;
                for (size_t i = 0, n = 0; i < table->n_columns; i++) {
                        if (widths[i] == 0)
                                continue;
                        blanks += n++ > 0;
                        r = print_cell(output, table->columns + i, widths[i], cells + i, rest + i, &blanks);
                        if (r < 0)
                                return r;
                        more = more || *rest[i];
                }
                fputc('\n', output->stream);
        } while (more);
        return 0;
}

/* The titles, padded so that an underline goes through. */
static void print_header(const struct table *table, const struct output *output,
                         const size_t widths[static MAX_COLUMNS]) {
        size_t blanks = 0;

        fputs(style_on(output, STYLE_HEADER), output->stream);
        for (size_t i = 0, n = 0; i < table->n_columns; i++) {
                const struct column *column = table->columns + i;
                size_t width = text_width(column->title), padding = widths[i] > width ? widths[i] - width : 0;

                if (widths[i] == 0)
                        continue;
                blanks += (n++ > 0) + (column->right ? padding : 0);
                if (width > 0) {
                        fprintf(output->stream, "%*s%s", (int) blanks, "", column->title);
                        blanks = 0;
                }
                blanks += column->right ? 0 : padding;
        }
        fprintf(output->stream, "%*s%s\n", output->colors ? (int) blanks : 0, "", style_off(output));
}

int table_print(const struct table *table, const struct output *output, bool header) {
        size_t widths[MAX_COLUMNS];
        int r = table->error;

        if (r < 0)
                return r;

        natural_widths(table, header, widths);
        if (output->columns > 0)
                fit_widths(table, output->columns, widths);
        if (header)
                print_header(table, output, widths);
        for (size_t i = 0; r >= 0 && i + table->n_columns <= table->n_cells; i += table->n_columns)
                r = print_row(table, output, table->cells + i, widths);
        return r;
}
