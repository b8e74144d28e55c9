/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include <exposured/macro.h>

#include "senders.h"
#include "systemd.h"

/* A name is at one of so many places, beginning with one that follows from it. */
#define PLACES 256U
#define TRIES 8U
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
        struct sender places[PLACES];
};

static uint32_t hash(const char *name) {
        uint32_t h = 2166136261U;

        for (; *name; name++)
                h = (h ^ (uint8_t) *name) * 16777619U;
        return h;
}

static unsigned count_user(const struct senders *s, const struct sender *place) {
        unsigned n = 0;

        if (!*place->name)
                return UINT_MAX;
        for (size_t i = 0; i < PLACES; i++)
                n += *s->places[i].name && s->places[i].uid == place->uid;
        return n;
}

/* Who has the most places gives one up, the oldest: who comes again and again does not displace others. */
static bool is_better_place(const struct senders *s, const struct sender *a, const struct sender *b) {
        unsigned n_a = count_user(s, a), n_b = count_user(s, b);

        return n_a != n_b ? n_a > n_b : a->used < b->used;
}

/* The place of that name; else the one to put it, or NULL where all are waiting for the bus. */
static struct sender *place_for(struct senders *s, const char *name) {
        struct sender *free_place = NULL;
        uint32_t first = hash(name);

        for (unsigned i = 0; i < TRIES; i++) {
                struct sender *place = &s->places[(first + i) % PLACES];

                if (streq(place->name, name))
                        return place;
        }
        for (unsigned i = 0; i < TRIES; i++) {
                struct sender *place = &s->places[(first + i) % PLACES];

                if (!place->slot && (!free_place || is_better_place(s, place, free_place)))
                        free_place = place;
        }
        return free_place;
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
