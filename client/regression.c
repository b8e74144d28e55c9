/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "regression.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "cleanup.h"
#include "unit-name.h"

static bool event_matches(const struct event *event, char **patterns) {
        if (unit_name_matches(event->unit, patterns))
                return true;
        for (char **unit = event->units; unit && *unit; unit++)
                if (unit_name_matches(*unit, patterns))
                        return true;
        return false;
}

static void keep_matching(struct event_list *list, char **patterns) {
        size_t n = 0;

        for (size_t i = 0; i < list->n_events; i++)
                if (event_matches(list->events + i, patterns))
                        list->events[n++] = list->events[i];
                else
                        event_done(list->events + i);
        list->n_events = n;
}

static int compare(const void *a, const void *b) {
        const struct event *x = a, *y = b;

        if (x->time != y->time)
                return x->time > y->time ? -1 : 1;
        return strcmp(x->unit, y->unit);
}

int regressions_get(sd_bus *bus, const struct options *options, char **patterns, struct event_list *list) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = bus_call(bus, options, "ListRegressions", TIMEOUT_DEFAULT, &reply, NULL);

        if (r < 0)
                return r;
        r = event_list_read_regressions(list, reply);
        if (r < 0)
                return bus_report_answer(r);
        keep_matching(list, patterns);
        if (list->n_events > 1)
                qsort(list->events, list->n_events, sizeof(*list->events), compare);
        return 0;
}
