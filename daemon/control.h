/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include <exposured/facts.h>

/*
 * Control: "systemctl set-property" sends no signal, but leaves drop-ins in the control folders
 * (systemd.unit(5)). Their change is how we learn of it.
 */
struct control;

/*
 * fn is called with the name of the unit whose settings may have changed, from the event loop only. NULL: those
 * of any unit may have.
 */
int control_new(struct control **ret, sd_event *event, enum scope scope,
                void (*fn)(void *userdata, const char *unit), void *userdata);

/* Why a folder cannot be followed now, a negative errno with its path, or 0. fn is called when that changes. */
int control_error(const struct control *control, const char **ret_path);

/* Takes NULL, returns NULL. */
struct control *control_free(struct control *control);
