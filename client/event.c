/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "exposure.h"
#include "hits.h"

#define CHECK_SIGNATURE "stt"
#define CAUSE_SIGNATURE "sstas"

/* Makes room for one element more. Arrays grow by powers of two. */
int event_grow(void *array, size_t n, size_t size) {
        void **a = array, *grown;

        if (n > 0 && (n & (n - 1)) != 0)
                return 0;
        grown = reallocarray(*a, n > 0 ? n * 2 : 1, size);
        if (!grown)
                return -ENOMEM;
        *a = grown;
        return 0;
}

int event_read_checks(sd_bus_message *m, struct event_check **checks, size_t *n_checks) {
        int r = sd_bus_message_enter_container(m, 'a', "(" CHECK_SIGNATURE ")");

        while (r >= 0) {
                struct event_check check;

                r = sd_bus_message_read(m, "(" CHECK_SIGNATURE ")", &check.json_field,
                                        &check.before, &check.after);
                if (r <= 0)
                        break;
                r = event_grow(checks, *n_checks, sizeof(check));
                if (r >= 0)
                        (*checks)[(*n_checks)++] = check;
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
                r = event_grow(&event->causes, event->n_causes, sizeof(*event->causes));
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

/* What all forms have in common, from the unit on. */
static int read_body(sd_bus_message *m, struct event *event) {
        double before, after;
        int r = sd_bus_message_read(m, "s", &event->unit);

        if (r >= 0)
                r = sd_bus_message_read_strv(m, &event->units);
        if (r >= 0)
                r = sd_bus_message_read(m, "dd", &before, &after);
        if (r >= 0)
                r = exposure_from_double(before, &event->before);
        if (r >= 0)
                r = exposure_from_double(after, &event->after);
        if (r >= 0)
                r = event_read_checks(m, &event->checks, &event->n_checks);
        return r < 0 ? r : read_causes(m, event);
}

int event_read(struct event *event, sd_bus_message *message) {
        const char *member = sd_bus_message_get_member(message);
        int r;

        *event = (struct event) { .uid = EVENT_NO_UID };
        if (!member || !sd_bus_message_has_signature(message, EVENT_SIGNATURE))
                return 0;

        event->kind = lower_case(member);
        if (!event->kind)
                return -ENOMEM;
        r = sd_bus_message_read(message, "st", &event->id, &event->time);
        if (r >= 0)
                r = read_body(message, event);
        return r < 0 ? r : 1;
}

void event_done(struct event *event) {
        free(event->kind);
        strv_free(event->units);
        free(event->checks);
        for (size_t i = 0; i < event->n_causes; i++)
                strv_free(event->causes[i].lines);
        free(event->causes);
        event_hits_free(event->hits);
        *event = (struct event) {};
}

static int read_regression(sd_bus_message *m, struct event *event) {
        int r = sd_bus_message_read(m, "st", &event->id, &event->time);

        return r < 0 ? r : read_body(m, event);
}

static int read_history(sd_bus_message *m, struct event *event) {
        const char *kind;
        int r = sd_bus_message_read(m, "sst", &event->id, &kind, &event->time);

        if (r < 0)
                return r;
        event->kind = strdup(kind);
        if (!event->kind)
                return -ENOMEM;
        r = read_body(m, event);
        if (r >= 0)
                r = sd_bus_message_read(m, "sut", &event->reason, &event->uid, &event->until);
        if (r >= 0 && !*event->reason)
                event->reason = NULL;
        return r;
}

/* What an answer is made of. */
struct row_format {
        const char *array, *row;
        int (*read)(sd_bus_message *m, struct event *event);
};

/* Returns 1 where there was a row, 0 at the end, or a negative errno. */
static int read_row(struct event_list *list, sd_bus_message *m, const struct row_format *format) {
        struct event *event;
        int r = sd_bus_message_enter_container(m, 'r', format->row);

        if (r <= 0)
                return r;
        r = event_grow(&list->events, list->n_events, sizeof(*list->events));
        if (r < 0)
                return r;

        event = list->events + list->n_events++;
        *event = (struct event) { .uid = EVENT_NO_UID };
        r = format->read(m, event);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

static int read_list(struct event_list *list, sd_bus_message *answer, const struct row_format *format) {
        size_t n_before = list->n_events;
        int r = event_grow(&list->messages, list->n_messages, sizeof(*list->messages));

        if (r < 0)
                return r;
        list->messages[list->n_messages++] = sd_bus_message_ref(answer);

        r = sd_bus_message_enter_container(answer, 'a', format->array);
        while (r >= 0) {
                r = read_row(list, answer, format);
                if (r == 0)
                        return (int) (list->n_events - n_before);
        }
        return r == -ENXIO ? -EBADMSG : r;
}

int event_list_read_regressions(struct event_list *list, sd_bus_message *answer) {
        static const struct row_format format = {
                .array = "(" EXPOSURED_REGRESSION_SIGNATURE ")",
                .row = EXPOSURED_REGRESSION_SIGNATURE,
                .read = read_regression,
        };

        return read_list(list, answer, &format);
}

int event_each_regression(sd_bus_message *answer, size_t max, event_fn fn, void *userdata) {
        int r = sd_bus_message_enter_container(answer, 'a', "(" EXPOSURED_REGRESSION_SIGNATURE ")");

        for (size_t i = 0; r >= 0 && i < max; i++) {
                struct event event = { .uid = EVENT_NO_UID };

                r = sd_bus_message_enter_container(answer, 'r', EXPOSURED_REGRESSION_SIGNATURE);
                if (r == 0)
                        return 0;
                if (r > 0)
                        r = read_regression(answer, &event);
                if (r >= 0)
                        r = sd_bus_message_exit_container(answer);
                if (r >= 0)
                        r = fn(&event, userdata);
                event_done(&event);
        }
        return r == -ENXIO ? -EBADMSG : r < 0 ? r : 0;
}

int event_list_read_history(struct event_list *list, sd_bus_message *answer) {
        static const struct row_format format = {
                .array = "(" EXPOSURED_HISTORY_SIGNATURE ")",
                .row = EXPOSURED_HISTORY_SIGNATURE,
                .read = read_history,
        };

        return read_list(list, answer, &format);
}

void event_list_done(struct event_list *list) {
        for (size_t i = 0; i < list->n_events; i++)
                event_done(list->events + i);
        free(list->events);
        for (size_t i = 0; i < list->n_messages; i++)
                sd_bus_message_unref(list->messages[i]);
        free(list->messages);
        *list = (struct event_list) {};
}

bool event_is_above_limit(const struct event *event) {
        return streq(event->kind, "appeared") && event->n_causes > 0 && streq(event->causes[0].change, "limit");
}
