/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "bus.h"
#include "cleanup.h"
#include "event.h"
#include "hits.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "render/history.h"
#include "report.h"
#include "unit-name.h"
#include "verbs.h"

/* So many on a terminal where nothing else was asked for. */
#define LINES_ON_TERMINAL 50
/* So many are asked for at once. */
#define PAGE 1000

static uint64_t max_lines(const struct options *options, const struct output *output) {
        if (options->lines != LINES_DEFAULT)
                return options->lines;
        return output->terminal && options->json == JSON_OFF ? LINES_ON_TERMINAL : LINES_ALL;
}

/* The id of the oldest event so far. */
static const char *oldest_id(const struct event_list *list) {
        return list->n_events > 0 ? list->events[list->n_events - 1].id : "";
}

/* Gets the next, older ones. Returns how many there were, or a negative errno that was reported. */
static int get_page(sd_bus *bus, const struct options *options, const char *unit, uint32_t max,
                    struct event_list *list) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *before = oldest_id(list);
        int r = bus_call(bus, options, "GetHistory", TIMEOUT_DEFAULT, &reply, "ssu", unit, before, max);

        if (r < 0)
                return r;
        r = event_list_read_history(list, reply);
        /* An answer that leads nowhere must not be asked for forever. */
        if (r > 0 && streq(oldest_id(list), before))
                r = -EBADMSG;
        return r < 0 ? bus_report_answer(r) : r;
}

static int ask_hits(sd_bus *bus, struct event_list *list) {
        int r = 0;

        for (size_t i = 0; i < list->n_events && r >= 0; i++)
                if (streq(list->events[i].kind, "model"))
                        r = event_ask_hits(list->events + i, bus);
        return r < 0 ? report_errno(r, "Cannot show the history") : 0;
}

static int get_history(sd_bus *bus, const struct options *options, const char *unit, uint64_t max,
                       struct event_list *list) {
        int r;

        do {
                uint64_t missing = max - list->n_events;

                r = get_page(bus, options, unit, missing < PAGE ? (uint32_t) missing : PAGE, list);
        } while (r > 0 && list->n_events < max);
        return r < 0 ? r : ask_hits(bus, list);
}

static int print_json(const struct event_list *list, const struct options *options, struct output *output) {
        _cleanup_json_ json_object *array = history_to_json(list);

        output_page(output, options);
        return array ? json_print(array, options->json, output->stream) : -ENOMEM;
}

static int print_text(const struct event_list *list, const char *unit, bool more,
                      const struct options *options, struct output *output) {
        if (list->n_events > 0)
                output_page(output, options);
        return history_print(list, *unit ? unit : NULL, more, options, output);
}

enum status verb_history(const struct options *options, struct output *output, char **arguments) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_(event_list_done) struct event_list list = {};
        _cleanup_free_ char *unit = unit_name_complete(*arguments ?: "");
        uint64_t max = max_lines(options, output);
        int r;

        if (!unit) {
                report_errno(-ENOMEM, "Cannot show the history");
                return STATUS_FAILURE;
        }
        if (unit_name_is_pattern(unit)) {
                report("history takes the name of one unit, and '%s' is a pattern.", unit);
                return STATUS_USAGE;
        }
        if (!*arguments)
                *unit = '\0';
        if (bus_connect(options, &bus) < 0 || get_history(bus, options, unit, max, &list) < 0)
                return STATUS_FAILURE;

        r = options->json == JSON_OFF ? print_text(&list, unit, list.n_events >= max, options, output)
                                      : print_json(&list, options, output);
        if (r < 0) {
                report_errno(r, "Cannot print the history");
                return STATUS_FAILURE;
        }
        return STATUS_DONE;
}
