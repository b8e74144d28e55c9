/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "codec.h"
#include "internal.h"
#include "row.h"
#include "valid.h"

static bool baseline_is_valid(const struct store_baseline *baseline) {
        return valid_name(baseline->unit, STORE_UNIT_MAX) &&
                valid_text(baseline->systemd_version, VERSION_MAX) &&
                (!baseline->model_version || valid_text(baseline->model_version, VERSION_MAX)) &&
                baseline->taken <= TIME_MAX &&
                baseline->seen <= TIME_MAX &&
                baseline->assessment.exposure <= 100;
}

int store_put_baseline(struct store *store, const struct store_baseline *baseline) {
        _cleanup_(freep) char *facts = NULL, *settled = NULL, *checks = NULL;
        int r;

        if (!baseline_is_valid(baseline))
                return -EINVAL;
        r = facts_write(&baseline->facts, &facts);
        /* Mostly it is the baseline. */
        if (r >= 0 && !facts_equal(&baseline->facts, &baseline->settled))
                r = facts_write(&baseline->settled, &settled);
        if (r >= 0)
                r = badness_write(baseline->assessment.badness, &checks);
        if (r < 0)
                return r;
        r = statement_run(store, STATEMENT_BASELINE_PUT, VALUES(
                                  value_text(baseline->unit),
                                  value_text(baseline->systemd_version),
                                  value_text(baseline->model_version),
                                  value_number(baseline->taken),
                                  value_text(facts),
                                  value_text(settled),
                                  value_text(checks),
                                  value_number(baseline->composite),
                                  value_number(baseline->gone),
                                  value_number(baseline->assessment.exposure),
                                  value_number(baseline->assessment.sum),
                                  value_number(baseline->assessment.total),
                                  value_number(baseline->files_signature)));
        return r < 0 ? r : store_touch_baseline(store, baseline->unit, baseline->seen);
}

int store_touch_baseline(struct store *store, const char *unit, uint64_t seen) {
        if (!valid_name(unit, STORE_UNIT_MAX) || seen > TIME_MAX)
                return -EINVAL;
        return statement_run(store, STATEMENT_BASELINE_TOUCH, VALUES(value_text(unit), value_number(seen)));
}

int store_remove_baseline(struct store *store, const char *unit) {
        int r;

        if (!valid_name(unit, STORE_UNIT_MAX))
                return -EINVAL;
        r = store_forget_files(store, unit);
        return r < 0 ? r : statement_run(store, STATEMENT_BASELINE_REMOVE, VALUES(value_text(unit)));
}

static void baseline_read(struct row *row, void *ret) {
        struct store_baseline *baseline = ret;
        const char *settled;
        int r;

        *baseline = (struct store_baseline) {};
        baseline->unit = row_text(row, STORE_UNIT_MAX);
        baseline->systemd_version = row_text(row, VERSION_MAX);
        baseline->model_version = row_text_or_null(row, VERSION_MAX);
        baseline->taken = row_number(row, TIME_MAX);
        baseline->seen = row_number(row, TIME_MAX);
        r = facts_read(row_text(row, FACTS_MAX), &baseline->facts);
        if (r < 0)
                row_fail(row, r);
        settled = row_text_or_null(row, FACTS_MAX);
        baseline->settled = baseline->facts;
        r = settled ? facts_read(settled, &baseline->settled) : 0;
        if (r < 0)
                row_fail(row, r);
        r = badness_read(row_text(row, CHECKS_MAX), baseline->assessment.badness);
        if (r < 0)
                row_fail(row, r);
        baseline->composite = row_number(row, 1);
        baseline->gone = row_number(row, 1);
        baseline->assessment.exposure = (uint8_t) row_number(row, 100);
        baseline->assessment.sum = row_bits(row);
        baseline->assessment.total = row_bits(row);
        baseline->files_signature = row_bits(row);
        if (*baseline->unit == '\0')
                row_fail(row, -EBADMSG);
}

int store_each_baseline(struct store *store, store_baseline_fn fn, void *userdata) {
        int64_t at = INT64_MIN;

        for (;;) {
                _cleanup_(arena_done) struct arena arena = {};
                struct store_baseline baseline;
                int r;

                r = row_next(store, STATEMENT_BASELINE_NEXT, NULL, &at, &arena, baseline_read, &baseline);
                if (r <= 0)
                        return r;
                r = fn(userdata, &baseline);
                if (r < 0)
                        return r;
        }
}
