/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <systemd/sd-bus.h>

#include "bus.h"
#include "cleanup.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "properties.h"
#include "render/status.h"
#include "report.h"
#include "verbs.h"

enum status verb_status(const struct options *options, struct output *output, char **arguments) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_json_ json_object *properties = NULL;
        int r;

        (void) arguments;

        if (bus_connect(options, &bus) < 0 || bus_get_properties(bus, options, &reply) < 0)
                return STATUS_FAILURE;
        r = properties_read(reply, &properties);
        if (r < 0) {
                bus_report_answer(r);
                return STATUS_FAILURE;
        }

        if (options->json == JSON_OFF)
                status_print(properties, output);
        else
                r = json_print(properties, options->json, output->stream);
        if (r < 0) {
                report_errno(r, "Cannot print the status");
                return STATUS_FAILURE;
        }
        return properties_unsigned(properties, "healthy") ? STATUS_DONE : STATUS_UNFULFILLED;
}
