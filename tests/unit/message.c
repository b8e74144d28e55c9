/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

/* sd-bus makes messages only for a bus that was started; nobody is at the other end of this one. */
sd_bus_message *message_new(void) {
        sd_bus_message *m;
        sd_bus *bus;
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        message_ok(sd_bus_new(&bus));
        message_ok(sd_bus_set_fd(bus, fds[0], fds[0]));
        message_ok(sd_bus_start(bus));
        message_ok(sd_bus_message_new_signal(bus, &m, "/", "org.exposured.Test", "Test"));
        sd_bus_close_unref(bus);
        ck_assert_int_eq(close(fds[1]), 0);

        return m;
}

void message_ok(int r) {
        ck_assert_msg(r >= 0, "%s", strerror(-r));
}

void message_seal(sd_bus_message *m) {
        message_ok(sd_bus_message_seal(m, 1, 0));
        message_ok(sd_bus_message_rewind(m, true));
}

sd_bus_message *properties_new(void) {
        sd_bus_message *m = message_new();

        message_ok(sd_bus_message_open_container(m, 'a', "{sv}"));
        return m;
}

void properties_seal(sd_bus_message *m) {
        message_ok(sd_bus_message_close_container(m));
        message_seal(m);
}

void properties_open(sd_bus_message *m, const char *name, const char *signature) {
        message_ok(sd_bus_message_open_container(m, 'e', "sv"));
        message_ok(sd_bus_message_append(m, "s", name));
        message_ok(sd_bus_message_open_container(m, 'v', signature));
}

void properties_close(sd_bus_message *m) {
        message_ok(sd_bus_message_close_container(m));
        message_ok(sd_bus_message_close_container(m));
}

static void add(sd_bus_message *m, const char *name, const char *signature, va_list ap) {
        properties_open(m, name, signature);
        message_ok(sd_bus_message_appendv(m, signature, ap));
        properties_close(m);
}

void properties_add(sd_bus_message *m, const char *name, const char *signature, ...) {
        va_list ap;

        va_start(ap, signature);
        add(m, name, signature, ap);
        va_end(ap);
}

sd_bus_message *property_message(const char *name, const char *signature, ...) {
        sd_bus_message *m = properties_new();
        va_list ap;

        va_start(ap, signature);
        add(m, name, signature, ap);
        va_end(ap);
        properties_seal(m);

        return m;
}

sd_bus_message *variant_message(const char *signature, ...) {
        sd_bus_message *m = message_new();
        va_list ap;

        message_ok(sd_bus_message_open_container(m, 'v', signature));
        va_start(ap, signature);
        message_ok(sd_bus_message_appendv(m, signature, ap));
        va_end(ap);
        message_ok(sd_bus_message_close_container(m));
        message_seal(m);

        return m;
}
