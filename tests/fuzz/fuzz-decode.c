/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What systemd answers about a unit becomes facts. The first line is the property that was asked for, or
 * empty for all of them; then follows the answer, as message.h has it.
 */
#include <errno.h>
#include <limits.h>

#include <exposured/assessment.h>
#include <exposured/macro.h>

#include "fuzz.h"
#include "message.h"
#include "reading.h"
#include "store/codec.h"
#include "utf8.h"

static bool no_syscall(const char *name, void *userdata) {
        (void) name, (void) userdata;
        return false;
}

static void check_text(const char *text) {
        fuzz_assert(!text || (*text && strlen(text) < PATH_MAX && utf8_is_valid(text, strlen(text))));
}

/* Whatever it was, it has a score, and can be kept. */
static void check_facts(const struct facts *facts) {
        static const unsigned versions[] = { 0, 252, 257, 262 };
        _cleanup_(freep) char *text = NULL;
        struct assessment assessment;
        struct facts again;
        struct model model;

        for (size_t i = 0; i < ELEMENTSOF(versions); i++) {
                model_init(&model, versions[i], i % 2 ? SCOPE_SYSTEM : SCOPE_USER, NULL, no_syscall, NULL);
                assess(&model, facts, &assessment);
                fuzz_assert(assessment.exposure <= 100 && assessment.sum <= assessment.total);
                model_done(&model);
        }
        fuzz_assert(facts_write(facts, &text) == 0);
        fuzz_assert(facts_read(text, &again) == 0);
        fuzz_assert(facts_equal(facts, &again));
}

static void check_reading(const struct reading *reading) {
        size_t n = 0;

        check_facts(&reading->facts);
        check_text(reading->id);
        check_text(reading->load_state);
        check_text(reading->fragment_path);
        for (char **path = reading->drop_in_paths; path && *path; path++, n++)
                fuzz_assert(strlen(*path) < PATH_MAX);
        fuzz_assert(n <= DROP_IN_PATHS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_(freep) char *name = input_line(&input);
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message_take(&input);
        const char *property = NULL;
        struct reading reading;
        int r;

        if (!m)
                return 0;
        reading_init(&reading);
        r = *name ? decode_property(m, name, &reading) : decode_properties(m, &reading, &property);
        fuzz_assert(r == 0 || r == -EBADMSG || r == -ENOENT);
        fuzz_assert(*name || property);
        if (r == 0)
                check_reading(&reading);
        reading_done(&reading);
        return 0;
}
