/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "agent.h"
#include "bus.h"
#include "cleanup.h"
#include "event.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "regression.h"
#include "render/fields.h"
#include "render/timestamp.h"
#include "report.h"
#include "unit-name.h"
#include "verbs.h"

struct accept {
        const struct options *options;
        struct output *output;
        sd_bus *bus;
        pid_t agent;
        char **units;           /* to accept, each once; owned */
        size_t n_units, n_failed;
        json_object *array;     /* where several units may be accepted, as JSON */
};

static void accept_done(struct accept *accept) {
        agent_stop(accept->agent);
        strv_free(accept->units);
        json_free(accept->array);
        sd_bus_flush_close_unref(accept->bus);
}

static int add_unit(struct accept *accept, const char *unit) {
        char **units;

        for (size_t i = 0; i < accept->n_units; i++)
                if (streq(accept->units[i], unit))
                        return 0;
        units = reallocarray(accept->units, accept->n_units + 2, sizeof(*units));
        if (!units)
                return -ENOMEM;
        accept->units = units;
        units[accept->n_units] = strdup(unit);
        if (!units[accept->n_units])
                return -ENOMEM;
        units[++accept->n_units] = NULL;
        return 0;
}

/* Adds the regressed units that match. That none does is the person's mistake. */
static int add_matching(struct accept *accept, char *pattern, const struct event_list *regressions) {
        char *patterns[] = { pattern, NULL };
        size_t n_matching = 0;
        int r = 0;

        for (size_t i = 0; i < regressions->n_events; i++)
                for (char **unit = regressions->events[i].units; r >= 0 && unit && *unit; unit++)
                        if (unit_name_matches(*unit, patterns)) {
                                r = add_unit(accept, *unit);
                                n_matching++;
                        }
        if (r >= 0 && n_matching == 0) {
                report("No unit that matches '%s' has regressed.", pattern);
                accept->n_failed++;
        }
        return r;
}

/* A name alone makes one object; what may be several makes an array, whatever it turns out to be. */
static bool may_be_several(char **names) {
        return names[1] || unit_name_is_pattern(names[0]);
}

static bool has_pattern(char **names) {
        while (*names && !unit_name_is_pattern(*names))
                names++;
        return *names;
}

/* Returns 0 or a negative errno, which was reported. */
static int find_units(struct accept *accept, char **names) {
        static char *any[] = { NULL };
        _cleanup_(event_list_done) struct event_list regressions = {};
        int r = 0;

        if (has_pattern(names))
                r = regressions_get(accept->bus, accept->options, any, &regressions);
        if (r < 0)
                return r;
        for (char **name = names; r >= 0 && *name; name++)
                r = unit_name_is_pattern(*name) ? add_matching(accept, *name, &regressions)
                                                : add_unit(accept, *name);
        return r < 0 ? report_errno(r, "Cannot find the units") : 0;
}

static int print_json(struct accept *accept, const char *unit, const char *id) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (!object ||
            json_add_string(object, "unit", unit) < 0 ||
            json_add_string(object, "id", id) < 0)
                return -ENOMEM;
        return accept->array ? json_append(accept->array, TAKE_PTR(object))
                             : json_print(object, accept->options->json, accept->output->stream);
}

static void print_text(const struct accept *accept, const char *unit, const char *id) {
        const struct output *output = accept->output;
        char until[TIME_TEXT_SIZE];

        fprintf(output->stream, "Accepted %s", style_on(output, STYLE_STRONG));
        fields_print_text(output, unit);
        fputs(style_off(output), output->stream);
        if (accept->options->until > 0)
                fprintf(output->stream, " until %s", time_to_string(accept->options->until, until));
        fprintf(output->stream, " %s[", style_on(output, STYLE_FAINT));
        fields_print_text(output, id);
        fprintf(output->stream, "]%s\n", style_off(output));
}

/* Returns 0 or a negative errno, which was reported. */
static int accept_unit(struct accept *accept, const char *unit) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        const struct options *options = accept->options;
        const char *id;
        int r = bus_call_interactive(accept->bus, options, "Accept", &reply, "sst", unit, options->reason,
                                     options->until);

        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &id);
        if (r < 0)
                return bus_report_answer(r);
        if (options->json != JSON_OFF)
                r = print_json(accept, unit, id);
        else
                print_text(accept, unit, id);
        return r < 0 ? report_errno(r, "Cannot print the result") : 0;
}

static enum status accept_all(struct accept *accept) {
        for (size_t i = 0; i < accept->n_units; i++) {
                int r = accept_unit(accept, accept->units[i]);

                if (r >= 0)
                        continue;
                accept->n_failed++;
                /* One unit may be refused; anything else would hit the others as well. */
                if (r != -EREMOTEIO)
                        break;
        }
        if (accept->array && json_print(accept->array, accept->options->json, accept->output->stream) < 0)
                accept->n_failed++;
        return accept->n_failed > 0 ? STATUS_FAILURE : STATUS_DONE;
}

enum status verb_accept(const struct options *options, struct output *output, char **arguments) {
        _cleanup_(accept_done) struct accept accept = { .options = options, .output = output };
        _cleanup_strv_ char **names = unit_names_complete(arguments);
        bool array = options->json != JSON_OFF && may_be_several(arguments);

        if (!options->reason) {
                report("accept needs --reason=TEXT, which says why the present state is all right.");
                return STATUS_USAGE;
        }
        if (array)
                accept.array = json_object_new_array();
        if (!names || (array && !accept.array)) {
                report_errno(-ENOMEM, "Cannot accept");
                return STATUS_FAILURE;
        }
        if (bus_connect(options, &accept.bus) < 0 || find_units(&accept, names) < 0)
                return STATUS_FAILURE;
        if (accept.n_units > 0)
                accept.agent = agent_start(options);
        return accept_all(&accept);
}
