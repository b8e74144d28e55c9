/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include <systemd/sd-bus.h>

#include <exposured/bus.h>

#include "bus.h"
#include "cleanup.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "render/show.h"
#include "report.h"
#include "unit-name.h"
#include "unit.h"
#include "verbs.h"

struct show {
        const struct options *options;
        struct output *output;
        sd_bus *bus;
        size_t n_shown, n_failed, n_above;
        json_object *array;     /* where several units are shown as JSON */
};

static void show_done(struct show *show) {
        json_free(show->array);
        sd_bus_flush_close_unref(show->bus);
}

/*
 * The object of a unit, in a message of its own that the caller unrefs. That a unit has none because
 * it is not loaded is no failure.
 */
static int find_path(struct show *show, struct unit *unit, sd_bus_message **ret) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(show->bus, EXPOSURED_BUS_NAME, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                                   "GetUnit", &error, ret, "s", unit->name);

        if (r < 0)
                return sd_bus_error_has_name(&error, EXPOSURED_ERROR_NO_SUCH_UNIT)
                               ? 0 : bus_report_call(show->options, r, &error);
        r = sd_bus_message_read(*ret, "o", &unit->path);
        return r < 0 ? bus_report_answer(r) : 0;
}

static int show_json(struct show *show, struct unit *unit) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_json_ json_object *object = NULL;
        int r = find_path(show, unit, &reply);

        if (r < 0)
                return r;
        object = show_to_json(unit, show->output);
        if (show->array)
                r = json_append(show->array, TAKE_PTR(object));
        else
                r = object ? json_print(object, show->options->json, show->output->stream) : -ENOMEM;
        return r < 0 ? report_errno(r, "Cannot print the unit") : 0;
}

static int show_text(struct show *show, const struct unit *unit) {
        int r;

        if (show->n_shown > 0 && show->options->legend)
                fputs("\n\n", show->output->stream);
        r = show_print(unit, show->options, show->output);
        return r < 0 ? report_errno(r, "Cannot print the unit") : 0;
}

static int show_unit(struct show *show, const char *name) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_(unit_done) struct unit unit = {};
        int r;

        r = bus_call(show->bus, show->options, "AssessUnit", TIMEOUT_DEFAULT, &reply, "s", name);
        if (r < 0)
                return r;
        r = unit_read(&unit, reply);
        if (r < 0)
                return bus_report_answer(r);

        r = show->options->json == JSON_OFF ? show_text(show, &unit) : show_json(show, &unit);
        if (r < 0)
                return r;
        show->n_shown++;
        show->n_above += exceeds_threshold(show->options, unit.exposure);
        return 0;
}

static enum status show_all(struct show *show, char **names) {
        for (char **name = names; *name; name++) {
                int r = show_unit(show, *name);

                if (r >= 0)
                        continue;
                show->n_failed++;
                /* One unit may be refused; anything else would hit the others as well. */
                if (r != -EREMOTEIO)
                        break;
        }

        if (show->n_shown > 0)
                output_page(show->output, show->options);
        if (show->array && json_print(show->array, show->options->json, show->output->stream) < 0)
                show->n_failed++;
        if (show->n_failed > 0)
                return STATUS_FAILURE;
        return show->n_above > 0 ? STATUS_UNFULFILLED : STATUS_DONE;
}

enum status verb_show(const struct options *options, struct output *output, char **arguments) {
        _cleanup_(show_done) struct show show = { .options = options, .output = output };
        _cleanup_strv_ char **names = unit_names_complete(arguments);
        bool array = options->json != JSON_OFF && arguments[1];

        if (array)
                show.array = json_object_new_array();
        if (!names || (array && !show.array)) {
                report_errno(-ENOMEM, "Cannot show the units");
                return STATUS_FAILURE;
        }
        if (bus_connect(options, &show.bus) < 0)
                return STATUS_FAILURE;
        return show_all(&show, names);
}
