/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer.h"

#include <string.h>
#include <sys/socket.h>

#include <exposured/macro.h>

#include "fuzz.h"
#include "message.h"

#define CALLS_MAX 64U

static sd_bus *near, *far;
static sd_bus_message *calls[CALLS_MAX];
static size_t n_calls;

static sd_bus_message *take_call(size_t i) {
        sd_bus_message *call = calls[i];

        n_calls--;
        memmove(calls + i, calls + i + 1, (n_calls - i) * sizeof(*calls));
        return call;
}

/* Who has given up waiting does not say so: of too many the oldest is forgotten. */
static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        uint8_t type;

        (void) userdata, (void) error;
        fuzz_assert(sd_bus_message_get_type(m, &type) >= 0);
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        if (!sd_bus_message_get_expect_reply(m))
                return 1;
        if (n_calls == CALLS_MAX)
                sd_bus_message_unref(take_call(0));
        calls[n_calls++] = sd_bus_message_ref(m);
        return 1;
}

static void open_ends(void) {
        sd_id128_t id;
        int fds[2];

        fuzz_assert(sd_bus_new(&near) >= 0 && sd_bus_new(&far) >= 0);
        fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        fuzz_assert(sd_bus_set_fd(near, fds[0], fds[0]) >= 0 && sd_bus_set_fd(far, fds[1], fds[1]) >= 0);
        fuzz_assert(sd_id128_randomize(&id) >= 0 && sd_bus_set_server(far, true, id) >= 0);
        fuzz_assert(sd_bus_set_anonymous(far, true) >= 0);
        fuzz_assert(sd_bus_add_filter(far, NULL, on_message, NULL) >= 0);
        fuzz_assert(sd_bus_start(far) >= 0 && sd_bus_start(near) >= 0);
        while (sd_bus_is_ready(near) == 0 || sd_bus_is_ready(far) == 0)
                peer_handle();
}

sd_bus *peer_bus(void) {
        if (!near)
                open_ends();
        return near;
}

void peer_handle(void) {
        int a, b;

        do {
                a = sd_bus_process(near, NULL);
                b = sd_bus_process(far, NULL);
                fuzz_assert(a >= 0 && b >= 0);
        } while (a > 0 || b > 0);
}

sd_bus_message *peer_take_call(void) {
        return n_calls > 0 ? take_call(0) : NULL;
}

bool peer_send(sd_bus_message *m) {
        if (!m)
                return false;
        fuzz_assert(sd_bus_send(NULL, m, NULL) >= 0);
        sd_bus_message_unref(m);
        peer_handle();
        return true;
}

sd_bus_message *peer_signal(const char *sender, const char *path, const char *interface, const char *member) {
        sd_bus_message *m;

        if (sd_bus_message_new_signal(far, &m, path, interface, member) < 0)
                return NULL;
        fuzz_assert(sd_bus_message_set_sender(m, sender) >= 0);
        return m;
}

/* The message with the body that the input has; NULL where there can be no such body. */
static sd_bus_message *fill(sd_bus_message *m, struct input *input) {
        return m && message_fill(m, input) ? m : sd_bus_message_unref(m);
}

static enum peer_step reply(struct input *input, size_t i) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = n_calls > 0 ? take_call(i) : NULL;
        sd_bus_message *m = NULL;

        fuzz_assert(!call || sd_bus_message_new_method_return(call, &m) >= 0);
        (void) peer_send(fill(m, input));
        return PEER_SENT;
}

static enum peer_step refuse(struct input *input) {
        _cleanup_(freep) char *name = input_line(input), *text = input_line(input);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = peer_take_call();
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;

        if (call && sd_bus_interface_name_is_valid(name) > 0 && sd_bus_error_set(&error, name, text) < 0 &&
            sd_bus_message_new_method_error(call, &m, &error) >= 0)
                (void) peer_send(m);
        return PEER_SENT;
}

static const char *take_sender(struct input *input) {
        static const struct {
                const char *word, *name;
        } senders[] = {
                { "owner", PEER_OWNER },
                { "other", ":1.2" },
                { "bus", "org.freedesktop.DBus" },
                { "stranger", PEER_STRANGER },
        };

        for (size_t i = 0; i < ELEMENTSOF(senders); i++)
                if (input_take(input, senders[i].word))
                        return senders[i].name;
        return PEER_OWNER;
}

static enum peer_step send_signal(struct input *input, const struct peer_signal *signals) {
        _cleanup_(freep) char *path = NULL;
        const char *sender;

        while (signals->member && !input_take(input, signals->member))
                signals++;
        if (!signals->member)
                return PEER_NOTHING;
        sender = take_sender(input);
        if (!signals->path)
                path = input_line(input);
        (void) peer_send(fill(peer_signal(sender, path ?: signals->path, signals->interface, signals->member),
                              input));
        return streq(sender, PEER_STRANGER) ? PEER_SENT_BY_STRANGER : PEER_SENT;
}

enum peer_step peer_step(struct input *input, const struct peer_signal *signals) {
        if (input_take(input, "reply"))
                return reply(input, 0);
        if (input_take(input, "late"))
                return reply(input, n_calls > 0 ? n_calls - 1 : 0);
        if (input_take(input, "error"))
                return refuse(input);
        return input_take(input, "signal") ? send_signal(input, signals) : PEER_NOTHING;
}

void peer_forget(void) {
        peer_handle();
        while (n_calls > 0)
                sd_bus_message_unref(take_call(0));
}
