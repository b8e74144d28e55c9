/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "link.h"
#include "log.h"
#include "systemd.h"
#include "timer.h"

/* A bus that restarts is back within a tenth of a second, or it takes longer. */
#define RECONNECT_MIN_USEC (20 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (2 * USEC_PER_SEC)

struct link {
        sd_event *event;
        enum scope scope;
        const struct link_ops *ops;
        void *userdata;
        sd_bus *bus;
        sd_bus_slot *name_slot;
        struct timer *timer;
        uint64_t reconnect_usec;
        bool complained;
};

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct link *link = userdata;

        (void) m;
        (void) error;
        /* The connection cannot go while it calls us. */
        timer_arm(link->timer, 0);
        return 0;
}

static int link_open(struct link *link) {
        int r;

        r = link->scope == SCOPE_USER ? sd_bus_open_user_with_description(&link->bus, "exposured") :
                                        sd_bus_open_system_with_description(&link->bus, "exposured");
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(link->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, link);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(link->bus, link->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? r : link->ops->connected(link->userdata, link->bus);
}

static void link_close(struct link *link) {
        if (!link->bus)
                return;
        link->ops->disconnected(link->userdata);
        link->name_slot = sd_bus_slot_unref(link->name_slot);
        (void) sd_bus_detach_event(link->bus);
        link->bus = sd_bus_close_unref(link->bus);
}

/* Opens a connection, or one in place of the one that broke. */
static void on_timer(void *userdata) {
        struct link *link = userdata;
        int r;

        link_close(link);
        r = link_open(link);
        if (r >= 0)
                return;
        if (!link->complained)
                log_errno(LOG_WARNING, r, "Cannot connect to the bus, trying again until it is there");
        link->complained = true;
        link_close(link);
        timer_arm(link->timer, link->reconnect_usec);
        link->reconnect_usec = link->reconnect_usec * 2 < RECONNECT_MAX_USEC ? link->reconnect_usec * 2 :
                                                                             RECONNECT_MAX_USEC;
}

/* Answers of RequestName in the D-Bus specification. */
#define NAME_PRIMARY_OWNER 1U
#define NAME_ALREADY_OWNER 4U

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct link *link = userdata;
        uint32_t answer = 0;

        (void) error;
        link->name_slot = sd_bus_slot_unref(link->name_slot);
        if (sd_bus_message_is_method_error(m, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(m);

                /* The connection broke: there will be another one. */
                if (!sd_bus_is_open(link->bus) || sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY))
                        return 0;
                log_error("The bus refuses us the name " EXPOSURED_BUS_NAME ": %s.",
                          e->message ?: e->name);
                link->ops->name_refused(link->userdata, -EACCES);
        } else if (sd_bus_message_read(m, "u", &answer) < 0 ||
                   (answer != NAME_PRIMARY_OWNER && answer != NAME_ALREADY_OWNER)) {
                log_error("Another process has the name " EXPOSURED_BUS_NAME ".");
                link->ops->name_refused(link->userdata, -EEXIST);
        } else {
                link->reconnect_usec = RECONNECT_MIN_USEC;
                link->complained = false;
                link->ops->name_acquired(link->userdata);
        }
        return 0;
}

int link_request_name(struct link *link) {
        if (!link->bus)
                return -ENOTCONN;
        link->name_slot = sd_bus_slot_unref(link->name_slot);
        return sd_bus_request_name_async(link->bus, &link->name_slot, EXPOSURED_BUS_NAME, 0, on_name, link);
}

void link_flush(struct link *link) {
        if (link->bus)
                (void) sd_bus_flush(link->bus);
}

int link_new(struct link **ret, sd_event *event, enum scope scope, const struct link_ops *ops, void *userdata) {
        struct link *link;
        int r;

        link = calloc(1, sizeof(*link));
        if (!link)
                return -ENOMEM;
        *link = (struct link) {
                .event = sd_event_ref(event),
                .scope = scope,
                .ops = ops,
                .userdata = userdata,
                .reconnect_usec = RECONNECT_MIN_USEC,
        };
        r = timer_new(&link->timer, event, on_timer, link);
        if (r < 0) {
                link_free(link);
                return r;
        }
        timer_arm(link->timer, 0);
        *ret = link;
        return 0;
}

struct link *link_free(struct link *link) {
        if (!link)
                return NULL;
        link_close(link);
        timer_free(link->timer);
        sd_event_unref(link->event);
        free(link);
        return NULL;
}
