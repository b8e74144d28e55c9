/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names of units, as others give them: a name in the first line, the path of a fragment in the second,
 * drop-ins in those below. And what is UTF-8, where libsystemd, the daemon and the store must agree.
 */
#include <systemd/sd-bus.h>

#include <exposured/macro.h>

#include "fuzz.h"
#include "input.h"
#include "message.h"
#include "store/valid.h"
#include "unit.h"
#include "utf8.h"

/* The object path that the unit would have leads back to it. */
static void check_path(const char *name) {
        _cleanup_(freep) char *path = NULL, *again = NULL;

        fuzz_assert(sd_bus_path_encode("/unit", name, &path) >= 0);
        fuzz_assert(sd_bus_path_decode(path, "/unit", &again) > 0);
        fuzz_assert(streq(name, again));
}

static void check_template(const char *name) {
        char instance[UNIT_NAME_SIZE], template[UNIT_NAME_SIZE];

        if (unit_name_instantiate(name, instance) < 0)
                return;
        fuzz_assert(unit_name_is_service(instance));
        fuzz_assert(unit_name_template(instance, template) && streq(template, name));
}

static void check_name(const char *name) {
        char template[UNIT_NAME_SIZE];

        if (unit_name_is_service(name)) {
                fuzz_assert(!unit_name_is_template(name));
                fuzz_assert(strlen(name) < UNIT_NAME_SIZE && utf8_is_valid(name, strlen(name)));
                check_path(name);
                if (unit_name_template(name, template))
                        fuzz_assert(unit_name_is_template(template));
        } else if (unit_name_is_template(name))
                check_template(name);
        (void) unit_name_is_passing(name);
}

static void check_files(char *name, struct input *input) {
        struct unit unit = { .name = name, .fragment_path = input_line(input) };

        while (!input_at_end(input)) {
                _cleanup_(freep) char *path = input_line(input);

                fuzz_assert(strv_extend(&unit.drop_in_paths, path) >= 0);
        }
        (void) unit_has_own_files(&unit);
        free(unit.fragment_path);
        strv_free(unit.drop_in_paths);
}

/* For the journal: valid whatever it was, and no control character. */
static void check_clean(const char *text) {
        char clean[128];
        size_t n;

        utf8_clean(text, clean, sizeof(clean));
        n = strlen(clean);
        fuzz_assert(utf8_is_valid(clean, n) && utf8_fit(clean, sizeof(clean)) == n);
        for (size_t i = 0, k; i < n; i += k) {
                k = utf8_character_length(clean + i, n - i);
                fuzz_assert(!utf8_is_control(clean + i, k));
        }
}

/* A NUL ends what the bus takes. */
static void check_utf8(const uint8_t *data, size_t size) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        struct input input = input_open(data, size);
        _cleanup_(freep) char *text = input_rest(&input);
        size_t length = strlen(text);
        bool valid = utf8_is_valid(text, length);

        check_clean(text);
        fuzz_assert(valid_utf8(text, length) == valid);
        fuzz_assert(sd_bus_message_new_signal(message_bus(), &m, "/", "org.exposured.Test", "Test") >= 0);
        fuzz_assert((sd_bus_message_append_basic(m, 's', text) >= 0) == valid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_(freep) char *name = input_line(&input);

        check_name(name);
        if (*name)
                check_files(name, &input);
        check_utf8(data, size);
        return 0;
}
