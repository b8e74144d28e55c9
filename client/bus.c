/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <exposured/bus.h>

#include "cleanup.h"
#include "options.h"
#include "report.h"

/* In microseconds: longer than polkit waits for a person. */
#define TIMEOUT_INTERACTIVE (UINT64_C(600) * 1000000)

int bus_open(const struct options *options, sd_bus **ret) {
        if (options->transport == TRANSPORT_REMOTE)
                return sd_bus_open_system_remote(ret, options->host);
        if (options->transport == TRANSPORT_MACHINE)
                return options->user ? sd_bus_open_user_machine(ret, options->host)
                                     : sd_bus_open_system_machine(ret, options->host);
        return options->user ? sd_bus_open_user(ret) : sd_bus_open_system(ret);
}

static const char *bus_name(const struct options *options) {
        return options->user ? "user" : "system";
}

/* How the other side refuses us shows as one of several errors. */
static const char *connection_error_text(int error) {
        switch (error) {
        case -ENOTCONN:
        case -ECONNRESET:
        case -EPIPE:
                return "the other side closed the connection";
        default:
                return strerror(-error);
        }
}

int bus_report_connection(const struct options *options, int error) {
        const char *name = bus_name(options), *text = connection_error_text(error);

        if (options->transport == TRANSPORT_REMOTE)
                report("Cannot reach the bus of host '%s': %s.", options->host, text);
        else if (options->transport == TRANSPORT_MACHINE)
                report("Cannot reach the %s bus of machine '%s': %s.", name, options->host, text);
        else if (error == -ENOMEDIUM)
                report("There is no %s bus: neither $DBUS_SESSION_BUS_ADDRESS nor $XDG_RUNTIME_DIR is set.",
                       name);
        else
                report("Cannot reach the %s bus: %s.", name, text);
        return error;
}

static bool starts_with(const char *s, const char *prefix) {
        return s && strncmp(s, prefix, strlen(prefix)) == 0;
}

/* What errors mean here. The sentence's %s becomes what the bus said. */
static const struct {
        const char *name;
        const char *sentence;
} error_table[] = {
        { SD_BUS_ERROR_SERVICE_UNKNOWN,
          "exposured is not running, and the bus cannot start it; is it installed?" },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, "exposured is not running." },
        { SD_BUS_ERROR_ACCESS_DENIED, "Access to exposured is denied: %s" },
        { SD_BUS_ERROR_NO_REPLY, "exposured did not answer: %s" },
        { SD_BUS_ERROR_TIMEOUT, "exposured did not answer in time." },
        { "org.freedesktop.DBus.Error.TimedOut", "exposured did not answer in time." },
        { "org.freedesktop.systemd1.NoSuchUnit", "exposured could not be started: %s" },
        { "org.freedesktop.systemd1.UnitMasked", "exposured could not be started: %s" },
        { SD_BUS_ERROR_UNKNOWN_METHOD, "The exposured that is running does not know this: %s" },
        { SD_BUS_ERROR_UNKNOWN_INTERFACE, "The exposured that is running does not know this: %s" },
        { SD_BUS_ERROR_UNKNOWN_OBJECT, "The exposured that is running does not know this: %s" },
};

static const char *error_sentence(const sd_bus_error *e) {
        for (size_t i = 0; i < ELEMENTSOF(error_table); i++)
                if (streq(e->name, error_table[i].name))
                        return error_table[i].sentence;
        if (starts_with(e->name, "org.freedesktop.DBus.Error.Spawn."))
                return "exposured could not be started: %s";
        return "%s";
}

/* Whether the connection itself is what failed, not the call. */
static bool is_connection_error(int error) {
        switch (error) {
        case -ENOENT:
        case -ENOTCONN:
        case -ECONNREFUSED:
        case -ECONNRESET:
        case -EPIPE:
        case -EHOSTUNREACH:
                return true;
        default:
                return false;
        }
}

int bus_report_call(const struct options *options, int error, const sd_bus_error *e) {
        const char *text = e->message && *e->message ? e->message : e->name ?: strerror(-error);
        const char *sentence = e->name ? error_sentence(e) : "%s";
        const char *place = strstr(sentence, "%s");
        size_t length = strlen(text);

        /* sd-bus names what failed on this side System.Error.*, as errnos go. */
        if (!e->name || (starts_with(e->name, "System.Error.") && is_connection_error(error)))
                return bus_report_connection(options, error);

        if (!place)
                report("%s", sentence);
        else
                report("%.*s%s%s", (int) (place - sentence), sentence, text,
                       length > 0 && text[length - 1] == '.' ? "" : ".");
        return error;
}

int bus_connect(const struct options *options, sd_bus **ret) {
        int r = bus_open(options, ret);

        return r < 0 ? bus_report_connection(options, r) : 0;
}

static int call(sd_bus *bus, const struct options *options, sd_bus_message *message, uint64_t timeout,
                sd_bus_message **ret) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = sd_bus_call(bus, message, timeout, &error, ret);

        if (r >= 0)
                return 0;
        bus_report_call(options, r, &error);
        return starts_with(error.name, EXPOSURED_BUS_NAME ".Error.") ? -EREMOTEIO : r;
}

/* Returns 0 or a negative errno, which was reported. */
static int new_call(sd_bus *bus, const char *member, const char *types, va_list arguments,
                    sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *message = NULL;
        int r = sd_bus_message_new_method_call(bus, &message, EXPOSURED_BUS_NAME, EXPOSURED_PATH,
                                               EXPOSURED_MANAGER_INTERFACE, member);

        if (r >= 0 && types)
                r = sd_bus_message_appendv(message, types, arguments);
        if (r < 0)
                return report_errno(r, "Cannot make the call");
        *ret = TAKE_PTR(message);
        return 0;
}

int bus_call(sd_bus *bus, const struct options *options, const char *member, uint64_t timeout,
             sd_bus_message **ret, const char *types, ...) {
        _cleanup_message_ sd_bus_message *message = NULL;
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = new_call(bus, member, types, arguments, &message);
        va_end(arguments);
        return r < 0 ? r : call(bus, options, message, timeout, ret);
}

int bus_call_if_known(sd_bus *bus, const struct options *options, const char *member, sd_bus_message **ret) {
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(bus, EXPOSURED_BUS_NAME, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE, member, &error,
                               ret, NULL);
        if (r >= 0 || sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_METHOD))
                return 0;
        return bus_report_call(options, r, &error);
}

int bus_call_interactive(sd_bus *bus, const struct options *options, const char *member, sd_bus_message **ret,
                         const char *types, ...) {
        _cleanup_message_ sd_bus_message *message = NULL;
        va_list arguments;
        int r;

        va_start(arguments, types);
        r = new_call(bus, member, types, arguments, &message);
        va_end(arguments);
        if (r < 0)
                return r;
        r = sd_bus_message_set_allow_interactive_authorization(message, options->ask_password);
        if (r < 0)
                return report_errno(r, "Cannot make the call");
        return call(bus, options, message, TIMEOUT_INTERACTIVE, ret);
}

int bus_get_properties(sd_bus *bus, const struct options *options, sd_bus_message **ret) {
        _cleanup_message_ sd_bus_message *message = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &message, EXPOSURED_BUS_NAME, EXPOSURED_PATH,
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(message, "s", EXPOSURED_MANAGER_INTERFACE);
        if (r < 0)
                return report_errno(r, "Cannot make the call");
        return call(bus, options, message, TIMEOUT_DEFAULT, ret);
}

int bus_report_answer(int error) {
        return report_errno(error, "Cannot read the answer of exposured");
}
