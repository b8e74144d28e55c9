/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "codec.h"
#include "internal.h"
#include "row.h"
#include "valid.h"

/* A regression with room for its checks. */
struct read_regression {
        struct store_regression regression;
        struct check_change checks[_CHECK_MAX];
};

int store_put_regression(struct store *store, const struct store_regression *regression) {
        _cleanup_(freep) char *checks = NULL;
        int r;

        if (!valid_name(regression->unit, STORE_UNIT_MAX) || !valid_id(regression->id) ||
            regression->since > TIME_MAX)
                return -EINVAL;
        r = changes_write(regression->checks, regression->n_checks, &checks);
        if (r < 0)
                return r;
        return statement_run(store, STATEMENT_REGRESSION_PUT, VALUES(
                                     value_text(regression->unit),
                                     value_text(regression->id),
                                     value_number(regression->since),
                                     value_text(checks)));
}

int store_remove_regression(struct store *store, const char *unit) {
        if (!valid_name(unit, STORE_UNIT_MAX))
                return -EINVAL;
        return statement_run(store, STATEMENT_REGRESSION_REMOVE, VALUES(value_text(unit)));
}

static void regression_read(struct row *row, void *ret) {
        struct read_regression *read = ret;
        struct store_regression *regression = &read->regression;
        int r;

        *regression = (struct store_regression) { .checks = read->checks };
        regression->unit = row_text(row, STORE_UNIT_MAX);
        regression->id = row_id(row);
        regression->since = row_number(row, TIME_MAX);
        r = changes_read(row_text(row, CHECKS_MAX), read->checks, &regression->n_checks);
        if (r < 0)
                row_fail(row, r);
        if (*regression->unit == '\0')
                row_fail(row, -EBADMSG);
}

int store_each_regression(struct store *store, store_regression_fn fn, void *userdata) {
        int64_t at = INT64_MIN;

        for (;;) {
                _cleanup_(arena_done) struct arena arena = {};
                struct read_regression read;
                int r;

                r = row_next(store, STATEMENT_REGRESSION_NEXT, NULL, &at, &arena, regression_read, &read);
                if (r <= 0)
                        return r;
                r = fn(userdata, &read.regression);
                if (r < 0)
                        return r;
        }
}
