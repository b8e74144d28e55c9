/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "api.h"
#include "log.h"
#include "lookup.h"
#include "manager.h"
#include "systemd.h"
#include "timer.h"

#define LOOKUPS_MAX 64U
#define LOOKUPS_PER_USER_MAX 16U

/* A call that waits for its answer. */
struct lookup {
        sd_bus_message *call;
        uint32_t uid;
        char name[UNIT_NAME_SIZE];
};

struct lookups {
        struct manager *manager;
        struct timer *timer;            /* until the next may be made */
        struct lookup queue[LOOKUPS_MAX]; /* the first is under way, if any is */
        size_t n_queue;
        sd_bus_slot *slot;              /* of the question whether who asked first is there still */
        bool present;                   /* that one is; the look-up waits for room alone */
        bool under_way;
        bool suspended;
        uint64_t next;                  /* monotonic, µs: not before then */
        uint64_t count;
};

static unsigned count_user(const struct lookups *l, uint32_t uid) {
        unsigned n = 0;

        for (size_t i = 0; i < l->n_queue; i++)
                n += l->queue[i].uid == uid;
        return n;
}

static void pop(struct lookups *l) {
        sd_bus_message_unref(l->queue[0].call);
        l->present = false;
        l->n_queue--;
        memmove(l->queue, l->queue + 1, l->n_queue * sizeof(l->queue[0]));
}

/* All that the sender of the first one has asked. */
static void pop_sender(struct lookups *l) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *first = sd_bus_message_ref(l->queue[0].call);
        size_t n = 0;

        for (size_t i = 0; i < l->n_queue; i++)
                if (streq_ptr(sd_bus_message_get_sender(l->queue[i].call), sd_bus_message_get_sender(first)))
                        sd_bus_message_unref(l->queue[i].call);
                else
                        l->queue[n++] = l->queue[i];
        l->n_queue = n;
}

/* Why systemd has no settings to show, as an error of our own; NULL where it has. */
static const char *load_state_to_error(const char *load_state, const char **ret_text) {
        static const struct {
                const char *load_state, *error, *text;
        } table[] = {
                { "not-found", EXPOSURED_ERROR_NO_SUCH_UNIT, "was not found" },
                { "masked", EXPOSURED_ERROR_UNIT_MASKED, "is masked" },
                { "bad-setting", EXPOSURED_ERROR_UNIT_BAD_SETTING, "has a bad setting and was not loaded" },
                { "error", EXPOSURED_ERROR_UNIT_BAD_SETTING, "could not be loaded" },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (streq_ptr(load_state, table[i].load_state)) {
                        *ret_text = table[i].text;
                        return table[i].error;
                }
        *ret_text = "is not loaded";
        return streq_ptr(load_state, "loaded") ? NULL : EXPOSURED_ERROR_NO_SUCH_UNIT;
}

/* Only units that are loaded for good are in the table; this one is made for the answer alone. */
static int reply_reading(struct manager *m, sd_bus_message *call, const char *name, struct reading *reading) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct unit *unit;
        int r;

        unit = unit_new(reading->id ?: name);
        if (!unit)
                return -ENOMEM;
        manager_assess_once(m, unit, reading);
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = api_append_unit(reply, unit);
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        unit_free(unit);
        return r;
}

static int reply_problem(sd_bus_message *call, const char *name, enum read_result result, const char *problem) {
        switch (result) {
        case READ_INVALID:
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_UNIT_BAD_SETTING,
                                                  "Unit %s cannot be assessed: %s makes no sense.", name, problem);
        case READ_NO_MEMORY:
                return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_NO_MEMORY, "Out of memory.");
        default:
                if (streq(problem, SD_BUS_ERROR_NO_REPLY) || streq(problem, SD_BUS_ERROR_TIMEOUT))
                        return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_MANAGER_UNAVAILABLE,
                                                          "The service manager does not answer about %s.", name);
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_NO_SUCH_UNIT,
                                                  "Unit %s cannot be read from the service manager (%s).", name,
                                                  problem);
        }
}

static int reply(struct lookups *l, const char *name, enum read_result result, struct reading *reading,
                 const char *problem) {
        sd_bus_message *call = l->queue[0].call;
        const char *error, *text;

        if (result != READ_DONE)
                return reply_problem(call, name, result, problem);
        error = load_state_to_error(reading->load_state, &text);
        if (error)
                return sd_bus_reply_method_errorf(call, error, "Unit %s %s.", name, text);
        return reply_reading(l->manager, call, name, reading);
}

void lookups_read_ended(struct lookups *l, const char *name, enum read_result result, struct reading *reading,
                        const char *problem) {
        int r;

        if (!l->under_way)
                return;
        l->under_way = false;
        r = reply(l, name, result, reading, problem);
        api_ensure_reply(l->queue[0].call, r);
        pop(l);
        lookups_advance(l);
}

static void lookup_start(struct lookups *l) {
        int r;

        l->next = timer_now() + USEC_PER_SEC / l->manager->config.lookups_per_second;
        l->count++;
        l->under_way = true;
        r = reader_read(l->manager->reader, READ_LOOKUP, l->queue[0].name);
        if (r < 0)
                lookups_read_ended(l, l->queue[0].name, READ_NO_MEMORY, NULL, strerror(-r));
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct lookups *l = userdata;

        (void) error;
        l->slot = sd_bus_slot_unref(l->slot);
        l->present = !sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER);
        if (!l->present)
                pop_sender(l);
        lookups_advance(l);
        return 0;
}

/* Systemd has no work for one who has left meanwhile. */
void lookups_advance(struct lookups *l) {
        uint64_t now = timer_now();
        int r;

        if (l->suspended || l->slot || l->under_way || l->n_queue == 0 || timer_is_armed(l->timer))
                return;
        if (now < l->next) {
                timer_arm(l->timer, l->next - now);
                return;
        }
        if (!reader_has_room(l->manager->reader))
                return;
        if (l->present) {
                lookup_start(l);
                return;
        }
        r = sd_bus_call_method_async(l->manager->bus, &l->slot, DBUS_BUS_NAME, "/org/freedesktop/DBus", DBUS_BUS_NAME,
                                     "GetNameOwner", on_owner, l, "s", sd_bus_message_get_sender(l->queue[0].call));
        if (r < 0)
                lookup_start(l);
}

static void on_timer(void *userdata) {
        lookups_advance(userdata);
}

int lookups_request(struct lookups *l, sd_bus_message *call, const char *name, uint32_t uid) {
        struct lookup *lookup;

        if (l->n_queue >= LOOKUPS_MAX || count_user(l, uid) >= LOOKUPS_PER_USER_MAX)
                return -EBUSY;
        lookup = &l->queue[l->n_queue++];
        lookup->call = sd_bus_message_ref(call);
        lookup->uid = uid;
        (void) snprintf(lookup->name, sizeof(lookup->name), "%s", name);
        lookups_advance(l);
        return 0;
}

void lookups_suspend(struct lookups *l) {
        l->suspended = true;
        l->under_way = l->present = false;
        l->slot = sd_bus_slot_unref(l->slot);
        timer_disarm(l->timer);
}

void lookups_resume(struct lookups *l) {
        l->suspended = false;
        lookups_advance(l);
}

void lookups_drop(struct lookups *l) {
        lookups_suspend(l);
        while (l->n_queue > 0)
                pop(l);
}

uint64_t lookups_count(const struct lookups *l) {
        return l->count;
}

int lookups_new(struct lookups **ret, struct manager *manager) {
        struct lookups *l;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->manager = manager;
        l->suspended = true;
        r = timer_new(&l->timer, manager->event, on_timer, l);
        if (r < 0) {
                lookups_free(l);
                return r;
        }
        *ret = l;
        return 0;
}

struct lookups *lookups_free(struct lookups *l) {
        if (!l)
                return NULL;
        while (l->n_queue > 0)
                pop(l);
        sd_bus_slot_unref(l->slot);
        timer_free(l->timer);
        free(l);
        return NULL;
}
