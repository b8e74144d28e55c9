/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "direct.h"
#include "message.h"

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct direct *direct = userdata;
        uint8_t type;

        (void) error;
        message_ok(sd_bus_message_get_type(m, &type));
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        ck_assert_uint_lt(direct->n_calls, DIRECT_CALLS_MAX);
        direct->calls[direct->n_calls++] = sd_bus_message_ref(m);
        direct->n_calls_ever++;
        return 1;
}

void direct_open(struct direct *direct) {
        sd_id128_t id;
        int fds[2];

        *direct = (struct direct) {};
        message_ok(sd_event_new(&direct->event));
        message_ok(sd_bus_new(&direct->near));
        message_ok(sd_bus_new(&direct->far));
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        message_ok(sd_bus_set_fd(direct->near, fds[0], fds[0]));
        message_ok(sd_bus_set_fd(direct->far, fds[1], fds[1]));
        message_ok(sd_id128_randomize(&id));
        message_ok(sd_bus_set_server(direct->far, true, id));
        message_ok(sd_bus_set_anonymous(direct->far, true));
        message_ok(sd_bus_add_filter(direct->far, NULL, on_call, direct));
        message_ok(sd_bus_start(direct->far));
        message_ok(sd_bus_start(direct->near));
        message_ok(sd_bus_attach_event(direct->near, direct->event, 0));
        message_ok(sd_bus_attach_event(direct->far, direct->event, 0));
        direct_handle(direct);
}

static void forget_call(struct direct *direct, size_t i) {
        ck_assert_uint_lt(i, direct->n_calls);
        sd_bus_message_unref(direct->calls[i]);
        direct->n_calls--;
        memmove(direct->calls + i, direct->calls + i + 1, (direct->n_calls - i) * sizeof(*direct->calls));
}

void direct_close(struct direct *direct) {
        while (direct->n_calls > 0)
                forget_call(direct, 0);
        (void) sd_bus_detach_event(direct->near);
        (void) sd_bus_detach_event(direct->far);
        direct->near = sd_bus_close_unref(direct->near);
        direct->far = sd_bus_close_unref(direct->far);
        direct->event = sd_event_unref(direct->event);
}

/* Both ends are in this process: what is sent is there to be read. */
void direct_handle(struct direct *direct) {
        int r;

        do {
                r = sd_event_run(direct->event, 0);
                message_ok(r);
        } while (r > 0);
}

sd_bus_message *direct_call(struct direct *direct, const char *member) {
        ck_assert_msg(direct->n_calls > 0, "No call waits, least of all %s", member);
        ck_assert_str_eq(sd_bus_message_get_member(direct->calls[0]), member);
        return direct->calls[0];
}

void direct_reply(struct direct *direct, size_t i, const char *signature, ...) {
        sd_bus_message *reply;
        va_list ap;

        ck_assert_uint_lt(i, direct->n_calls);
        message_ok(sd_bus_message_new_method_return(direct->calls[i], &reply));
        va_start(ap, signature);
        message_ok(sd_bus_message_appendv(reply, signature, ap));
        va_end(ap);
        message_ok(sd_bus_send(NULL, reply, NULL));
        sd_bus_message_unref(reply);
        forget_call(direct, i);
        direct_handle(direct);
}

void direct_refuse(struct direct *direct, size_t i, const char *error) {
        ck_assert_uint_lt(i, direct->n_calls);
        message_ok(sd_bus_reply_method_errorf(direct->calls[i], error, "Refused."));
        forget_call(direct, i);
        direct_handle(direct);
}

void direct_signal(struct direct *direct, const char *sender, const char *path, const char *interface,
                   const char *member, const char *signature, ...) {
        sd_bus_message *m;
        va_list ap;

        message_ok(sd_bus_message_new_signal(direct->far, &m, path, interface, member));
        message_ok(sd_bus_message_set_sender(m, sender));
        va_start(ap, signature);
        message_ok(sd_bus_message_appendv(m, signature, ap));
        va_end(ap);
        message_ok(sd_bus_send(direct->far, m, NULL));
        sd_bus_message_unref(m);
        direct_handle(direct);
}
