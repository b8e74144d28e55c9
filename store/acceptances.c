/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "codec.h"
#include "internal.h"
#include "row.h"
#include "valid.h"

static bool acceptance_is_valid(const struct store_acceptance *acceptance) {
        return valid_name(acceptance->unit, STORE_UNIT_MAX) &&
                valid_id(acceptance->id) &&
                acceptance->until <= TIME_MAX &&
                valid_text(acceptance->systemd_version, VERSION_MAX) &&
                (!acceptance->model_version || valid_text(acceptance->model_version, VERSION_MAX));
}

int store_put_acceptance(struct store *store, const struct store_acceptance *acceptance) {
        _cleanup_(freep) char *facts = NULL, *checks = NULL;
        int r;

        if (!acceptance_is_valid(acceptance))
                return -EINVAL;
        r = facts_write(&acceptance->facts, &facts);
        if (r >= 0 && acceptance->composite)
                r = badness_write(acceptance->badness, &checks);
        if (r < 0)
                return r;
        return statement_run(store, STATEMENT_ACCEPTANCE_PUT, VALUES(
                                     value_text(acceptance->unit),
                                     value_text(acceptance->id),
                                     value_number(acceptance->until),
                                     value_text(facts),
                                     value_text(acceptance->systemd_version),
                                     value_text(acceptance->model_version),
                                     value_text(checks)));
}

int store_remove_acceptance(struct store *store, const char *unit) {
        if (!valid_name(unit, STORE_UNIT_MAX))
                return -EINVAL;
        return statement_run(store, STATEMENT_ACCEPTANCE_REMOVE, VALUES(value_text(unit)));
}

static void acceptance_read(struct row *row, void *ret) {
        struct store_acceptance *acceptance = ret;
        const char *checks;
        int r;

        *acceptance = (struct store_acceptance) {};
        acceptance->unit = row_text(row, STORE_UNIT_MAX);
        acceptance->id = row_id(row);
        acceptance->until = row_number(row, TIME_MAX);
        r = facts_read(row_text(row, FACTS_MAX), &acceptance->facts);
        if (r < 0)
                row_fail(row, r);
        acceptance->systemd_version = row_text(row, VERSION_MAX);
        acceptance->model_version = row_text_or_null(row, VERSION_MAX);
        checks = row_text_or_null(row, CHECKS_MAX);
        acceptance->composite = checks;
        r = checks ? badness_read(checks, acceptance->badness) : 0;
        if (r < 0)
                row_fail(row, r);
        if (*acceptance->unit == '\0')
                row_fail(row, -EBADMSG);
}

int store_each_acceptance(struct store *store, store_acceptance_fn fn, void *userdata) {
        int64_t at = INT64_MIN;

        for (;;) {
                _cleanup_(arena_done) struct arena arena = {};
                struct store_acceptance acceptance;
                int r;

                r = row_next(store, STATEMENT_ACCEPTANCE_NEXT, NULL, &at, &arena, acceptance_read,
                             &acceptance);
                if (r <= 0)
                        return r;
                r = fn(userdata, &acceptance);
                if (r < 0)
                        return r;
        }
}
