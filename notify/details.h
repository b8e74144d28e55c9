/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/facts.h>
#include <exposured/macro.h>

/* Opens what a person can read about regressions: exposurectl with a pager in a terminal. */
struct details;

/* What could not be opened after all, within the first seconds. The units may be NULL: all. */
typedef void (*details_failed_fn)(void *userdata, enum scope scope, char **units, const char *reason);

/* References the event loop, which hears of children from now on, and the bus of the session. */
int details_new(struct details **ret, sd_event *event, sd_bus *session, details_failed_fn fn, void *userdata);
struct details *details_free(struct details *details);
DEFINE_CLEANUP(struct details *, details_free)

/*
 * Of units of that scope; none: of all of them. The token, which may be NULL, lets the window take the focus.
 * -ENOENT where the session has no terminal, pager or exposurectl, -EBUSY where too much is being opened.
 */
int details_open(struct details *details, enum scope scope, char **units, const char *token);
