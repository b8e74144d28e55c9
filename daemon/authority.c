/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "authority.h"
#include "event.h"
#include "log.h"
#include "manager.h"
#include "systemd.h"

#define PENDING_MAX 16U
#define PENDING_PER_USER_MAX 4U
/* A person may have to type a password. */
#define POLKIT_TIMEOUT_USEC (5 * 60 * UINT64_C(1000000))

#define POLKIT_BUS_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_INTERACTION 1U
/* Instead of the message of the action, which is for all units. */
#define MESSAGE "Authentication is required to accept that $(unit) became weaker."

/* One call that waits for leave. */
struct authorization {
        struct authority *authority;
        sd_bus_message *call;           /* NULL: free */
        const char *action;
        const char *unit;               /* of the call */
        char event[EVENT_ID_SIZE];
        authority_fn fn;
        uint32_t uid;
        sd_bus_slot *slot;              /* of the question under way */
        sd_bus_slot *leaving;           /* tells when the caller leaves */
};

struct authority {
        struct manager *manager;
        struct authorization pending[PENDING_MAX];
};

static void authorization_done(struct authorization *pending) {
        pending->slot = sd_bus_slot_unref(pending->slot);
        pending->leaving = sd_bus_slot_unref(pending->leaving);
        pending->call = sd_bus_message_unref(pending->call);
}

static void refuse(struct authorization *pending, const char *text) {
        (void) sd_bus_reply_method_errorf(pending->call, SD_BUS_ERROR_ACCESS_DENIED, "%s", text);
        authorization_done(pending);
}

static void allow(struct authorization *pending) {
        pending->fn(pending->authority->manager, pending->call, pending->uid, pending->event);
        authorization_done(pending);
}

/* Whether the person took the question away; what else polkit tells of it does not matter. */
static bool was_dismissed(sd_bus_message *m) {
        const char *key, *value;

        if (sd_bus_message_enter_container(m, 'a', "{ss}") <= 0)
                return false;
        while (sd_bus_message_read(m, "{ss}", &key, &value) > 0)
                if (streq_ptr(key, "polkit.dismissed") && *value)
                        return true;
        return false;
}

/* NULL where polkit said yes, else a sentence for who asked. Everything else than a clear yes is no. */
static const char *find_refusal(sd_bus_message *m) {
        int allowed = 0, challenge = 0;

        /* It went away, or nobody answered the question in time. */
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY))
                return "polkit did not answer.";
        if (sd_bus_message_is_method_error(m, NULL))
                return "polkit cannot be asked, so only root may do this.";
        if (sd_bus_message_enter_container(m, 'r', "bba{ss}") <= 0 ||
            sd_bus_message_read(m, "bb", &allowed, &challenge) <= 0)
                return "polkit gives no answer that makes sense.";
        if (allowed)
                return NULL;
        if (challenge)
                return "An administrator's password is needed, and nothing is there to ask for it.";
        return was_dismissed(m) ? "The question for a password was cancelled." :
                                  "The password was wrong, or this is not allowed here.";
}

static int on_polkit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct authorization *pending = userdata;
        const char *refusal = find_refusal(m);

        (void) error;
        pending->slot = sd_bus_slot_unref(pending->slot);
        if (refusal)
                refuse(pending, refusal);
        else
                allow(pending);
        return 0;
}

static int ask_polkit(struct authorization *pending) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint32_t flags = 0;
        int r;

        if (sd_bus_message_get_allow_interactive_authorization(pending->call) > 0)
                flags |= POLKIT_ALLOW_INTERACTION;
        r = sd_bus_message_new_method_call(pending->authority->manager->bus, &m, POLKIT_BUS_NAME, POLKIT_PATH,
                                           POLKIT_INTERFACE, "CheckAuthorization");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(pending->call), pending->action,
                                  2, "polkit.message", MESSAGE, "unit", pending->unit, flags, "");
        if (r < 0)
                return r;
        return sd_bus_call_async(pending->authority->manager->bus, &pending->slot, m, on_polkit, pending,
                                 POLKIT_TIMEOUT_USEC);
}

static bool is_users(const struct authority *a) {
        return a->manager->scope == SCOPE_USER;
}

static int on_leaving(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct authorization *pending = userdata;

        (void) error;
        if (streq_ptr(sd_bus_message_get_sender(m), DBUS_BUS_NAME))
                authorization_done(pending);
        return 0;
}

static int authorization_start(struct authorization *pending) {
        const char *sender = sd_bus_message_get_sender(pending->call);
        sd_bus *bus = pending->authority->manager->bus;
        char rule[512];
        int r;

        if (!sender)
                return -EINVAL;
        r = snprintf(rule, sizeof(rule),
                     "type='signal',sender='" DBUS_BUS_NAME "',interface='" DBUS_BUS_NAME "',"
                     "member='NameOwnerChanged',arg0='%s',arg2=''", sender);
        if (r < 0 || (size_t) r >= sizeof(rule))
                return -EINVAL;
        r = sd_bus_add_match_async(bus, &pending->leaving, rule, on_leaving, NULL, pending);
        if (r < 0)
                return r;
        if (ask_polkit(pending) < 0)
                refuse(pending, "polkit cannot be asked, so only root may do this.");
        return 0;
}

/* A user's own manager is that user's business, and root may do everything. */
static bool may_without_asking(const struct authority *a, uint32_t uid) {
        return uid == 0 || (is_users(a) && uid == getuid());
}

int authority_check(struct authority *a, sd_bus_message *call, uint32_t uid, const char *action,
                    const char *unit, const char *event, authority_fn fn) {
        struct authorization *unused = NULL;
        unsigned n_user = 0;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(a->pending); i++) {
                if (!a->pending[i].call)
                        unused = &a->pending[i];
                else
                        n_user += a->pending[i].uid == uid;
        }
        if (!unused || n_user >= PENDING_PER_USER_MAX)
                return -EBUSY;
        *unused = (struct authorization) {
                .authority = a,
                .call = sd_bus_message_ref(call),
                .action = action,
                .unit = unit,
                .fn = fn,
                .uid = uid,
        };
        (void) snprintf(unused->event, sizeof(unused->event), "%s", event);
        if (may_without_asking(a, uid)) {
                allow(unused);
                return 0;
        }
        /* Who is polkit on a user's bus is up to the user. */
        if (is_users(a)) {
                refuse(unused, "Only the user whose services these are may do this.");
                return 0;
        }
        r = authorization_start(unused);
        if (r < 0)
                authorization_done(unused);
        return r;
}

void authority_drop(struct authority *a) {
        for (size_t i = 0; i < ELEMENTSOF(a->pending); i++)
                authorization_done(&a->pending[i]);
}

int authority_new(struct authority **ret, struct manager *manager) {
        struct authority *a;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->manager = manager;
        *ret = a;
        return 0;
}

struct authority *authority_free(struct authority *a) {
        if (!a)
                return NULL;
        authority_drop(a);
        free(a);
        return NULL;
}
