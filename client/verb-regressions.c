/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <systemd/sd-bus.h>

#include "bus.h"
#include "cleanup.h"
#include "event.h"
#include "json.h"
#include "meaning.h"
#include "options.h"
#include "output.h"
#include "regression.h"
#include "render/regressions.h"
#include "report.h"
#include "unit-name.h"
#include "verbs.h"

static int print_text(sd_bus *bus, const struct event_list *list, char **patterns,
                      const struct options *options, struct output *output) {
        _cleanup_(meanings_done) struct meanings meanings = {};

        meanings_ask(&meanings, bus, list);
        if (list->n_events > 0)
                output_page(output, options);
        else if (options->legend)
                fputs(*patterns ? "No regressions of these units.\n" : "No regressions.\n", output->stream);
        return regressions_print(list, &meanings, options, output);
}

static int print_json(const struct event_list *list, const struct options *options, struct output *output) {
        _cleanup_json_ json_object *array = regressions_to_json(list);

        output_page(output, options);
        return array ? json_print(array, options->json, output->stream) : -ENOMEM;
}

enum status verb_regressions(const struct options *options, struct output *output, char **arguments) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_(event_list_done) struct event_list list = {};
        _cleanup_strv_ char **patterns = unit_names_complete(arguments);
        int r;

        if (!patterns) {
                report_errno(-ENOMEM, "Cannot list the regressions");
                return STATUS_FAILURE;
        }
        if (bus_connect(options, &bus) < 0 || regressions_get(bus, options, patterns, &list) < 0)
                return STATUS_FAILURE;

        r = options->json == JSON_OFF ? print_text(bus, &list, patterns, options, output)
                                      : print_json(&list, options, output);
        if (r < 0) {
                report_errno(r, "Cannot print the regressions");
                return STATUS_FAILURE;
        }
        return list.n_events > 0 ? STATUS_UNFULFILLED : STATUS_DONE;
}
