/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

struct options;

/*
 * Starts polkit's agent for terminals, which asks for a password where no other agent does, and
 * waits until it is ready. Returns 0 where none is needed or none can be had: then polkit decides
 * without asking.
 */
pid_t agent_start(const struct options *options);

/* Ends it. Takes 0, returns 0. */
pid_t agent_stop(pid_t agent);
