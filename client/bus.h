/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <systemd/sd-bus.h>

struct options;

/* As long as calls may take in general. */
#define TIMEOUT_DEFAULT 0

/* Opens the bus that the options ask for. Returns 0 or a negative errno; nothing is reported. */
int bus_open(const struct options *options, sd_bus **ret);

/* Reports why the bus cannot be reached. Returns the error. */
int bus_report_connection(const struct options *options, int error);

/* Reports why a call failed; it may have been one to the message bus itself. Returns the error. */
int bus_report_call(const struct options *options, int error, const sd_bus_error *e);

/* bus_open(), reporting. */
int bus_connect(const struct options *options, sd_bus **ret);

/*
 * Calls a method of exposured's manager, starting exposured where it is not running. The timeout is
 * in microseconds. Returns 0 or a negative errno, which was reported; -EREMOTEIO where exposured
 * itself refused.
 */
int bus_call(sd_bus *bus, const struct options *options, const char *member, uint64_t timeout,
             sd_bus_message **ret, const char *types, ...);

/* The same for a method without arguments that an older exposured does not have: *ret stays as it is then. */
int bus_call_if_known(sd_bus *bus, const struct options *options, const char *member, sd_bus_message **ret);

/*
 * The same for a method that polkit may have to ask a person about; it waits for minutes. Whether it
 * may ask is up to the options.
 */
int bus_call_interactive(sd_bus *bus, const struct options *options, const char *member, sd_bus_message **ret,
                         const char *types, ...);

/* The same for GetAll of the properties of exposured's manager. */
int bus_get_properties(sd_bus *bus, const struct options *options, sd_bus_message **ret);

/* Reports an answer that cannot be read. Returns the error. */
int bus_report_answer(int error);
