/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "internal.h"
#include "row.h"
#include "valid.h"

#define STEP_EVENTS 256U
#define STEP_UNITS 32U
/* Units and causes go with their event: a step ends when so many rows went. */
#define STEP_ROWS 4096

/* What one step forgets. */
struct step {
        uint64_t events[STEP_EVENTS];
        size_t n_events;
        const char *units[STEP_UNITS];  /* all that is known of them but their events */
        size_t n_units;
        const char *strays[STEP_UNITS]; /* their files */
        size_t n_strays;
        struct arena arena;
};

static void step_done(struct step *step) {
        arena_done(&step->arena);
}

static uint64_t earliest(uint64_t a, uint64_t b) {
        return a < b ? a : b;
}

static bool has_event(const struct step *step, uint64_t event) {
        for (size_t i = 0; i < step->n_events; i++)
                if (step->events[i] == event)
                        return true;
        return false;
}

/* Adds events until there are so many. The statement's parameters are how many to look at, and a time. */
static int choose_events(struct store *store, enum statement id, uint64_t time, size_t until,
                         struct step *step) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        if (step->n_events >= until)
                return 0;
        r = statement_start(store, id, (const struct value[]) {
                                    value_number(STEP_EVENTS), value_number(time) },
                            id == STATEMENT_PRUNE_EVENTS_OLD ? 2 : 1, &stmt);
        if (r < 0)
                return r;
        while (step->n_events < until && (r = statement_step(stmt)) > 0) {
                uint64_t event = (uint64_t) sqlite3_column_int64(stmt, 0);

                if (!has_event(step, event))
                        step->events[step->n_events++] = event;
        }
        return r < 0 ? r : 0;
}

static int choose_all_events(struct store *store, const struct store_limits *limits, struct step *step) {
        int64_t count = 0;
        size_t excess;
        int r;

        r = choose_events(store, STATEMENT_PRUNE_EVENTS_OLD, earliest(limits->events_since, TIME_MAX),
                          STEP_EVENTS, step);
        if (r >= 0)
                r = statement_get_number(store, STATEMENT_PRUNE_COUNT_EVENTS, NULL, 0, &count);
        if (r < 0 || (uint64_t) count <= limits->events_max)
                return r;
        excess = (size_t) earliest((uint64_t) count - limits->events_max, STEP_EVENTS);
        r = choose_events(store, STATEMENT_PRUNE_EVENTS_LESSER, 0, excess, step);
        return r < 0 ? r : choose_events(store, STATEMENT_PRUNE_EVENTS, 0, excess, step);
}

/* Names in the first column. A bad one is passed over: it stays, and does no harm. */
static int choose_units(struct store *store, enum statement id, uint64_t time, size_t n, struct arena *arena,
                        const char **ret_units, size_t *ret_n) {
        _cleanup_(statement_donep) sqlite3_stmt *stmt = NULL;
        int r;

        r = statement_start(store, id, (const struct value[]) { value_number(n), value_number(time) },
                            id == STATEMENT_PRUNE_BASELINES ? 2 : 1, &stmt);
        if (r < 0)
                return r;
        while (*ret_n < n && (r = statement_step(stmt)) > 0) {
                struct row row = { .stmt = stmt, .arena = arena };
                const char *unit = row_text(&row, STORE_UNIT_MAX);

                if (row.error < 0 && row.error != -EBADMSG)
                        return row.error;
                if (row.error == 0 && *unit)
                        ret_units[(*ret_n)++] = unit;
        }
        return r < 0 ? r : 0;
}

static int choose_baselines(struct store *store, const struct store_limits *limits, struct step *step) {
        uint64_t since = earliest(limits->baselines_since, TIME_MAX), n = STEP_UNITS;
        int64_t count = 0;
        int r;

        r = statement_get_number(store, STATEMENT_PRUNE_COUNT_BASELINES, NULL, 0, &count);
        if (r < 0)
                return r;
        /* Both bounds take those first that were not seen for longest. */
        if ((uint64_t) count > limits->baselines_max) {
                n = earliest((uint64_t) count - limits->baselines_max, STEP_UNITS);
                since = TIME_MAX;
        }
        return choose_units(store, STATEMENT_PRUNE_BASELINES, since, n, &step->arena, step->units,
                            &step->n_units);
}

static int remove_events(struct store *store, const struct step *step) {
        sqlite3_int64 before = sqlite3_total_changes64(store->db);

        for (size_t i = 0; i < step->n_events; i++) {
                int r;

                r = statement_run(store, STATEMENT_EVENT_REMOVE, VALUES(value_number(step->events[i])));
                if (r < 0)
                        return r;
                if (sqlite3_total_changes64(store->db) - before > STEP_ROWS)
                        break;
        }
        return 0;
}

static int forget_unit(struct store *store, const char *unit) {
        int r;

        r = store_remove_regression(store, unit);
        if (r >= 0)
                r = store_remove_acceptance(store, unit);
        return r < 0 ? r : store_remove_baseline(store, unit);
}

static int take_step(struct store *store, const struct step *step) {
        int r;

        r = remove_events(store, step);
        for (size_t i = 0; r >= 0 && i < step->n_units; i++)
                r = forget_unit(store, step->units[i]);
        for (size_t i = 0; r >= 0 && i < step->n_strays; i++)
                r = store_forget_files(store, step->strays[i]);
        return r;
}

static int choose_all(struct store *store, const struct store_limits *limits, struct step *step) {
        int r;

        r = choose_all_events(store, limits, step);
        if (r >= 0)
                r = choose_baselines(store, limits, step);
        if (r >= 0)
                r = choose_units(store, STATEMENT_PRUNE_FILES, 0, STEP_UNITS, &step->arena, step->strays,
                                 &step->n_strays);
        return r;
}

int store_prune(struct store *store, const struct store_limits *limits) {
        _cleanup_(step_done) struct step step = {};
        sqlite3_int64 before;
        int r;

        if (store->in_transaction)
                return -EINVAL;
        if (store->read_only < 0)
                return store->read_only;
        r = choose_all(store, limits, &step);
        if (r < 0 || step.n_events + step.n_units + step.n_strays == 0)
                return r;
        r = store_begin(store);
        if (r < 0)
                return r;
        before = sqlite3_total_changes64(store->db);
        r = take_step(store, &step);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        r = store_commit(store);
        return r < 0 ? r : sqlite3_total_changes64(store->db) > before;
}
