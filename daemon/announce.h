/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "event.h"

/*
 * Announces events: a journal entry and a D-Bus signal, with the same id as in the history. While
 * nobody can hear us they wait.
 */
struct manager;
struct announcer;

int announcer_new(struct announcer **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct announcer *announcer_free(struct announcer *announcer);

/* kept: it is in the archive, where it is marked as told. References it. */
void announce(struct manager *manager, struct event *event, bool kept);

/* Others can hear us now. */
void announcer_flush(struct announcer *announcer);

/* The archive takes something again: what could not be marked as told is, now. */
void announcer_mark(struct announcer *announcer);
