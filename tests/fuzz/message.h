/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "input.h"

/*
 * Bus messages of any shape, out of lines. Whatever the lines are, what comes out is what a bus would
 * deliver: libsystemd sees to that in the same way when it reads from one.
 */

/* A bus to make messages for. Nobody is at its other end. */
sd_bus *message_bus(void);

/*
 * Takes a line with a signature, and then the values: a line each for basic types; arrays end with ".";
 * variants begin with a line for their signature. What is missing is 0, "" or the end of an array.
 * Returns a message that is read from its beginning, or NULL where there can be no such signature.
 */
sd_bus_message *message_take(struct input *input);

/* Appends a body like that to a message that is being made. */
bool message_fill(sd_bus_message *m, struct input *input);
