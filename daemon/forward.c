/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>

#include <exposured/macro.h>

#include "api.h"
#include "forward.h"
#include "systemd.h"

#define FORWARDS_MAX 32U
#define FORWARDS_PER_USER_MAX 4U

struct forward {
        struct forwards *forwards;
        sd_bus_message *call;           /* NULL: free */
        uint32_t uid;
        sd_bus_slot *slot;              /* of the call to ourselves */
};

struct forwards {
        sd_bus *bus;
        void (*done)(void *userdata);
        void *userdata;
        struct forward places[FORWARDS_MAX];
};

static void forward_done(struct forward *forward) {
        forward->slot = sd_bus_slot_unref(forward->slot);
        forward->call = sd_bus_message_unref(forward->call);
}

static int reply(sd_bus_message *call, sd_bus_message *answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        if (sd_bus_message_is_method_error(answer, NULL))
                return sd_bus_reply_method_error(call, sd_bus_message_get_error(answer));
        r = sd_bus_message_new_method_return(call, &m);
        if (r >= 0)
                r = sd_bus_message_copy(m, answer, true);
        return r < 0 ? r : sd_bus_send(NULL, m, NULL);
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *error) {
        struct forward *forward = userdata;
        struct forwards *forwards = forward->forwards;

        (void) error;
        api_ensure_reply(forward->call, reply(forward->call, answer));
        forward_done(forward);
        forwards->done(forwards->userdata);
        return 0;
}

static int forward_start(struct forward *forward, sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus_message *call = forward->call;
        const char *ourselves;
        int r;

        r = sd_bus_get_unique_name(bus, &ourselves);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, ourselves, sd_bus_message_get_path(call),
                                                   sd_bus_message_get_interface(call),
                                                   sd_bus_message_get_member(call));
        if (r >= 0)
                r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_copy(m, call, true);
        return r < 0 ? r : sd_bus_call_async(bus, &forward->slot, m, on_answer, forward, 0);
}

bool forwards_is_ours(const struct forwards *forwards, sd_bus_message *call) {
        const char *ourselves, *sender = sd_bus_message_get_sender(call);

        return sender && sd_bus_get_unique_name(forwards->bus, &ourselves) >= 0 && streq(sender, ourselves);
}

bool forwards_has_room(const struct forwards *forwards, uint32_t uid) {
        unsigned n = 0, n_user = 0;

        for (size_t i = 0; i < FORWARDS_MAX; i++) {
                n += forwards->places[i].call != NULL;
                n_user += forwards->places[i].call && forwards->places[i].uid == uid;
        }
        return n < FORWARDS_MAX && n_user < FORWARDS_PER_USER_MAX;
}

int forwards_call(struct forwards *forwards, sd_bus_message *call, uint32_t uid) {
        struct forward *forward = forwards->places;
        int r;

        if (!forwards_has_room(forwards, uid))
                return -EBUSY;
        while (forward->call)
                forward++;
        *forward = (struct forward) {
                .forwards = forwards,
                .call = sd_bus_message_ref(call),
                .uid = uid,
        };
        r = forward_start(forward, forwards->bus);
        if (r < 0)
                forward_done(forward);
        return r < 0 ? r : 0;
}

int forwards_new(struct forwards **ret, sd_bus *bus, void (*done)(void *userdata), void *userdata) {
        struct forwards *forwards;

        forwards = calloc(1, sizeof(*forwards));
        if (!forwards)
                return -ENOMEM;
        forwards->bus = sd_bus_ref(bus);
        forwards->done = done;
        forwards->userdata = userdata;
        *ret = forwards;
        return 0;
}

struct forwards *forwards_free(struct forwards *forwards) {
        if (!forwards)
                return NULL;
        for (size_t i = 0; i < FORWARDS_MAX; i++)
                forward_done(&forwards->places[i]);
        sd_bus_unref(forwards->bus);
        free(forwards);
        return NULL;
}
