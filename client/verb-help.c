/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "options.h"
#include "output.h"
#include "render/style.h"
#include "verbs.h"

#define NAME_COLUMN 24

static void print_title(const struct output *output, const char *title) {
        fprintf(output->stream, "\n%s%s%s\n", style_on(output, STYLE_STRONG), title, style_off(output));
}

static void print_row(const struct output *output, const char *name, const char *help) {
        fprintf(output->stream, "  %-*s %s\n", NAME_COLUMN, name, help);
}

enum status verb_help(const struct options *options, struct output *output, char **arguments) {
        FILE *f = output->stream;
        char name[128];

        (void) arguments;

        output_page(output, options);
        fprintf(f, "exposurectl [OPTIONS...] [VERB] [ARGUMENTS...]\n\n"
                   "Show how exposed services are, as exposured keeps watch over it.\n");

        print_title(output, "Verbs:");
        for (size_t i = 0; i < n_verbs; i++) {
                const struct verb *verb = verb_table + i;

                snprintf(name, sizeof(name), "%s%s%s", verb->name, verb->arguments ? " " : "",
                         verb->arguments ?: "");
                print_row(output, name, verb->help);
        }

        print_title(output, "Options:");
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = option_table + i;

                snprintf(name, sizeof(name), "%c%c --%s%s%s", row->letter ? '-' : ' ', row->letter ?: ' ',
                         row->name, row->argument ? "=" : "", row->argument ?: "");
                print_row(output, name, row->help);
        }

        fprintf(f, "\nWithout a verb it lists. Exit status: 0 fine, 1 failure, 2 wrong usage,\n"
                   "3 what was asked about is not fulfilled. See exposurectl(1) for more.\n");
        return STATUS_DONE;
}
