/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include <systemd/sd-bus.h>

#include "bus.h"
#include "cleanup.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "properties.h"
#include "render/timestamp.h"
#include "report.h"
#include "verbs.h"

/* A sweep may have to wait for systemd to finish a reload, or for one that is under way. */
#define TIMEOUT_RESCAN (UINT64_C(120) * 1000000)

static int print_json(uint64_t n_units, uint64_t duration, const struct options *options,
                      const struct output *output) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_unsigned(object, "units", n_units) < 0 ||
            json_add_unsigned(object, "duration", duration) < 0)
                return -ENOMEM;
        return json_print(object, options->json, output->stream);
}

static int print_result(json_object *properties, const struct options *options, const struct output *output) {
        uint64_t n_units = properties_unsigned(properties, "unit_count");
        uint64_t duration = properties_unsigned(properties, "last_scan_duration");
        char span[TIME_TEXT_SIZE];

        if (options->json != JSON_OFF)
                return print_json(n_units, duration, options, output);
        fprintf(output->stream, "Read %" PRIu64 " unit%s in %s.\n", n_units, n_units == 1 ? "" : "s",
                span_to_string(duration, span));
        return 0;
}

enum status verb_rescan(const struct options *options, struct output *output, char **arguments) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *answer = NULL;
        _cleanup_json_ json_object *properties = NULL;
        int r;

        (void) arguments;

        if (bus_connect(options, &bus) < 0 ||
            bus_call(bus, options, "Rescan", TIMEOUT_RESCAN, &reply, NULL) < 0 ||
            bus_get_properties(bus, options, &answer) < 0)
                return STATUS_FAILURE;
        r = properties_read(answer, &properties);
        if (r < 0) {
                bus_report_answer(r);
                return STATUS_FAILURE;
        }
        r = print_result(properties, options, output);
        if (r < 0) {
                report_errno(r, "Cannot print the result");
                return STATUS_FAILURE;
        }
        return STATUS_DONE;
}
