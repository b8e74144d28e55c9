/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "internal.h"
#include "row.h"
#include "valid.h"

int store_put_text(struct store *store, const char *key, const char *value) {
        if (!valid_name(key, KEY_MAX) || !valid_text(value, VALUE_MAX))
                return -EINVAL;
        return statement_run(store, STATEMENT_TEXT_PUT, VALUES(value_text(key), value_text(value)));
}

int store_get_text(struct store *store, const char *key, char **ret_value) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        _cleanup_(arena_done) struct arena arena = {};
        struct row row = { .arena = &arena };
        const char *value;
        int r;

        if (!valid_name(key, KEY_MAX))
                return -EINVAL;
        *ret_value = NULL;
        r = statement_start(store, STATEMENT_TEXT_GET, VALUES(value_text(key)), &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        if (r <= 0)
                return r;
        row.stmt = stmt;
        value = row_text(&row, VALUE_MAX);
        if (row.error == -EBADMSG) {
                store->bad_rows++;
                return 0;
        }
        if (row.error < 0)
                return row.error;
        *ret_value = strdup(value);
        return *ret_value ? 0 : -ENOMEM;
}
