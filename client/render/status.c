/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "status.h"

#include <inttypes.h>
#include <stdio.h>

#include "cleanup.h"
#include "fields.h"
#include "output.h"
#include "properties.h"
#include "timestamp.h"

/* What exposured counts, as "one thing" and "many". A new counter is a new row. */
static const struct {
        const char *key, *one, *many;
} counters[] = {
        { "scan_count", "scan", "scans" },
        { "read_count", "unit read", "units read" },
        { "lookup_count", "look-up of a unit that was not loaded", "look-ups of units that were not loaded" },
        { "reload_count", "reload of systemd", "reloads of systemd" },
        { "call_count", "call to systemd", "calls to systemd" },
        { "failed_call_count", "call that failed", "calls that failed" },
};

static void print_title(json_object *properties, const struct output *output) {
        bool healthy = properties_unsigned(properties, "healthy");
        const char *on = style_on(output, healthy ? STYLE_GOOD : STYLE_BAD);

        fprintf(output->stream, "%s%s%s %sexposured ", on, glyph_text(output, GLYPH_DOT), style_off(output),
                style_on(output, STYLE_STRONG));
        fields_print_text(output, properties_string(properties, "version"));
        fprintf(output->stream, "%s\n", style_off(output));

        fields_print(output, "Health", healthy ? STYLE_GOOD : STYLE_BAD, healthy ? "healthy" : "not healthy");
        if (*properties_string(properties, "status"))
                fields_print(output, "Status", healthy ? STYLE_PLAIN : STYLE_BAD,
                             properties_string(properties, "status"));
}

static void print_units(json_object *properties, const struct output *output) {
        uint64_t n = properties_unsigned(properties, "unit_count");
        uint64_t n_regressed = properties_unsigned(properties, "regressed_count");

        fields_print_label(output, "Units");
        fprintf(output->stream, "%" PRIu64 " loaded, %s%" PRIu64 " regressed%s\n", n,
                n_regressed > 0 ? style_on(output, STYLE_BAD) : "", n_regressed,
                n_regressed > 0 ? style_off(output) : "");
}

static void print_last_scan(json_object *properties, const struct output *output) {
        uint64_t last = properties_unsigned(properties, "last_scan");
        char time[TIME_TEXT_SIZE], relative[TIME_TEXT_SIZE], span[TIME_TEXT_SIZE];

        fields_print_label(output, "Last scan");
        if (last == 0)
                fputs("none yet\n", output->stream);
        else
                fprintf(output->stream, "%s; %s, took %s\n", time_to_string(last, time),
                        time_to_relative_string(last, time_now(), relative),
                        span_to_string(properties_unsigned(properties, "last_scan_duration"), span));
}

void status_print(json_object *properties, const struct output *output) {
        const char *policy = properties_string(properties, "policy_path");

        print_title(properties, output);
        fields_print(output, "State", STYLE_PLAIN, properties_string(properties, "state"));
        fields_print(output, "Scope", STYLE_PLAIN, properties_string(properties, "scope"));
        fields_print(output, "systemd", STYLE_PLAIN, properties_string(properties, "systemd_version"));
        fields_print(output, "Policy", STYLE_PLAIN, *policy ? policy : "built-in");
        print_units(properties, output);
        print_last_scan(properties, output);

        for (size_t i = 0; i < ELEMENTSOF(counters); i++) {
                uint64_t n = properties_unsigned(properties, counters[i].key);

                fields_print_label(output, i == 0 ? "Counters" : "");
                fprintf(output->stream, "%" PRIu64 " %s\n", n, n == 1 ? counters[i].one : counters[i].many);
        }
}
