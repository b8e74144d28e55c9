/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "exposure.h"

#define CHECK_SIGNATURE "stt"
#define CAUSE_SIGNATURE "sstas"

/* Makes room for one element more. Arrays grow by powers of two. */
static int grow(void *array, size_t n, size_t size) {
        void **a = array, *grown;

        if (n > 0 && (n & (n - 1)) != 0)
                return 0;
        grown = reallocarray(*a, n > 0 ? n * 2 : 1, size);
        if (!grown)
                return -ENOMEM;
        *a = grown;
        return 0;
}

static int read_checks(sd_bus_message *m, struct event *event) {
        int r = sd_bus_message_enter_container(m, 'a', "(" CHECK_SIGNATURE ")");

        while (r >= 0) {
                struct event_check check;

                r = sd_bus_message_read(m, "(" CHECK_SIGNATURE ")", &check.json_field,
                                        &check.before, &check.after);
                if (r <= 0)
                        break;
                r = grow(&event->checks, event->n_checks, sizeof(check));
                if (r >= 0)
                        event->checks[event->n_checks++] = check;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Returns 1 where there was a cause, 0 at the end, or a negative errno. */
static int read_cause(sd_bus_message *m, struct event_cause *ret) {
        struct event_cause cause = {};
        int r = sd_bus_message_enter_container(m, 'r', CAUSE_SIGNATURE);

        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "sst", &cause.path, &cause.change, &cause.time);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &cause.lines);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0) {
                strv_free(cause.lines);
                return r;
        }

        *ret = cause;
        return 1;
}

static int read_causes(sd_bus_message *m, struct event *event) {
        int r = sd_bus_message_enter_container(m, 'a', "(" CAUSE_SIGNATURE ")");

        while (r >= 0) {
                r = grow(&event->causes, event->n_causes, sizeof(*event->causes));
                if (r >= 0)
                        r = read_cause(m, event->causes + event->n_causes);
                if (r <= 0)
                        break;
                event->n_causes++;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static char *lower_case(const char *s) {
        char *lower = strdup(s);

        for (char *p = lower; p && *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        *p += 'a' - 'A';
        return lower;
}

static int read_arguments(sd_bus_message *m, struct event *event) {
        double before, after;
        int r = sd_bus_message_read(m, "sts", &event->id, &event->time, &event->unit);

        if (r >= 0)
                r = sd_bus_message_read_strv(m, &event->units);
        if (r >= 0)
                r = sd_bus_message_read(m, "dd", &before, &after);
        if (r >= 0)
                r = exposure_from_double(before, &event->before);
        if (r >= 0)
                r = exposure_from_double(after, &event->after);
        if (r >= 0)
                r = read_checks(m, event);
        return r < 0 ? r : read_causes(m, event);
}

int event_read(struct event *event, sd_bus_message *message) {
        const char *member = sd_bus_message_get_member(message);
        int r;

        *event = (struct event) {};
        if (!member || !sd_bus_message_has_signature(message, EVENT_SIGNATURE))
                return 0;

        event->kind = lower_case(member);
        if (!event->kind)
                return -ENOMEM;
        r = read_arguments(message, event);
        return r < 0 ? r : 1;
}

void event_done(struct event *event) {
        free(event->kind);
        strv_free(event->units);
        free(event->checks);
        for (size_t i = 0; i < event->n_causes; i++)
                strv_free(event->causes[i].lines);
        free(event->causes);
        *event = (struct event) {};
}
