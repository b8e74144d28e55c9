/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "event.h"

/*
 * Hits: how an event hit each of its units, for events that change the scoring model: what that did, and
 * what the unit's settings did. They are asked for one by one, and live with the event.
 */
struct event_hit {
        const char *unit;
        unsigned before, rated, after;  /* tenths; rated: by the new model, with the settings from before */
        struct event_check *checks;     /* that the model changed */
        size_t n_checks;
        bool changed;                   /* the settings did, and with them these checks: */
        struct event_check *own_checks;
        size_t n_own_checks;
};

struct event_hits {
        sd_bus_message *answer;         /* has the texts */
        struct event_hit *hits;
        size_t n_hits;
};

/*
 * Asks for those of the event, which is one of the model. That they cannot be had is no error: an older
 * exposured has none. 0 or -ENOMEM.
 */
int event_ask_hits(struct event *event, sd_bus *bus);

/* Reads an answer, which is kept. 0 or a negative errno, then nothing was kept. */
int event_read_hits(struct event *event, sd_bus_message *answer);

/* Takes NULL, returns NULL. */
struct event_hits *event_hits_free(struct event_hits *hits);

struct hit_counts {
        size_t n_rated;                 /* units that the model rates differently */
        size_t n_changed;               /* whose settings changed */
        size_t n_weaker, n_stronger;    /* of those: with worse checks; with better ones alone */
};
struct hit_counts event_count_hits(const struct event *event);

bool hit_is_rated(const struct event_hit *hit);
/* Whether its settings made a check worse. */
bool hit_is_weaker(const struct event_hit *hit);

/* The versions of systemd, where another one is the cause: true. They live with the event. */
bool event_versions(const struct event *event, const char **ret_before, const char **ret_after);
