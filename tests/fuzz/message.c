/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include <string.h>
#include <sys/socket.h>

#include <exposured/macro.h>

#include "fuzz.h"

#define SIGNATURE_MAX 255U
#define VARIANTS_MAX 16U

sd_bus *message_bus(void) {
        static sd_bus *bus;
        int fds[2];

        if (bus)
                return bus;
        fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        fuzz_assert(sd_bus_new(&bus) >= 0);
        fuzz_assert(sd_bus_set_fd(bus, fds[0], fds[0]) >= 0);
        fuzz_assert(sd_bus_start(bus) >= 0);
        return bus;
}

/* Of the first complete type; 0 where there is none. */
static size_t type_length(const char *s) {
        size_t n = 1;

        if (*s == 'a') {
                n = type_length(s + 1);
                return n > 0 ? n + 1 : 0;
        }
        if (*s != '(' && *s != '{')
                return *s && strchr("ybnqiuxtdsogv", *s) ? 1 : 0;
        while (s[n] && s[n] != (*s == '(' ? ')' : '}')) {
                size_t member = type_length(s + n);

                if (member == 0)
                        return 0;
                n += member;
        }
        return s[n] ? n + 1 : 0;
}

static bool append_text(sd_bus_message *m, char type, const char *text) {
        static const char *const otherwise[] = { ['s'] = "?", ['o'] = "/", ['g'] = "s" };

        return sd_bus_message_append_basic(m, type, text) >= 0 ||
               sd_bus_message_append_basic(m, type, otherwise[(unsigned char) type]) >= 0;
}

/* A number as each type has it. */
union number {
        int boolean;
        uint8_t byte;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        double real;
};

static union number to_number(char type, const char *text) {
        uint64_t n = strtoull(text, NULL, 0);

        switch (type) {
        case 'b':
                return (union number) { .boolean = n != 0 };
        case 'y':
                return (union number) { .byte = (uint8_t) n };
        case 'n':
        case 'q':
                return (union number) { .u16 = (uint16_t) n };
        case 'i':
        case 'u':
                return (union number) { .u32 = (uint32_t) n };
        case 'd':
                return (union number) { .real = strtod(text, NULL) };
        default:
                return (union number) { .u64 = n };
        }
}

static bool append_basic(sd_bus_message *m, char type, struct input *input) {
        _cleanup_(freep) char *text = input_line(input);
        union number number;

        if (strchr("sog", type))
                return append_text(m, type, text);
        number = to_number(type, text);
        return sd_bus_message_append_basic(m, type, &number) >= 0;
}

static bool append(sd_bus_message *m, const char *types, size_t n, struct input *input, unsigned depth);

static bool append_variant(sd_bus_message *m, struct input *input, unsigned depth) {
        _cleanup_(freep) char *line = input_line(input);
        size_t n = strlen(line);
        const char *signature = line;

        if (n == 0 || n > SIGNATURE_MAX || type_length(line) != n || depth >= VARIANTS_MAX)
                signature = "s";
        return sd_bus_message_open_container(m, 'v', signature) >= 0 &&
               append(m, signature, strlen(signature), input, depth + 1) &&
               sd_bus_message_close_container(m) >= 0;
}

static bool append_array(sd_bus_message *m, const char *contents, struct input *input, unsigned depth) {
        if (sd_bus_message_open_container(m, 'a', contents) < 0)
                return false;
        while (!input_at_end(input) && !input_take(input, "."))
                if (!append(m, contents, strlen(contents), input, depth))
                        return false;
        return sd_bus_message_close_container(m) >= 0;
}

static bool append_struct(sd_bus_message *m, char type, const char *contents, struct input *input,
                          unsigned depth) {
        return sd_bus_message_open_container(m, type == '(' ? 'r' : 'e', contents) >= 0 &&
               append(m, contents, strlen(contents), input, depth) &&
               sd_bus_message_close_container(m) >= 0;
}

/* One value of a complete type. */
static bool append_type(sd_bus_message *m, const char *type, size_t n, struct input *input, unsigned depth) {
        char contents[SIGNATURE_MAX + 1];
        size_t skip = *type == 'a' ? 1 : 2;

        if (*type == 'v')
                return append_variant(m, input, depth);
        if (n == 1)
                return append_basic(m, *type, input);
        memcpy(contents, type + 1, n - skip);
        contents[n - skip] = '\0';
        return *type == 'a' ? append_array(m, contents, input, depth)
                            : append_struct(m, *type, contents, input, depth);
}

static bool append(sd_bus_message *m, const char *types, size_t n, struct input *input, unsigned depth) {
        while (n > 0) {
                size_t k = type_length(types);

                if (k == 0 || k > n || !append_type(m, types, k, input, depth))
                        return false;
                types += k;
                n -= k;
        }
        return true;
}

bool message_fill(sd_bus_message *m, struct input *input) {
        _cleanup_(freep) char *signature = input_line(input);

        return strlen(signature) <= SIGNATURE_MAX && append(m, signature, strlen(signature), input, 0);
}

sd_bus_message *message_take(struct input *input) {
        sd_bus_message *m;

        fuzz_assert(sd_bus_message_new_signal(message_bus(), &m, "/", "org.exposured.Test", "Test") >= 0);
        if (!message_fill(m, input) || sd_bus_message_seal(m, 1, 0) < 0)
                return sd_bus_message_unref(m);
        fuzz_assert(sd_bus_message_rewind(m, true) >= 0);
        return m;
}
