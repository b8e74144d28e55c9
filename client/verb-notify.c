/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include <exposured/bus.h>

#include "bus.h"
#include "cleanup.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "verbs.h"

/* A desktop's notification server may have to be started for it. */
#define TIMEOUT_NOTIFY (UINT64_C(90) * 1000000)

/* The agent may not be there, which is another matter than that it cannot show anything. */
static void report_failure(int error, const sd_bus_error *e) {
        if (sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN))
                report("exposure-notify is not running, and the bus cannot start it; is it installed?");
        else
                report("Cannot show a notification: %s", e->message ?: strerror(-error));
}

static int show_sample(void) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *message = NULL;
        _cleanup_bus_ sd_bus *bus = NULL;
        int r = sd_bus_open_user(&bus);

        if (r < 0)
                return report_errno(r, "Cannot reach the bus of the session");
        r = sd_bus_message_new_method_call(bus, &message, NOTIFY_BUS_NAME, NOTIFY_PATH, NOTIFY_INTERFACE,
                                           "ShowSample");
        if (r < 0)
                return report_errno(r, "Cannot make the call");
        r = sd_bus_call(bus, message, TIMEOUT_NOTIFY, &error, NULL);
        if (r < 0)
                report_failure(r, &error);
        return r;
}

static int print_result(const struct options *options, const struct output *output) {
        _cleanup_json_ json_object *object = json_object_new_object();

        if (options->json == JSON_OFF) {
                fprintf(output->stream, "A sample was sent to the notification server of this session.\n");
                return 0;
        }
        if (!object || json_add_bool(object, "shown", true) < 0)
                return -ENOMEM;
        return json_print(object, options->json, output->stream);
}

enum status verb_notify(const struct options *options, struct output *output, char **arguments) {
        int r;

        (void) arguments;

        if (!options->test) {
                report("What shall be notified of? There is --test, which shows a sample.");
                return STATUS_USAGE;
        }
        if (options->transport != TRANSPORT_LOCAL) {
                report("A notification can be shown in this session only.");
                return STATUS_USAGE;
        }
        if (show_sample() < 0)
                return STATUS_FAILURE;
        r = print_result(options, output);
        if (r < 0) {
                report_errno(r, "Cannot print the result");
                return STATUS_FAILURE;
        }
        return STATUS_DONE;
}
