/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "batch.h"
#include "event.h"

/* Unsaved: events that were told and could not be kept; they are kept with the next rewriting of everything. */
struct manager;

/* Beyond these the oldest are only in the journal. */
#define UNSAVED_MAX 1024U

struct unsaved {
        struct event *events[UNSAVED_MAX];
        unsigned n_events;
        unsigned n_dropped;             /* for good */
};

/* References the event. */
void unsaved_add(struct unsaved *unsaved, struct event *event);

/* Forgets them. */
void unsaved_done(struct unsaved *unsaved);

/* Puts them into the batch, and all that is remembered. 0 or -ENOMEM. */
int unsaved_fill(const struct unsaved *unsaved, struct manager *manager, struct batch *batch);
