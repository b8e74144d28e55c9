/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "connection.h"
#include "log.h"
#include "pump.h"
#include "systemd.h"
#include "timer.h"

/* A bus that restarts is back within a tenth of a second, or it takes longer. */
#define RECONNECT_MIN_USEC (20 * USEC_PER_MSEC)
#define RECONNECT_MAX_USEC (2 * USEC_PER_SEC)
/* Without a name nobody finds us: a request that failed is made again. */
#define NAME_RETRY_USEC USEC_PER_SEC

struct connection {
        sd_event *event;
        enum scope scope;
        const struct connection_ops *ops;
        void *userdata;
        sd_bus *bus;
        struct pump *pump;              /* with the bus */
        sd_bus_slot *name_slot;
        struct timer *name_timer;       /* until the name is asked for again */
        struct timer *timer;
        uint64_t reconnect_usec;
        bool proven;                    /* the bus has given us our name: it is one */
        bool complained;
};

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct connection *connection = userdata;

        (void) m;
        (void) error;
        /* The connection cannot go while it calls us. */
        timer_arm(connection->timer, 0);
        return 0;
}

static void on_broken(void *userdata) {
        struct connection *connection = userdata;

        timer_arm(connection->timer, 0);
}

static void on_written(void *userdata) {
        struct connection *connection = userdata;

        connection->ops->written(connection->userdata);
}

static const struct pump_ops pump_ops = {
        .written = on_written,
        .broken = on_broken,
};

/* Where sd-bus would look for it. 0 or a negative errno. */
static int bus_address(enum scope scope, char **ret) {
        bool user = scope == SCOPE_USER;
        const char *address = getenv(user ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS");
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        int r;

        if (address)
                r = asprintf(ret, "%s", address);
        else if (!user)
                r = asprintf(ret, "unix:path=/run/dbus/system_bus_socket");
        else if (runtime)
                r = asprintf(ret, "unix:path=%s/bus", runtime);
        else
                return -ENOENT;
        return r < 0 ? -ENOMEM : 0;
}

/* Nobody has a file to give us. Calls that wait would hold them open, until no more can be opened. */
static int open_bus(enum scope scope, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(freep) char *address = NULL;
        int r;

        r = bus_address(scope, &address);
        if (r >= 0)
                r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_description(bus, "exposured");
        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        return r;
}

static int connection_open(struct connection *connection) {
        int r;

        r = open_bus(connection->scope, &connection->bus);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(connection->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, connection);
        if (r < 0)
                return r;
        r = pump_new(&connection->pump, connection->event, connection->bus, &pump_ops, connection);
        return r < 0 ? r : connection->ops->connected(connection->userdata, connection->bus);
}

static void connection_close(struct connection *connection) {
        if (!connection->bus)
                return;
        connection->ops->disconnected(connection->userdata);
        timer_disarm(connection->name_timer);
        connection->name_slot = sd_bus_slot_unref(connection->name_slot);
        connection->pump = pump_free(connection->pump);
        connection->bus = sd_bus_close_unref(connection->bus);
        connection->proven = false;
}

/* Opens a connection, or one in place of the one that broke; at once only where that one was good. */
static void on_timer(void *userdata) {
        struct connection *connection = userdata;
        bool broken = connection->bus && !connection->proven;
        int r;

        connection_close(connection);
        r = broken ? -ECONNRESET : connection_open(connection);
        if (r >= 0)
                return;
        if (!connection->complained)
                log_errno(LOG_WARNING, r, "Cannot connect to the bus, trying again until it is there");
        connection->complained = true;
        connection_close(connection);
        timer_arm(connection->timer, connection->reconnect_usec);
        connection->reconnect_usec *= 2;
        if (connection->reconnect_usec > RECONNECT_MAX_USEC)
                connection->reconnect_usec = RECONNECT_MAX_USEC;
}

/* Answers of RequestName in the D-Bus specification. */
#define NAME_PRIMARY_OWNER 1U
#define NAME_ALREADY_OWNER 4U

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct connection *connection = userdata;
        uint32_t answer = 0;

        (void) error;
        connection->name_slot = sd_bus_slot_unref(connection->name_slot);
        if (sd_bus_message_is_method_error(m, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(m);

                /* Where the connection broke, there will be another one before that. */
                if (!sd_bus_is_open(connection->bus) || sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
                        timer_arm(connection->name_timer, NAME_RETRY_USEC);
                        return 0;
                }
                log_error("The bus refuses us the name " EXPOSURED_BUS_NAME ": %s.",
                          e->message ?: e->name);
                connection->ops->name_refused(connection->userdata, -EACCES);
        } else if (sd_bus_message_read(m, "u", &answer) < 0 ||
                   (answer != NAME_PRIMARY_OWNER && answer != NAME_ALREADY_OWNER)) {
                log_error("Another process has the name " EXPOSURED_BUS_NAME ".");
                connection->ops->name_refused(connection->userdata, -EEXIST);
        } else {
                connection->reconnect_usec = RECONNECT_MIN_USEC;
                connection->complained = false;
                connection->proven = true;
                connection->ops->name_acquired(connection->userdata);
        }
        return 0;
}

void connection_request_name(struct connection *connection) {
        int r;

        if (!connection->bus)
                return;
        connection->name_slot = sd_bus_slot_unref(connection->name_slot);
        r = sd_bus_request_name_async(connection->bus, &connection->name_slot, EXPOSURED_BUS_NAME, 0, on_name,
                                      connection);
        if (r >= 0)
                return;
        log_errno(LOG_WARNING, r, "Cannot ask for our name on the bus, trying again");
        timer_arm(connection->name_timer, NAME_RETRY_USEC);
}

static void on_name_timer(void *userdata) {
        connection_request_name(userdata);
}

bool connection_is_written(const struct connection *connection) {
        return connection->pump && pump_is_written(connection->pump);
}

bool connection_is_clear(const struct connection *connection) {
        return connection->pump && pump_is_clear(connection->pump);
}

void connection_await(struct connection *connection) {
        if (connection->pump)
                pump_await(connection->pump);
}

void connection_prepare_end(struct connection *connection) {
        if (connection && connection->bus && sd_bus_is_ready(connection->bus) <= 0)
                connection_close(connection);
}

int connection_new(struct connection **ret, sd_event *event, enum scope scope, const struct connection_ops *ops,
                   void *userdata) {
        struct connection *connection;
        int r;

        connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;
        *connection = (struct connection) {
                .event = sd_event_ref(event),
                .scope = scope,
                .ops = ops,
                .userdata = userdata,
                .reconnect_usec = RECONNECT_MIN_USEC,
        };
        r = timer_new(&connection->timer, event, on_timer, connection);
        if (r >= 0)
                r = timer_new(&connection->name_timer, event, on_name_timer, connection);
        if (r < 0) {
                connection_free(connection);
                return r;
        }
        timer_arm(connection->timer, 0);
        *ret = connection;
        return 0;
}

struct connection *connection_free(struct connection *connection) {
        if (!connection)
                return NULL;
        connection_close(connection);
        timer_free(connection->name_timer);
        timer_free(connection->timer);
        sd_event_unref(connection->event);
        free(connection);
        return NULL;
}
