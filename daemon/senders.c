/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include <exposured/macro.h>

#include "senders.h"
#include "systemd.h"

/* Names that are known or asked for; more than there are calls that may wait for the bus to tell (turns.c). */
#define PLACES 512U
/* ":1.18446744073709551615" is the longest there is. */
#define NAME_SIZE 32U

struct sender {
        struct senders *senders;
        char name[NAME_SIZE];           /* empty: free */
        uint32_t uid;
        uint64_t used;                  /* the higher, the later */
        sd_bus_slot *slot;              /* of the question under way */
};

struct senders {
        sd_bus *bus;
        senders_told_fn told;
        void *userdata;
        uint64_t clock;
        struct sender *last;            /* that was asked for; NULL: none yet */
        struct sender places[PLACES];
};

static unsigned count_user(const struct senders *s, uint32_t uid) {
        unsigned n = 0;

        for (size_t i = 0; i < PLACES; i++)
                n += s->places[i].uid == uid;
        return n;
}

/* Who has the most places, those that the bus was asked for among them. All places are taken. */
static uint32_t user_find_greedy(const struct senders *s) {
        uint32_t greedy = s->places[0].uid;
        unsigned most = count_user(s, greedy);

        for (size_t i = 1; i < PLACES && most <= PLACES / 2; i++) {
                unsigned n = s->places[i].uid == greedy ? 0 : count_user(s, s->places[i].uid);

                if (n > most) {
                        most = n;
                        greedy = s->places[i].uid;
                }
        }
        return greedy;
}

static struct sender *place_find_oldest(struct senders *s, uint32_t uid) {
        struct sender *oldest = NULL;

        for (size_t i = 0; i < PLACES; i++) {
                struct sender *place = &s->places[i];

                if (place->uid == uid && !place->slot && (!oldest || place->used < oldest->used))
                        oldest = place;
        }
        return oldest;
}

/* NULL: it has none. */
static struct sender *place_find(struct senders *s, const char *name) {
        /* Who called last often calls again. */
        if (s->last && streq(s->last->name, name))
                return s->last;
        for (size_t i = 0; i < PLACES; i++)
                if (streq(s->places[i].name, name))
                        return &s->places[i];
        return NULL;
}

/*
 * The place of that name; else the one to put it. Who has the most places gives up the oldest: who comes again and
 * again does not displace others. NULL where most are waiting for the bus.
 */
static struct sender *place_for(struct senders *s, const char *name) {
        struct sender *place = place_find(s, name);

        for (size_t i = 0; i < PLACES && !place; i++)
                if (!*s->places[i].name)
                        place = &s->places[i];
        return place ?: place_find_oldest(s, user_find_greedy(s));
}

static int on_uid(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct sender *sender = userdata;
        struct senders *s = sender->senders;
        uint32_t uid = UINT32_MAX;
        char name[NAME_SIZE];

        (void) error;
        sender->slot = sd_bus_slot_unref(sender->slot);
        memcpy(name, sender->name, sizeof(name));
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &uid) <= 0)
                *sender->name = '\0';
        sender->uid = uid;
        s->told(s->userdata, name, uid);
        return 0;
}

int senders_get(struct senders *s, const char *name, uint32_t *ret_uid) {
        struct sender *place;
        int r;

        if (strnlen(name, NAME_SIZE) >= NAME_SIZE)
                return -EINVAL;
        place = place_for(s, name);
        if (!place)
                return -EBUSY;
        place->used = ++s->clock;
        s->last = place;
        if (streq(place->name, name)) {
                *ret_uid = place->uid;
                return place->slot ? 0 : 1;
        }
        r = sd_bus_call_method_async(s->bus, &place->slot, DBUS_BUS_NAME, "/org/freedesktop/DBus", DBUS_BUS_NAME,
                                     "GetConnectionUnixUser", on_uid, place, "s", name);
        if (r < 0)
                return r;
        place->senders = s;
        place->uid = UINT32_MAX;
        memcpy(place->name, name, strlen(name) + 1);
        return 0;
}

int senders_find(struct senders *s, const char *name, uint32_t *ret_uid) {
        struct sender *place = place_find(s, name);

        if (!place || place->slot)
                return 0;
        s->last = place;
        *ret_uid = place->uid;
        return 1;
}

int senders_new(struct senders **ret, sd_bus *bus, senders_told_fn told, void *userdata) {
        struct senders *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->bus = sd_bus_ref(bus);
        s->told = told;
        s->userdata = userdata;
        *ret = s;
        return 0;
}

struct senders *senders_free(struct senders *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < PLACES; i++)
                sd_bus_slot_unref(s->places[i].slot);
        sd_bus_unref(s->bus);
        free(s);
        return NULL;
}
