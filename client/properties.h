/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>

/*
 * Properties of a bus object as a JSON object, keys as "unit_count" for UnitCount. Takes whatever
 * basic values and arrays of strings there are, and leaves out the rest. Returns 0 or a negative
 * errno; -EBADMSG where the message is no a{sv}.
 */
int properties_read(sd_bus_message *message, json_object **ret);

/* The value of a property; "" or 0 where it is not there. Texts belong to the object. */
const char *properties_string(json_object *properties, const char *key);
uint64_t properties_unsigned(json_object *properties, const char *key);
