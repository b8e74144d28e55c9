/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include <exposured/bus.h>

#include "server.h"

struct agent;

/* The agent's own object on the bus of the session. */
int api_add(sd_bus *bus, sd_bus_slot **ret, struct agent *agent);

/* Answers a call of ShowSample. */
void api_answer_sample(sd_bus_message *call, enum outcome outcome);
