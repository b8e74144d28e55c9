/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "codec.h"
#include "internal.h"
#include "row.h"
#include "valid.h"

/* So many rows are looked up at a time: nothing is held open while the caller looks at them. */
#define PAGE 64U

static void read_head(struct row *row, struct store_event *event) {
        event->id = row_id(row);
        event->event = row_text(row, WORD_MAX);
        event->unit = row_text(row, STORE_UNIT_MAX);
        event->time = row_number(row, TIME_MAX);
        event->before = row_exposure(row);
        event->after = row_exposure(row);
        event->systemd_version = row_text(row, VERSION_MAX);
        event->model_version = row_text_or_null(row, VERSION_MAX);
        event->uid = (uint32_t) row_number_or(row, UINT32_MAX, UINT32_MAX);
        event->reason = row_text_or_null(row, STORE_REASON_MAX);
        event->until = row_number(row, TIME_MAX);
        if (!valid_word(event->event))
                row_fail(row, -EBADMSG);
}

static const struct check_change *read_changes(struct row *row, const char *text, size_t *ret_n) {
        struct check_change changes[_CHECK_MAX], *copy;
        size_t n = 0;
        int r;

        r = changes_read(text, changes, &n);
        if (r < 0) {
                row_fail(row, r);
                return NULL;
        }
        copy = arena_alloc(row->arena, (n + 1) * sizeof(changes[0]));
        if (!copy) {
                row_fail(row, -ENOMEM);
                return NULL;
        }
        memcpy(copy, changes, n * sizeof(changes[0]));
        *ret_n = n;
        return copy;
}

static void read_unit(struct row *row, void *ret) {
        struct store_event_unit *unit = ret;
        const char *own_checks;

        unit->unit = row_text(row, STORE_UNIT_MAX);
        unit->before = row_exposure(row);
        unit->after = row_exposure(row);
        unit->checks = read_changes(row, row_text(row, CHECKS_MAX), &unit->n_checks);
        unit->rated = row_exposure(row);
        own_checks = row_text_or_null(row, CHECKS_MAX);
        unit->changed = own_checks != NULL;
        if (own_checks)
                unit->own_checks = read_changes(row, own_checks, &unit->n_own_checks);
        if (*unit->unit == '\0')
                row_fail(row, -EBADMSG);
}

static const char *const *split_lines(struct row *row, const char *text) {
        size_t n = 1;
        char *line;
        const char **lines;

        for (const char *c = text; *c; c++)
                n += *c == '\n';
        lines = n > STORE_LINES_MAX ? NULL : arena_alloc(row->arena, (n + 1) * sizeof(lines[0]));
        line = lines ? arena_copy(row->arena, text, strlen(text)) : NULL;
        if (!line) {
                row_fail(row, n > STORE_LINES_MAX ? -EBADMSG : -ENOMEM);
                return NULL;
        }
        for (size_t i = 0; i < n; i++) {
                lines[i] = line;
                line = strchrnul(line, '\n');
                if (*line)
                        *line++ = '\0';
        }
        lines[n] = NULL;
        return lines;
}

static void read_cause(struct row *row, void *ret) {
        struct store_cause *cause = ret;
        const char *lines;

        cause->path = row_text(row, STORE_PATH_MAX);
        cause->change = row_text(row, WORD_MAX);
        cause->time = row_number(row, TIME_MAX);
        lines = row_text_or_null(row, STORE_LINES_SIZE_MAX);
        cause->lines = lines ? split_lines(row, lines) : NULL;
        if (!valid_word(cause->change))
                row_fail(row, -EBADMSG);
}

/* What hangs on an event: a table that is counted, then read. */
struct part {
        enum statement count, read_all;
        uint64_t max;
        size_t size;
        row_read_fn read;
};

static const struct part part_units = {
        STATEMENT_EVENT_COUNT_UNITS, STATEMENT_EVENT_UNITS,
        STORE_UNITS_MAX, sizeof(struct store_event_unit), read_unit,
};

static const struct part part_causes = {
        STATEMENT_EVENT_COUNT_CAUSES, STATEMENT_EVENT_CAUSES,
        STORE_CAUSES_MAX, sizeof(struct store_cause), read_cause,
};

/* Fills the array. Bad rows are counted and left out. */
static int read_rows(struct store *store, const struct part *part, sqlite3_stmt *stmt, struct arena *arena,
                     char *items, size_t max, size_t *ret_n) {
        size_t n = 0;
        int r;

        while (n < max && (r = statement_step(stmt)) > 0) {
                struct row row = { .stmt = stmt, .arena = arena };

                memset(items + n * part->size, 0, part->size);
                part->read(&row, items + n * part->size);
                if (row.error == -EBADMSG)
                        store->bad_rows++;
                else if (row.error < 0)
                        return row.error;
                else
                        n++;
        }
        *ret_n = n;
        return n < max ? r : 0;
}

static int read_part(struct store *store, const struct part *part, uint64_t event, struct arena *arena,
                     void *ret_items, size_t *ret_n) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int64_t count = 0;
        void *items;
        int r;

        r = statement_get_number(store, part->count, VALUES(value_number(event)), &count);
        if (r < 0)
                return r;
        if (count < 0 || (uint64_t) count > part->max)
                return -EBADMSG;
        items = arena_alloc(arena, ((size_t) count + 1) * part->size);
        if (!items)
                return -ENOMEM;
        r = statement_start(store, part->read_all, VALUES(
                                    value_number(event), value_number((uint64_t) count)), &stmt);
        if (r < 0)
                return r;
        *(void **) ret_items = items;
        return read_rows(store, part, stmt, arena, items, (size_t) count, ret_n);
}

/* 1, 0 where there is none, -EBADMSG where it makes no sense. */
static int read_event(struct store *store, uint64_t number, struct arena *arena, struct store_event *ret) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        struct row row = { .arena = arena };
        int r;

        r = statement_start(store, STATEMENT_EVENT_GET, VALUES(value_number(number)), &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        if (r <= 0)
                return r;
        *ret = (struct store_event) {};
        row.stmt = stmt;
        read_head(&row, ret);
        if (row.error < 0)
                return row.error;
        r = read_part(store, &part_units, number, arena, &ret->units, &ret->n_units);
        if (r >= 0)
                r = read_part(store, &part_causes, number, arena, &ret->causes, &ret->n_causes);
        return r < 0 ? r : 1;
}

/* 1 where fn was called, 0 where there is no such event, or none that makes sense. */
static int tell_event(struct store *store, uint64_t number, store_event_fn fn, void *userdata) {
        _cleanup_(arena_done) struct arena arena = {};
        struct store_event event;
        int r;

        r = read_event(store, number, &arena, &event);
        if (r == -EBADMSG) {
                store->bad_rows++;
                return 0;
        }
        if (r <= 0)
                return r;
        r = fn(userdata, &event);
        return r < 0 ? r : 1;
}

/* Numbers of events, of a statement whose parameters are where to go on, how many, and a unit. */
static int read_page(struct store *store, enum statement id, const char *unit, int64_t at,
                     int64_t page[static PAGE], size_t *ret_n) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        size_t n = 0;
        int r;

        r = statement_start(store, id, (const struct value[]) {
                                    value_number((uint64_t) at), value_number(PAGE), value_text(unit) },
                            unit ? 3 : 2, &stmt);
        if (r < 0)
                return r;
        while (n < PAGE && (r = statement_step(stmt)) > 0) {
                page[n] = sqlite3_column_int64(stmt, 0);
                /* What is not beyond the last one would never end. */
                if (id == STATEMENT_UNANNOUNCED ? page[n] <= at : page[n] >= at)
                        return -EUCLEAN;
                at = page[n++];
        }
        *ret_n = n;
        return r < 0 ? r : 0;
}

static int each(struct store *store, enum statement id, const char *unit, int64_t at, size_t max,
                store_event_fn fn, void *userdata) {
        int64_t page[PAGE];
        size_t n;
        int r;

        do {
                r = read_page(store, id, unit, at, page, &n);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n && max > 0; i++) {
                        r = tell_event(store, (uint64_t) page[i], fn, userdata);
                        if (r < 0)
                                return r;
                        max -= r > 0;
                        at = page[i];
                }
        } while (n == PAGE && max > 0);
        return 0;
}

int store_each_event(struct store *store, const char *unit, const char *before, size_t max, store_event_fn fn,
                     void *userdata) {
        int64_t at = INT64_MAX;
        int r;

        if ((unit && !valid_name(unit, STORE_UNIT_MAX)) || (before && !valid_id(before)))
                return -EINVAL;
        if (before) {
                r = statement_get_number(store, STATEMENT_EVENT_FIND, VALUES(value_text(before)), &at);
                if (r <= 0)
                        return r < 0 ? r : -ENOENT;
        }
        return each(store, unit ? STATEMENT_HISTORY_OF_UNIT : STATEMENT_HISTORY, unit, at, max, fn, userdata);
}

int store_get_event(struct store *store, const char *id, store_event_fn fn, void *userdata) {
        int64_t number;
        int r;

        if (!valid_id(id))
                return -EINVAL;
        r = statement_get_number(store, STATEMENT_EVENT_FIND, VALUES(value_text(id)), &number);
        return r <= 0 ? r : tell_event(store, (uint64_t) number, fn, userdata);
}

int store_each_unannounced(struct store *store, store_event_fn fn, void *userdata) {
        return each(store, STATEMENT_UNANNOUNCED, NULL, INT64_MIN, SIZE_MAX, fn, userdata);
}
