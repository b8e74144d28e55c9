/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "exposure.h"

struct event_hits *event_hits_free(struct event_hits *hits) {
        if (!hits)
                return NULL;
        for (size_t i = 0; i < hits->n_hits; i++) {
                free(hits->hits[i].checks);
                free(hits->hits[i].own_checks);
        }
        free(hits->hits);
        sd_bus_message_unref(hits->answer);
        free(hits);
        return NULL;
}

static void event_hits_freep(struct event_hits **hits) {
        *hits = event_hits_free(*hits);
}

static int read_exposures(sd_bus_message *m, struct event_hit *hit) {
        double before, rated, after;
        int r = sd_bus_message_read(m, "sddd", &hit->unit, &before, &rated, &after);

        if (r >= 0)
                r = exposure_from_double(before, &hit->before);
        if (r >= 0)
                r = exposure_from_double(rated, &hit->rated);
        return r < 0 ? r : exposure_from_double(after, &hit->after);
}

/* Returns 1 where there was a row, 0 at the end, or a negative errno. */
static int read_hit(struct event_hits *hits) {
        sd_bus_message *m = hits->answer;
        struct event_hit *hit;
        int changed, r = sd_bus_message_enter_container(m, 'r', EXPOSURED_EVENT_UNIT_SIGNATURE);

        if (r <= 0)
                return r;
        r = event_grow(&hits->hits, hits->n_hits, sizeof(*hits->hits));
        if (r < 0)
                return r;
        hit = hits->hits + hits->n_hits++;
        *hit = (struct event_hit) {};
        r = read_exposures(m, hit);
        if (r >= 0)
                r = event_read_checks(m, &hit->checks, &hit->n_checks);
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &changed);
        if (r < 0)
                return r;
        hit->changed = changed;
        r = event_read_checks(m, &hit->own_checks, &hit->n_own_checks);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

int event_read_hits(struct event *event, sd_bus_message *answer) {
        _cleanup_(event_hits_freep) struct event_hits *hits = calloc(1, sizeof(*hits));
        int r;

        if (!hits)
                return -ENOMEM;
        hits->answer = sd_bus_message_ref(answer);
        r = sd_bus_message_enter_container(answer, 'a', "(" EXPOSURED_EVENT_UNIT_SIGNATURE ")");
        if (r >= 0)
                while ((r = read_hit(hits)) > 0)
                        ;
        if (r < 0)
                return r;
        event_hits_free(event->hits);
        event->hits = TAKE_PTR(hits);
        return 0;
}

int event_ask_hits(struct event *event, sd_bus *bus) {
        _cleanup_message_ sd_bus_message *answer = NULL;
        int r = sd_bus_call_method(bus, EXPOSURED_BUS_NAME, EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE,
                                   "GetEventUnits", NULL, &answer, "s", event->id);

        if (r >= 0)
                r = event_read_hits(event, answer);
        return r == -ENOMEM ? r : 0;
}

bool hit_is_rated(const struct event_hit *hit) {
        return hit->n_checks > 0 || hit->rated != hit->before;
}

static uint64_t harm(uint64_t badness) {
        return badness == EVENT_NOT_APPLICABLE ? 0 : badness;
}

bool hit_is_weaker(const struct event_hit *hit) {
        for (size_t i = 0; i < hit->n_own_checks; i++)
                if (harm(hit->own_checks[i].after) > harm(hit->own_checks[i].before))
                        return true;
        return false;
}

static bool is_stronger(const struct event_hit *hit) {
        for (size_t i = 0; i < hit->n_own_checks; i++)
                if (harm(hit->own_checks[i].after) < harm(hit->own_checks[i].before))
                        return !hit_is_weaker(hit);
        return false;
}

struct hit_counts event_count_hits(const struct event *event) {
        struct hit_counts counts = {};

        for (size_t i = 0; event->hits && i < event->hits->n_hits; i++) {
                const struct event_hit *hit = event->hits->hits + i;

                counts.n_rated += hit_is_rated(hit);
                counts.n_changed += hit->changed;
                counts.n_weaker += hit_is_weaker(hit);
                counts.n_stronger += is_stronger(hit);
        }
        return counts;
}

bool event_versions(const struct event *event, const char **ret_before, const char **ret_after) {
        const struct event_cause *cause = event->causes;

        if (event->n_causes == 0 || *cause->path || !streq(cause->change, "manager") || !cause->lines ||
            !cause->lines[0] || !cause->lines[1])
                return false;
        *ret_before = cause->lines[0] + (cause->lines[0][0] == '-');
        *ret_after = cause->lines[1] + (cause->lines[1][0] == '+');
        return true;
}
