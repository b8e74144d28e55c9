/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>

#include <exposured/macro.h>

#include "log.h"
#include "systemd.h"
#include "timer.h"
#include "unit.h"
#include "watch.h"

/* An end of reload that never came: after that time the manager is asked whether it answers. */
#define RELOAD_PROBE_USEC (10 * USEC_PER_SEC)
/* A manager that does not answer our greeting is greeted again. */
#define GREET_AGAIN_USEC USEC_PER_SEC

struct watch {
        sd_bus *bus;
        uint64_t timeout_usec;
        const struct watch_ops *ops;
        void *userdata;

        char *owner;            /* unique name of the manager; NULL: it is not there */
        bool owner_unknown;     /* it could not be asked for, or not be kept: it is asked for again */
        bool busy;              /* the last word of the ops was manager_busy() */
        sd_bus_slot *owner_slot, *call_slot;
        sd_bus_slot *match_slots[6];
        struct timer *timer;
};

static void watch_greet(struct watch *w);
static int watch_ask_owner(struct watch *w);

static void watch_ask_owner_again(struct watch *w, int error) {
        log_errno(LOG_WARNING, error, "Cannot find out who " SYSTEMD_BUS_NAME " is, asking again");
        w->owner_unknown = true;
        timer_arm(w->timer, GREET_AGAIN_USEC);
}

static bool from_manager(const struct watch *w, sd_bus_message *m) {
        return w->owner && streq_ptr(sd_bus_message_get_sender(m), w->owner);
}

static void watch_set_busy(struct watch *w, enum watch_busy busy) {
        w->busy = true;
        w->ops->manager_busy(w->userdata, busy);
}

static void on_timer(void *userdata) {
        struct watch *w = userdata;
        int r = 0;

        if (w->owner_unknown)
                r = watch_ask_owner(w);
        else if (w->owner && w->busy)
                watch_greet(w);
        if (r < 0)
                watch_ask_owner_again(w, r);
}

static int on_version(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        const char *version;
        int r;

        (void) error;
        w->call_slot = sd_bus_slot_unref(w->call_slot);
        if (sd_bus_message_is_method_error(m, NULL)) {
                log_warning("systemd does not tell its version (%s), asking again.",
                            sd_bus_message_get_error(m)->name);
                timer_arm(w->timer, GREET_AGAIN_USEC);
                return 0;
        }
        r = sd_bus_message_read(m, "v", "s", &version);
        if (r < 0) {
                log_errno(LOG_WARNING, r, "systemd's version is no string, asking again");
                timer_arm(w->timer, GREET_AGAIN_USEC);
                return 0;
        }
        w->busy = false;
        timer_disarm(w->timer);
        w->ops->manager_ready(w->userdata, version);
        return 0;
}

/*
 * A call that waits until the manager is done with reloading is how we learn that it is. Its
 * version rides on it: after a reexec it may be another one.
 */
static int watch_call_version(struct watch *w) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(w->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH, PROPERTIES_INTERFACE, "Get");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", SYSTEMD_MANAGER_INTERFACE, "Version");
        if (r < 0)
                return r;
        return sd_bus_call_async(w->bus, &w->call_slot, m, on_version, w, w->timeout_usec);
}

static int watch_ask_version(struct watch *w) {
        int r;

        r = watch_call_version(w);
        if (r >= 0)
                return 0;
        log_errno(LOG_WARNING, r, "Cannot ask systemd for its version, trying again");
        timer_arm(w->timer, GREET_AGAIN_USEC);
        return 0;
}

static int on_subscribed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void) error;
        w->call_slot = sd_bus_slot_unref(w->call_slot);
        /* A subscription may have outlived a reexec. */
        if (e && !sd_bus_error_has_name(e, SYSTEMD_ERROR_ALREADY_SUBSCRIBED)) {
                log_warning("systemd refuses to tell what happens (%s), asking again.", e->name);
                timer_arm(w->timer, GREET_AGAIN_USEC);
                return 0;
        }
        return watch_ask_version(w);
}

static int watch_call_subscribe(struct watch *w) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(w->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH,
                                           SYSTEMD_MANAGER_INTERFACE, "Subscribe");
        if (r < 0)
                return r;
        return sd_bus_call_async(w->bus, &w->call_slot, m, on_subscribed, w, w->timeout_usec);
}

/* Subscribes and asks for the version, one after the other. */
static void watch_greet(struct watch *w) {
        int r;

        w->call_slot = sd_bus_slot_unref(w->call_slot);
        r = watch_call_subscribe(w);
        if (r >= 0)
                return;
        log_errno(LOG_WARNING, r, "Cannot subscribe to systemd's signals, trying again");
        timer_arm(w->timer, GREET_AGAIN_USEC);
}

/* A new owner is a manager that knows nothing of us, or one that reexecuted itself. */
static int watch_set_owner(struct watch *w, const char *owner) {
        char *copy = NULL;

        if (owner && *owner) {
                copy = strdup(owner);
                if (!copy) {
                        watch_ask_owner_again(w, -ENOMEM);
                        return 0;
                }
        }
        w->owner_unknown = false;
        free(w->owner);
        w->owner = copy;
        w->call_slot = sd_bus_slot_unref(w->call_slot);
        watch_set_busy(w, w->owner ? BUSY_GREETED : BUSY_ABSENT);
        if (w->owner)
                watch_greet(w);
        return 0;
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        const char *owner;
        int r;

        (void) error;
        if (!streq_ptr(sd_bus_message_get_sender(m), DBUS_BUS_NAME))
                return 0;
        r = sd_bus_message_read(m, "sss", NULL, NULL, &owner);
        if (r < 0)
                return log_errno(LOG_WARNING, r, "Cannot read NameOwnerChanged");
        w->owner_slot = sd_bus_slot_unref(w->owner_slot);
        return watch_set_owner(w, owner);
}

static int on_get_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        const char *owner = NULL;
        int r;

        (void) error;
        w->owner_slot = sd_bus_slot_unref(w->owner_slot);
        if (sd_bus_message_is_method_error(m, "org.freedesktop.DBus.Error.NameHasNoOwner"))
                log_info("No systemd on this bus yet, waiting for it.");
        else {
                r = sd_bus_message_is_method_error(m, NULL) ? -sd_bus_message_get_errno(m) :
                                                              sd_bus_message_read(m, "s", &owner);
                if (r < 0) {
                        watch_ask_owner_again(w, r);
                        return 0;
                }
        }
        return watch_set_owner(w, owner);
}

static int watch_ask_owner(struct watch *w) {
        w->owner_slot = sd_bus_slot_unref(w->owner_slot);
        return sd_bus_call_method_async(w->bus, &w->owner_slot, DBUS_BUS_NAME, "/org/freedesktop/DBus", DBUS_BUS_NAME,
                                        "GetNameOwner", on_get_owner, w, "s", SYSTEMD_BUS_NAME);
}

static int on_reloading(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        int r, active;

        (void) error;
        if (!from_manager(w, m))
                return 0;
        r = sd_bus_message_read(m, "b", &active);
        if (r < 0)
                return log_errno(LOG_WARNING, r, "Cannot read Reloading");
        w->call_slot = sd_bus_slot_unref(w->call_slot);
        if (active) {
                watch_set_busy(w, BUSY_RELOADING);
                timer_arm(w->timer, RELOAD_PROBE_USEC);
                return 0;
        }
        return watch_ask_version(w);
}

static int tell(struct watch *w, const char *name, void (*op)(void *userdata, const char *name)) {
        if (unit_name_is_service(name))
                op(w->userdata, name);
        return 0;
}

/* UnitNew and UnitRemoved come for every unit during a reload; what follows it covers them all. */
static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct watch *w = userdata;
        const char *name;
        int r;

        (void) error;
        if (!from_manager(w, m) || w->busy)
                return 0;
        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return log_errno(LOG_WARNING, r, "Cannot read a signal of systemd");
        if (streq_ptr(sd_bus_message_get_member(m), "UnitRemoved"))
                return tell(w, name, w->ops->unit_removed);
        return tell(w, name, w->ops->unit_loaded);
}

/*
 * A unit that was not found is loaded without UnitNew once its file appears and someone asks for
 * it; that its properties change is the only sign.
 */
static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *name = NULL;
        struct watch *w = userdata;

        (void) error;
        if (!from_manager(w, m) || w->busy)
                return 0;
        if (sd_bus_path_decode(sd_bus_message_get_path(m), SYSTEMD_UNIT_PATH, &name) <= 0)
                return 0;
        return tell(w, name, w->ops->unit_changed);
}

static int watch_match(struct watch *w) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } matches[] = {
                { "type='signal',sender='" DBUS_BUS_NAME "',interface='" DBUS_BUS_NAME "',"
                  "member='NameOwnerChanged',arg0='" SYSTEMD_BUS_NAME "'", on_owner_changed },
                { "type='signal',sender='" SYSTEMD_BUS_NAME "',path='" SYSTEMD_PATH "',"
                  "interface='" SYSTEMD_MANAGER_INTERFACE "',member='Reloading'", on_reloading },
                { "type='signal',sender='" SYSTEMD_BUS_NAME "',path='" SYSTEMD_PATH "',"
                  "interface='" SYSTEMD_MANAGER_INTERFACE "',member='UnitNew'", on_unit },
                { "type='signal',sender='" SYSTEMD_BUS_NAME "',path='" SYSTEMD_PATH "',"
                  "interface='" SYSTEMD_MANAGER_INTERFACE "',member='UnitRemoved'", on_unit },
                { "type='signal',sender='" SYSTEMD_BUS_NAME "',path_namespace='" SYSTEMD_UNIT_PATH "',"
                  "interface='" PROPERTIES_INTERFACE "',member='PropertiesChanged',"
                  "arg0='" SYSTEMD_SERVICE_INTERFACE "'", on_properties },
        };
        int r;

        _Static_assert(ELEMENTSOF(matches) <= ELEMENTSOF(((struct watch *) NULL)->match_slots), "a slot each");
        for (size_t i = 0; i < ELEMENTSOF(matches); i++) {
                r = sd_bus_add_match_async(w->bus, &w->match_slots[i], matches[i].rule, matches[i].handler,
                                           NULL, w);
                if (r < 0)
                        return r;
        }
        return 0;
}

int watch_new(struct watch **ret, sd_event *event, sd_bus *bus, uint64_t timeout_usec,
              const struct watch_ops *ops, void *userdata) {
        struct watch *w;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        *w = (struct watch) {
                .bus = sd_bus_ref(bus),
                .timeout_usec = timeout_usec,
                .ops = ops,
                .userdata = userdata,
                .busy = true,
        };
        r = timer_new(&w->timer, event, on_timer, w);
        if (r >= 0)
                r = watch_match(w);
        if (r >= 0)
                r = watch_ask_owner(w);
        if (r < 0) {
                watch_free(w);
                return r;
        }
        *ret = w;
        return 0;
}

void watch_set_timeout(struct watch *w, uint64_t timeout_usec) {
        w->timeout_usec = timeout_usec;
}

struct watch *watch_free(struct watch *w) {
        if (!w)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(w->match_slots); i++)
                sd_bus_slot_unref(w->match_slots[i]);
        sd_bus_slot_unref(w->owner_slot);
        sd_bus_slot_unref(w->call_slot);
        timer_free(w->timer);
        free(w->owner);
        sd_bus_unref(w->bus);
        free(w);
        return NULL;
}
