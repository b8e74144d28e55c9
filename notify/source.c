/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <errno.h>
#include <stdlib.h>

#include <exposured/bus.h>

#include "cleanup.h"
#include "delay.h"
#include "event.h"
#include "owner.h"
#include "pace.h"
#include "report.h"

/* What happens within that time is looked at together. */
#define LOOK_USEC (500 * USEC_PER_MSEC)
/* After a failure, and after as many as one likes. */
#define RETRY_MIN_USEC (1 * USEC_PER_SEC)
#define RETRY_MAX_USEC (300 * USEC_PER_SEC)

/* What may open or close a regression. Others come in numbers: each transient unit appears. */
static const char *const signals[] = { "Regressed", "Improved", "Changed", "Gone", "Accepted", "Model" };

struct source {
        sd_event *event;
        enum scope scope;
        const struct source_ops *ops;
        void *userdata;
        sd_bus *bus;
        struct owner *owner;
        sd_bus_slot *signals_slots[ELEMENTSOF(signals)], *appeared_slot, *disconnected_slot;
        sd_bus_slot *look_slot;                 /* of a call under way */
        sd_event_source *look, *connect;        /* timers */
        uint64_t look_retry, connect_retry;
        bool again;                             /* something happened since the call under way began */
        bool complained;
};

/* The next time to wait, twice as long each time. */
static uint64_t next_retry(uint64_t *retry) {
        uint64_t usec = *retry;

        *retry = usec * 2 < RETRY_MAX_USEC ? usec * 2 : RETRY_MAX_USEC;
        return usec;
}

static int on_listed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct source *source = userdata;
        bool fine;

        (void) error;
        source->look_slot = sd_bus_slot_unref(source->look_slot);
        fine = !sd_bus_message_is_method_error(m, NULL) &&
               source->ops->listed(source->userdata, source->scope, m);
        if (fine)
                source->look_retry = RETRY_MIN_USEC;
        /* Without an owner there is nobody to ask: it will come back. */
        else if (owner_name(source->owner))
                delay_set_earlier(source->look, next_retry(&source->look_retry));
        if (source->again)
                delay_set_earlier(source->look, LOOK_USEC);
        source->again = false;
        return 0;
}

/* Starts no exposured: whoever turned it off had a reason. */
static int ask(struct source *source) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(source->bus, &m, EXPOSURED_BUS_NAME, EXPOSURED_PATH,
                                               EXPOSURED_MANAGER_INTERFACE, "ListRegressions");

        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;
        return sd_bus_call_async(source->bus, &source->look_slot, m, on_listed, source, 0);
}

static int on_look(sd_event_source *event_source, uint64_t usec, void *userdata) {
        struct source *source = userdata;

        (void) event_source;
        (void) usec;
        if (!owner_name(source->owner))
                return 0;
        if (source->look_slot)
                source->again = true;
        else if (ask(source) < 0)
                delay_set(source->look, next_retry(&source->look_retry));
        return 0;
}

void source_look(struct source *source) {
        if (owner_name(source->owner))
                delay_set_earlier(source->look, LOOK_USEC);
}

/* Anybody can send to us what looks like a signal of exposured. */
static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct source *source = userdata;

        (void) error;
        if (owner_sent(source->owner, m))
                source_look(source);
        return 0;
}

static int on_appeared(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct source *source = userdata;
        struct event event = {};

        (void) error;
        if (!owner_sent(source->owner, m))
                return 0;
        if (event_read(&event, m) > 0 && event_is_above_limit(&event))
                source->ops->appeared(source->userdata, &event);
        event_done(&event);
        return 0;
}

static void on_owner(void *userdata, const char *owner) {
        struct source *source = userdata;

        source->look_slot = sd_bus_slot_unref(source->look_slot);
        source->again = false;
        source->look_retry = RETRY_MIN_USEC;
        /* The bus has answered: it is one. */
        if (sd_bus_is_ready(source->bus) > 0)
                source->connect_retry = RETRY_MIN_USEC;
        if (owner)
                delay_set(source->look, 0);
        else
                delay_stop(source->look);
}

static void disconnect(struct source *source) {
        for (size_t i = 0; i < ELEMENTSOF(signals); i++)
                source->signals_slots[i] = sd_bus_slot_unref(source->signals_slots[i]);
        source->appeared_slot = sd_bus_slot_unref(source->appeared_slot);
        source->disconnected_slot = sd_bus_slot_unref(source->disconnected_slot);
        source->look_slot = sd_bus_slot_unref(source->look_slot);
        source->owner = owner_free(source->owner);
        delay_stop(source->look);
        /* That of the session is not ours to close. */
        if (source->bus && source->scope == SCOPE_SYSTEM) {
                (void) sd_bus_detach_event(source->bus);
                source->bus = sd_bus_close_unref(source->bus);
        }
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct source *source = userdata;

        (void) m;
        (void) error;
        /* The connection cannot go while it calls us. */
        delay_set(source->connect, next_retry(&source->connect_retry));
        return 0;
}

static int listen(struct source *source) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(signals); i++)
                r = sd_bus_match_signal_async(source->bus, &source->signals_slots[i], EXPOSURED_BUS_NAME,
                                              EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE, signals[i],
                                              on_signal, NULL, source);
        if (r >= 0)
                r = sd_bus_match_signal_async(source->bus, &source->appeared_slot, EXPOSURED_BUS_NAME,
                                              EXPOSURED_PATH, EXPOSURED_MANAGER_INTERFACE, "Appeared",
                                              on_appeared, NULL, source);
        return r < 0 ? r : owner_new(&source->owner, source->bus, EXPOSURED_BUS_NAME, on_owner, source);
}

static int connect_system(struct source *source) {
        int r = sd_bus_open_system_with_description(&source->bus, "exposure-notify");

        if (r >= 0)
                r = sd_bus_match_signal_async(source->bus, &source->disconnected_slot, NULL,
                                              "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                              "Disconnected", on_disconnected, NULL, source);
        if (r >= 0)
                r = sd_bus_attach_event(source->bus, source->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? r : listen(source);
}

static int on_connect(sd_event_source *event_source, uint64_t usec, void *userdata) {
        struct source *source = userdata;
        int r;

        (void) event_source;
        (void) usec;
        disconnect(source);
        r = connect_system(source);
        if (r >= 0) {
                source->complained = false;
                return 0;
        }
        if (!source->complained)
                report_errno(r, "Cannot reach the system bus, trying again");
        source->complained = true;
        disconnect(source);
        delay_set(source->connect, next_retry(&source->connect_retry));
        return 0;
}

int source_new(struct source **ret, sd_event *event, enum scope scope, sd_bus *session,
               const struct source_ops *ops, void *userdata) {
        _cleanup_(source_freep) struct source *source = calloc(1, sizeof(*source));
        int r;

        if (!source)
                return -ENOMEM;
        *source = (struct source) {
                .event = sd_event_ref(event),
                .scope = scope,
                .ops = ops,
                .userdata = userdata,
                .look_retry = RETRY_MIN_USEC,
                .connect_retry = RETRY_MIN_USEC,
        };
        r = delay_new(&source->look, event, on_look, source);
        if (r >= 0)
                r = delay_new(&source->connect, event, on_connect, source);
        if (r < 0)
                return r;
        if (scope == SCOPE_USER) {
                source->bus = sd_bus_ref(session);
                r = listen(source);
                if (r < 0)
                        return r;
        } else
                delay_set(source->connect, 0);
        *ret = TAKE_PTR(source);
        return 0;
}

struct source *source_free(struct source *source) {
        if (!source)
                return NULL;
        disconnect(source);
        if (source->scope == SCOPE_USER)
                sd_bus_unref(source->bus);
        sd_event_source_disable_unref(source->look);
        sd_event_source_disable_unref(source->connect);
        sd_event_unref(source->event);
        free(source);
        return NULL;
}

sd_bus *source_bus(const struct source *source) {
        return source->bus;
}
