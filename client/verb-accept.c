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

/* A unit to accept. */
struct target {
        char *unit;
        bool failed;
};

struct accept {
        const struct options *options;
        struct output *output;
        sd_bus *bus;
        pid_t agent;
        struct target *targets; /* each once */
        size_t n_targets;
        size_t n_before;        /* those that were asked for already */
        size_t n_failed;
        bool again;             /* an instance was left out, as it may be accepted with another one */
        json_object *array;     /* where several units may be accepted, as JSON */
};

static void accept_done(struct accept *accept) {
        agent_stop(accept->agent);
        for (size_t i = 0; i < accept->n_targets; i++)
                free(accept->targets[i].unit);
        free(accept->targets);
        json_free(accept->array);
        sd_bus_flush_close_unref(accept->bus);
}

static int add_unit(struct accept *accept, const char *unit) {
        struct target *targets;

        for (size_t i = 0; i < accept->n_targets; i++)
                if (streq(accept->targets[i].unit, unit))
                        return 0;
        targets = reallocarray(accept->targets, accept->n_targets + 1, sizeof(*targets));
        if (!targets)
                return -ENOMEM;
        accept->targets = targets;
        targets[accept->n_targets] = (struct target) { .unit = strdup(unit) };
        return targets[accept->n_targets++].unit ? 0 : -ENOMEM;
}

/*
 * Instances that share their template's settings are one: accepted with the first of them. Which ones do, nobody
 * says; those that are open still after that do not.
 */
static int add_regressed(struct accept *accept, const char *about, const char *unit) {
        if (unit_name_is_template(about) && unit_name_is_sibling(about, unit)) {
                accept->again = accept->again || !streq(about, unit);
                return add_unit(accept, about);
        }
        for (size_t i = 0; i < accept->n_targets; i++) {
                const struct target *target = accept->targets + i;

                if ((i >= accept->n_before || target->failed) && unit_name_is_sibling(target->unit, unit)) {
                        accept->again = true;
                        return 0;
                }
        }
        return add_unit(accept, unit);
}

/* Adds the regressed units that match. That none does is the person's mistake. */
static int add_matching(struct accept *accept, char *pattern, const struct event_list *regressions) {
        char *patterns[] = { pattern, NULL };
        size_t n_matching = 0;
        int r = 0;

        for (size_t i = 0; i < regressions->n_events; i++)
                for (char **unit = regressions->events[i].units; r >= 0 && unit && *unit; unit++)
                        if (unit_name_matches(*unit, patterns)) {
                                r = add_regressed(accept, regressions->events[i].unit, *unit);
                                n_matching++;
                        }
        if (r >= 0 && n_matching == 0 && accept->n_before == 0) {
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

static bool has_accepted_sibling(const struct accept *accept, const char *unit) {
        for (size_t i = 0; i < accept->n_before; i++)
                if (!accept->targets[i].failed && unit_name_is_sibling(accept->targets[i].unit, unit))
                        return true;
        return false;
}

/*
 * Whether an instance is open no more since another one was accepted. Returns 1, 0, or a negative errno, which was
 * reported.
 */
static int is_done_with_sibling(const struct accept *accept, const char *unit) {
        static char *any[] = { NULL };
        _cleanup_(event_list_done) struct event_list regressions = {};
        int r;

        if (!has_accepted_sibling(accept, unit))
                return 0;
        r = regressions_get(accept->bus, accept->options, any, &regressions);
        if (r < 0)
                return r;
        for (size_t i = 0; i < regressions.n_events; i++)
                for (char **open = regressions.events[i].units; open && *open; open++)
                        if (streq(*open, unit))
                                return 0;
        return 1;
}

/* One unit may be refused; anything else would hit the others as well, and is returned. */
static int accept_targets(struct accept *accept) {
        for (; accept->n_before < accept->n_targets; accept->n_before++) {
                const char *unit = accept->targets[accept->n_before].unit;
                int r = is_done_with_sibling(accept, unit);

                if (r == 0)
                        r = accept_unit(accept, unit);
                if (r >= 0)
                        continue;
                accept->targets[accept->n_before].failed = true;
                accept->n_failed++;
                if (r != -EREMOTEIO)
                        return r;
        }
        return 0;
}

static enum status accept_all(struct accept *accept, char **names) {
        int r;

        do {
                accept->again = false;
                r = find_units(accept, names);
                if (r < 0)
                        accept->n_failed++;
                if (r < 0 || accept->n_before == accept->n_targets)
                        break;
                if (accept->n_before == 0)
                        accept->agent = agent_start(accept->options);
                r = accept_targets(accept);
        } while (r >= 0 && accept->again);
        if (accept->n_before == 0 && r < 0)
                return STATUS_FAILURE;
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
        return bus_connect(options, &accept.bus) < 0 ? STATUS_FAILURE : accept_all(&accept, names);
}
