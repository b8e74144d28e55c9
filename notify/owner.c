/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "owner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

#define DBUS_BUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

struct owner {
        sd_bus *bus;
        const char *name;
        owner_fn fn;
        void *userdata;
        sd_bus_slot *match_slot, *get_slot;
        char *unique;
        bool known;
};

static void set(struct owner *owner, const char *unique) {
        if (owner->known && streq_ptr(owner->unique, unique))
                return;
        free(owner->unique);
        owner->unique = unique ? strdup(unique) : NULL;
        owner->known = true;
        owner->fn(owner->userdata, owner->unique);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct owner *owner = userdata;
        const char *sender = sd_bus_message_get_sender(m), *name, *before, *after;

        (void) error;
        if (!sender || !streq(sender, DBUS_BUS_NAME) ||
            sd_bus_message_read(m, "sss", &name, &before, &after) < 0 || !streq(name, owner->name))
                return 0;
        /* Newer than what was asked for. */
        owner->get_slot = sd_bus_slot_unref(owner->get_slot);
        /* From one to the next without a gap: two changes. */
        if (*before && *after)
                set(owner, NULL);
        set(owner, *after ? after : NULL);
        return 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct owner *owner = userdata;
        const char *unique;

        (void) error;
        owner->get_slot = sd_bus_slot_unref(owner->get_slot);
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "s", &unique) < 0)
                unique = NULL;
        set(owner, unique);
        return 0;
}

int owner_new(struct owner **ret, sd_bus *bus, const char *name, owner_fn fn, void *userdata) {
        _cleanup_(owner_freep) struct owner *owner = calloc(1, sizeof(*owner));
        char match[512];
        int r;

        if (!owner)
                return -ENOMEM;
        owner->bus = sd_bus_ref(bus);
        owner->name = name;
        owner->fn = fn;
        owner->userdata = userdata;
        r = snprintf(match, sizeof(match),
                     "type='signal',sender='" DBUS_BUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_BUS_NAME
                     "',member='NameOwnerChanged',arg0='%s'", name);
        if (r < 0 || (size_t) r >= sizeof(match))
                return -EINVAL;
        r = sd_bus_add_match_async(bus, &owner->match_slot, match, on_changed, NULL, owner);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &owner->get_slot, DBUS_BUS_NAME, DBUS_PATH, DBUS_BUS_NAME,
                                             "GetNameOwner", on_answer, owner, "s", name);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(owner);
        return 0;
}

struct owner *owner_free(struct owner *owner) {
        if (!owner)
                return NULL;
        sd_bus_slot_unref(owner->match_slot);
        sd_bus_slot_unref(owner->get_slot);
        sd_bus_unref(owner->bus);
        free(owner->unique);
        free(owner);
        return NULL;
}

const char *owner_name(const struct owner *owner) {
        return owner ? owner->unique : NULL;
}

bool owner_is_known(const struct owner *owner) {
        return owner && owner->known;
}

bool owner_sent(const struct owner *owner, sd_bus_message *message) {
        const char *sender = sd_bus_message_get_sender(message);

        return sender && streq_ptr(owner_name(owner), sender);
}
