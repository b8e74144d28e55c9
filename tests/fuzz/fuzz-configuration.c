/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* exposured.conf. Every option stays within its bounds. */
#include <syslog.h>

#include <exposured/macro.h>

#include "configuration.h"
#include "fuzz.h"
#include "input.h"
#include "log.h"
#include "timer.h"

#define USEC_PER_DAY (UINT64_C(86400) * USEC_PER_SEC)

static void check_bounds(const struct config *c) {
        fuzz_assert(c->units_max >= 1 && c->units_max <= 1000000);
        fuzz_assert(c->call_timeout_usec >= USEC_PER_SEC && c->call_timeout_usec <= 3600 * USEC_PER_SEC);
        fuzz_assert(c->lookups_per_second >= 1 && c->lookups_per_second <= 1000);
        fuzz_assert(c->settle_usec <= 3600 * USEC_PER_SEC);
        fuzz_assert(c->new_unit_exposure_max <= 100);
        fuzz_assert(c->history_max >= 100 && c->history_max <= 10000000);
        fuzz_assert(c->history_age_usec >= USEC_PER_DAY && c->history_age_usec <= 36500 * USEC_PER_DAY);
        fuzz_assert(c->baseline_age_usec >= USEC_PER_DAY && c->baseline_age_usec <= 36500 * USEC_PER_DAY);
        fuzz_assert(c->log_level >= LOG_ERR && c->log_level <= LOG_DEBUG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_(freep) char *text = input_rest(&input);
        struct config config;
        unsigned n_lines = 1, n_wrong;

        for (const char *c = text; *c; c++)
                n_lines += *c == '\n';
        log_set_max_level(LOG_EMERG);
        config_init(&config);
        n_wrong = config_parse(&config, "configuration", text);
        fuzz_assert(n_wrong <= n_lines);
        check_bounds(&config);
        return 0;
}
