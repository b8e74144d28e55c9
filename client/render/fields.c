/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fields.h"

#include <stdio.h>

#include "output.h"
#include "text.h"
#include "timestamp.h"

/* Behind it stand a colon and a blank. */
#define LABEL_WIDTH (FIELDS_INDENT - 2)

void fields_print_label(const struct output *output, const char *label) {
        fprintf(output->stream, "%*s%s ", LABEL_WIDTH, label, *label ? ":" : " ");
}

void fields_print_text(const struct output *output, const char *text) {
        text_print(output->stream, text, output->utf8);
}

void fields_print(const struct output *output, const char *label, enum style style, const char *text) {
        const char *on = style_on(output, style);

        fields_print_label(output, label);
        fputs(on, output->stream);
        fields_print_text(output, text);
        fprintf(output->stream, "%s\n", *on ? style_off(output) : "");
}

void fields_print_time(const struct output *output, const char *label, uint64_t time) {
        char text[TIME_TEXT_SIZE], relative[TIME_TEXT_SIZE];

        fields_print_label(output, label);
        fprintf(output->stream, "%s; %s\n", time_to_string(time, text),
                time_to_relative_string(time, time_now(), relative));
}
