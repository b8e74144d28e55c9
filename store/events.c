/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "buffer.h"
#include "codec.h"
#include "internal.h"
#include "valid.h"

/* These say least: they are the first to be forgotten. */
static const char *const lesser_events[] = { "appeared", "changed", "gone" };

/* In place of a position: who the event is about, where that is none of the units it hit. */
#define POSITION_ABOUT UINT64_MAX

static bool is_lesser(const char *event) {
        for (size_t i = 0; i < ELEMENTSOF(lesser_events); i++)
                if (streq(lesser_events[i], event))
                        return true;
        return false;
}

static bool lines_are_valid(const char *const *lines) {
        size_t size = 0;

        for (size_t i = 0; lines && lines[i]; i++) {
                if (i == STORE_LINES_MAX || !valid_text(lines[i], STORE_LINES_SIZE_MAX) ||
                    strchr(lines[i], '\n'))
                        return false;
                size += strlen(lines[i]) + 1;
                if (size > STORE_LINES_SIZE_MAX)
                        return false;
        }
        return true;
}

static bool cause_is_valid(const struct store_cause *cause) {
        return valid_text(cause->path, STORE_PATH_MAX) &&
                valid_word(cause->change) &&
                cause->time <= TIME_MAX &&
                lines_are_valid(cause->lines);
}

static bool checks_are_valid(const struct check_change *checks, size_t n) {
        if (n > _CHECK_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if ((unsigned) checks[i].check >= _CHECK_MAX)
                        return false;
        return true;
}

static bool unit_is_valid(const struct store_event_unit *unit) {
        return valid_name(unit->unit, STORE_UNIT_MAX) &&
                valid_exposure(unit->before) &&
                valid_exposure(unit->after) &&
                checks_are_valid(unit->checks, unit->n_checks) &&
                (!unit->changed || (valid_exposure(unit->rated) &&
                                    checks_are_valid(unit->own_checks, unit->n_own_checks)));
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Whether each unit is there once: 1 or 0. */
static int units_are_unique(const struct store_event *event) {
        _cleanup_(freep) const char **names = NULL;

        if (event->n_units < 2)
                return 1;
        names = calloc(event->n_units, sizeof(names[0]));
        if (!names)
                return -ENOMEM;
        for (size_t i = 0; i < event->n_units; i++)
                names[i] = event->units[i].unit;
        qsort(names, event->n_units, sizeof(names[0]), compare_texts);
        for (size_t i = 1; i < event->n_units; i++)
                if (streq(names[i - 1], names[i]))
                        return 0;
        return 1;
}

static bool head_is_valid(const struct store_event *event) {
        return valid_id(event->id) &&
                valid_word(event->event) &&
                valid_text(event->unit, STORE_UNIT_MAX) &&
                event->time <= TIME_MAX &&
                valid_exposure(event->before) &&
                valid_exposure(event->after) &&
                valid_text(event->systemd_version, VERSION_MAX) &&
                (!event->model_version || valid_text(event->model_version, VERSION_MAX)) &&
                (!event->reason || valid_text(event->reason, STORE_REASON_MAX)) &&
                event->until <= TIME_MAX;
}

static int check_event(const struct store_event *event) {
        int r;

        if (!head_is_valid(event) || event->n_units > STORE_UNITS_MAX || event->n_causes > STORE_CAUSES_MAX)
                return -EINVAL;
        for (size_t i = 0; i < event->n_units; i++)
                if (!unit_is_valid(event->units + i))
                        return -EINVAL;
        for (size_t i = 0; i < event->n_causes; i++)
                if (!cause_is_valid(event->causes + i))
                        return -EINVAL;
        r = units_are_unique(event);
        return r < 0 ? r : r > 0 ? 0 : -EINVAL;
}

static struct value value_exposure(uint8_t exposure) {
        return exposure == STORE_NO_EXPOSURE ? value_null() : value_number(exposure);
}

static int put_head(struct store *store, const struct store_event *event) {
        return statement_try(store, STATEMENT_EVENT_PUT, VALUES(
                                     value_text(event->id),
                                     value_text(event->event),
                                     value_text(event->unit),
                                     value_number(event->time),
                                     value_exposure(event->before),
                                     value_exposure(event->after),
                                     value_text(event->systemd_version),
                                     value_text(event->model_version),
                                     event->uid == UINT32_MAX ? value_null() : value_number(event->uid),
                                     value_text(event->reason),
                                     value_number(event->until),
                                     value_number(is_lesser(event->event))));
}

static int put_unit(struct store *store, uint64_t row, uint64_t position,
                    const struct store_event_unit *unit) {
        _cleanup_(freep) char *checks = NULL, *own_checks = NULL;
        int r;

        r = changes_write(unit->checks, unit->n_checks, &checks);
        if (r >= 0 && unit->changed)
                r = changes_write(unit->own_checks, unit->n_own_checks, &own_checks);
        if (r < 0)
                return store_fail(store, r);
        return statement_run(store, STATEMENT_EVENT_UNIT_PUT, VALUES(
                                     value_number(row),
                                     value_number(position),
                                     value_text(unit->unit),
                                     value_exposure(unit->before),
                                     value_exposure(unit->after),
                                     value_text(checks),
                                     unit->changed ? value_exposure(unit->rated) : value_null(),
                                     value_text(own_checks)));
}

static int put_units(struct store *store, uint64_t row, const struct store_event *event) {
        bool about_one = *event->unit == '\0';
        int r;

        for (size_t i = 0; i < event->n_units; i++) {
                about_one = about_one || streq(event->units[i].unit, event->unit);
                r = put_unit(store, row, i, event->units + i);
                if (r < 0)
                        return r;
        }
        if (about_one)
                return 0;
        return put_unit(store, row, POSITION_ABOUT, &(struct store_event_unit) { .unit = event->unit });
}

static int join_lines(const char *const *lines, char **ret) {
        _cleanup_(buffer_done) struct buffer buffer = {};

        if (!lines || !lines[0])
                return 0;
        for (size_t i = 0; lines[i]; i++) {
                if (i > 0)
                        buffer_add(&buffer, "\n");
                buffer_add(&buffer, lines[i]);
        }
        return buffer_take(&buffer, ret);
}

static int put_cause(struct store *store, uint64_t row, uint64_t position, const struct store_cause *cause) {
        _cleanup_(freep) char *lines = NULL;
        int r;

        r = join_lines(cause->lines, &lines);
        if (r < 0)
                return store_fail(store, r);
        return statement_run(store, STATEMENT_EVENT_CAUSE_PUT, VALUES(
                                     value_number(row),
                                     value_number(position),
                                     value_text(cause->path),
                                     value_text(cause->change),
                                     value_number(cause->time),
                                     value_text(lines)));
}

int store_put_event(struct store *store, const struct store_event *event) {
        uint64_t row;
        int r;

        r = check_event(event);
        if (r >= 0)
                r = put_head(store, event);
        if (r < 0)
                return r;
        row = (uint64_t) sqlite3_last_insert_rowid(store->db);
        r = put_units(store, row, event);
        for (size_t i = 0; r >= 0 && i < event->n_causes; i++)
                r = put_cause(store, row, i, event->causes + i);
        return r;
}

static int mark(struct store *store, const char *id) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        r = statement_start(store, STATEMENT_EVENT_MARK, VALUES(value_text(id)), &stmt);
        if (r >= 0)
                r = statement_step(stmt);
        if (r < 0)
                return store->in_transaction ? store_fail(store, r) : r;
        return sqlite3_changes(store->db) > 0 ? 0 : -ENOENT;
}

int store_mark_announced(struct store *store, const char *id) {
        int r;

        if (!valid_id(id))
                return -EINVAL;
        if (store->read_only < 0)
                return store->read_only;
        if (store->in_transaction) {
                r = store_changing(store);
                return r < 0 ? r : mark(store, id);
        }
        /* What is lost of this in a power cut is told once more: not worth to wait for the disk. */
        r = store_relax(store, true);
        if (r >= 0)
                r = mark(store, id);
        (void) store_relax(store, false);
        return r;
}
