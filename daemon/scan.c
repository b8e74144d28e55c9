/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "log.h"
#include "scan.h"
#include "timer.h"

/* Signals come in bursts; a list that waits this long answers a burst at once. */
#define SETTLE_USEC (20 * USEC_PER_MSEC)
/* A list costs systemd time in proportion to all its units: it gets this many times as long to rest. */
#define LIST_REST_FACTOR 10
#define LIST_REST_MAX_USEC USEC_PER_SEC
/* After a failure, then twice as long each time. */
#define RETRY_MIN_USEC USEC_PER_SEC
#define RETRY_MAX_USEC (60 * USEC_PER_SEC)
/* What could not be read so long after it may have changed is stale. A reload takes its time. */
#define PROOF_USEC (10 * USEC_PER_SEC)

struct scan {
        struct unit_table *table;
        unsigned units_max;
        struct reader *reader;          /* NULL: nothing may be asked */
        const struct scan_ops *ops;
        void *userdata;

        bool sweep_wanted;              /* before the next list */
        bool sweep_under_way;
        bool list_wanted;
        bool sweep_cut_off;             /* the last sweep did not end */
        bool list_put_off;              /* until it is tried again after a failure */
        bool list_due;                  /* its time has come; it is the next that the reader has room for */
        bool listing, list_is_full;
        bool list_overflow;             /* the list under way has more units than may be kept */
        bool list_lacks;                /* there was no memory for one of them */
        bool candidates_overflow;
        char **candidates;              /* names of units that are not in the table, at most READER_NAMES_MAX */
        size_t n_doubtful;
        unsigned n_reading;
        struct unit *queue_head, *queue_tail;
        uint64_t sweep_begin, list_begin, list_rest_until;
        uint64_t retry_usec;
        struct timer *list_timer, *retry_timer;
        struct timer *proof_timer;      /* until what is not proven is stale */
        struct scan_state state;
};

/* The queue: every unit at most once. */

static void queue_push(struct scan *s, struct unit *unit) {
        /* What is read now may be older than the reason to read it. */
        unit->read_again = unit->reading;
        if (unit->queued || unit->reading || unit->doubtful)
                return;
        unit->queued = true;
        unit->queue_next = NULL;
        if (s->queue_tail)
                s->queue_tail->queue_next = unit;
        else
                s->queue_head = unit;
        s->queue_tail = unit;
}

static struct unit *queue_pop(struct scan *s) {
        struct unit *unit = s->queue_head;

        if (!unit)
                return NULL;
        s->queue_head = unit->queue_next;
        if (!s->queue_head)
                s->queue_tail = NULL;
        unit->queue_next = NULL;
        unit->queued = false;
        return unit;
}

static void queue_remove(struct scan *s, struct unit *unit) {
        struct unit **link = &s->queue_head, *previous = NULL;

        if (!unit->queued)
                return;
        while (*link != unit) {
                previous = *link;
                link = &previous->queue_next;
        }
        *link = unit->queue_next;
        if (s->queue_tail == unit)
                s->queue_tail = previous;
        unit->queue_next = NULL;
        unit->queued = false;
}

static void queue_clear(struct scan *s) {
        while (queue_pop(s))
                ;
}

/* State that others can see. */

static void set_stale(struct scan *s, struct unit *unit, bool stale) {
        if (unit->stale == stale)
                return;
        unit->stale = stale;
        s->state.n_stale += stale ? 1 : -1U;
        if (s->state.n_stale == 0 && !s->state.failed)
                s->retry_usec = RETRY_MIN_USEC;
        s->ops->unit_stale(s->userdata, unit);
        s->ops->state_changed(s->userdata);
}

/* Anything may be different now. */
static void doubt_all(struct scan *s) {
        for (size_t i = 0; i < s->table->n_units; i++)
                s->table->units[i]->unproven = true;
        if (!timer_is_armed(s->proof_timer))
                timer_arm(s->proof_timer, PROOF_USEC);
}

static void on_proof_timer(void *userdata) {
        struct scan *s = userdata;

        for (size_t i = 0; i < s->table->n_units; i++)
                if (s->table->units[i]->unproven)
                        set_stale(s, s->table->units[i], true);
}

static void set_doubtful(struct scan *s, struct unit *unit, bool doubtful) {
        if (unit->doubtful == doubtful)
                return;
        unit->doubtful = doubtful;
        s->n_doubtful += doubtful ? 1 : (size_t) -1;
}

static void stop_reading(struct scan *s, struct unit *unit) {
        queue_remove(s, unit);
        if (!unit->reading)
                return;
        reader_drop(s->reader, READ_LOADED, unit->name);
        unit->reading = unit->read_again = false;
        s->n_reading--;
}

/*
 * Whether it is still loaded, the list will tell, and then it is read. Until that nothing is asked about
 * it: systemd might load it for the question alone.
 */
static void doubt(struct scan *s, struct unit *unit) {
        stop_reading(s, unit);
        set_doubtful(s, unit, true);
}

static void remove_unit(struct scan *s, struct unit *unit) {
        stop_reading(s, unit);
        set_doubtful(s, unit, false);
        set_stale(s, unit, false);
        s->ops->unit_gone(s->userdata, unit);
        unit_table_take(s->table, unit);
        unit_free(unit);
        /* There is room for one that was left out. */
        if (s->state.overflow)
                s->list_wanted = s->candidates_overflow = true;
}

static void retry_later(struct scan *s) {
        if (timer_is_armed(s->retry_timer))
                return;
        timer_arm(s->retry_timer, s->retry_usec);
        s->retry_usec = usec_min(s->retry_usec * 2, RETRY_MAX_USEC);
}

/* Lists: which units are loaded. */

static void list_failed(struct scan *s, int error) {
        log_errno(LOG_WARNING, error, "Cannot have systemd's list of units, keeping what is known");
        s->sweep_wanted = s->list_wanted = true;
        s->list_put_off = true;
        s->state.failed = s->state.sweeping = true;
        s->ops->state_changed(s->userdata);
        retry_later(s);
}

/* What is in doubt is asked for by name while that is little, else the whole list is. */
static int asked_names(struct scan *s, bool full, char ***ret) {
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        *ret = NULL;
        if (full)
                return 0;
        for (size_t i = 0; i < s->table->n_units; i++) {
                if (!s->table->units[i]->doubtful)
                        continue;
                r = strv_extend(&names, s->table->units[i]->name);
                if (r < 0)
                        return r;
        }
        for (char **c = s->candidates; c && *c; c++) {
                r = strv_extend(&names, *c);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(names);
        return 0;
}

static void sweep_start(struct scan *s) {
        uint64_t began = s->sweep_begin;

        s->sweep_begin = s->list_begin;
        s->sweep_under_way = true;
        if (s->sweep_cut_off)
                s->ops->sweep_restarted(s->userdata, began, s->sweep_begin);
        s->sweep_cut_off = false;
}

static void list_start(struct scan *s) {
        bool full = s->sweep_wanted || s->candidates_overflow ||
                    s->n_doubtful + strv_length(s->candidates) > READER_NAMES_MAX;
        _cleanup_(strv_freep) char **names = NULL;
        int r;

        r = asked_names(s, full, &names);
        if (r < 0) {
                list_failed(s, r);
                return;
        }
        for (size_t i = 0; i < s->table->n_units; i++) {
                struct unit *unit = s->table->units[i];

                unit->asked = full || unit->doubtful;
                unit->dirty = s->sweep_wanted || unit->doubtful;
                unit->listed = false;
                set_doubtful(s, unit, false);
        }
        s->candidates = strv_free(s->candidates);
        s->candidates_overflow = false;
        s->list_begin = timer_now();
        if (s->sweep_wanted && !s->sweep_under_way)
                sweep_start(s);
        s->list_wanted = false;
        s->sweep_wanted = false;
        s->listing = true;
        s->list_is_full = full;
        s->list_overflow = s->list_lacks = false;
        if (!full && !names) {
                scan_list_ended(s, 0);
                return;
        }
        r = reader_list(s->reader, names);
        if (r < 0) {
                s->listing = false;
                list_failed(s, r);
        }
}

static void on_list_timer(void *userdata) {
        struct scan *s = userdata;

        if (!s->reader || !s->list_wanted || s->listing)
                return;
        s->list_due = !reader_has_room(s->reader);
        if (!s->list_due)
                list_start(s);
}

static void list_soon(struct scan *s) {
        uint64_t now = timer_now(), wait = SETTLE_USEC;

        s->list_wanted = true;
        if (!s->reader || s->listing || s->list_put_off)
                return;
        if (s->list_due) {
                on_list_timer(s);
                return;
        }
        if (timer_is_armed(s->list_timer) && !s->sweep_wanted)
                return;
        if (s->list_rest_until > now + wait)
                wait = s->list_rest_until - now;
        timer_arm(s->list_timer, s->sweep_wanted ? 0 : wait);
}

static void on_retry(void *userdata) {
        struct scan *s = userdata;

        s->list_put_off = false;
        for (size_t i = 0; i < s->table->n_units; i++)
                if (s->table->units[i]->stale)
                        doubt(s, s->table->units[i]);
        list_soon(s);
}

static struct unit *add_unit(struct scan *s, const char *name) {
        struct unit *unit;

        if (s->table->n_units >= s->units_max) {
                if (!s->state.overflow)
                        log_warning("More than %u units are loaded, leaving out the rest.", s->units_max);
                s->state.overflow = s->list_overflow = true;
                return NULL;
        }
        unit = unit_table_add(s->table, name);
        if (!unit)
                s->list_lacks = true;
        return unit;
}

void scan_unit_listed(struct scan *s, const char *name, bool loaded) {
        struct unit *unit = unit_table_get(s->table, name);

        if (!loaded)
                return;
        if (!unit) {
                unit = add_unit(s, name);
                if (!unit)
                        return;
                unit->dirty = true;
        }
        unit->listed = true;
        if (unit->dirty)
                queue_push(s, unit);
        unit->dirty = false;
}

static void remove_unlisted(struct scan *s) {
        for (size_t i = s->table->n_units; i-- > 0;)
                if (s->table->units[i]->asked && !s->table->units[i]->listed)
                        remove_unit(s, s->table->units[i]);
}

void scan_list_ended(struct scan *s, int error) {
        uint64_t now = timer_now(), rest;

        s->listing = false;
        if (error >= 0 && s->list_lacks)
                error = -ENOMEM;
        if (error < 0) {
                list_failed(s, error);
                return;
        }
        rest = (now - s->list_begin) * LIST_REST_FACTOR;
        s->list_rest_until = now + usec_min(rest, LIST_REST_MAX_USEC);
        s->state.failed = false;
        if (s->list_is_full)
                s->state.overflow = s->list_overflow;
        remove_unlisted(s);
        if (s->state.n_stale == 0)
                s->retry_usec = RETRY_MIN_USEC;
        s->ops->state_changed(s->userdata);
        scan_advance(s);
}

/* Reads: what the loaded ones are set to. */

/* A value of the wrong shape will have it again the next time: only a change can help. */
static void read_failed(struct scan *s, struct unit *unit, enum read_result result, const char *problem) {
        log_warning("%s cannot be read (%s), keeping what is known.", unit->name, problem);
        set_stale(s, unit, true);
        if (result != READ_INVALID)
                retry_later(s);
}

void scan_read_ended(struct scan *s, const char *name, enum read_result result, struct reading *reading,
                     const char *problem) {
        struct unit *unit = unit_table_get(s->table, name);

        if (!unit)
                return;
        s->n_reading--;
        unit->reading = false;
        if (unit->read_again)
                queue_push(s, unit);
        if (result == READ_DONE) {
                unit->unproven = false;
                s->ops->unit_read(s->userdata, unit, reading);
                set_stale(s, unit, false);
        } else
                read_failed(s, unit, result, problem);
        scan_advance(s);
}

static void read_units(struct scan *s) {
        while (s->queue_head && reader_has_room(s->reader)) {
                struct unit *unit = queue_pop(s);
                int r;

                s->n_reading++;
                unit->reading = true;
                r = reader_read(s->reader, READ_LOADED, unit->name);
                if (r < 0) {
                        s->n_reading--;
                        unit->reading = false;
                        read_failed(s, unit, READ_NO_MEMORY, strerror(-r));
                }
        }
}

void scan_advance(struct scan *s) {
        if (!s->reader)
                return;
        if (s->list_wanted)
                list_soon(s);
        read_units(s);
        if (!s->sweep_under_way || s->sweep_wanted || s->listing || s->queue_head || s->n_reading > 0)
                return;
        s->sweep_under_way = s->state.sweeping = false;
        timer_disarm(s->proof_timer);
        s->state.sweeps++;
        s->ops->sweep_done(s->userdata, timer_now() - s->sweep_begin);
}

/* What others tell. */

void scan_sweep(struct scan *s) {
        s->sweep_wanted = true;
        if (s->state.sweeping != (s->reader != NULL)) {
                s->state.sweeping = s->reader != NULL;
                s->ops->state_changed(s->userdata);
        }
        list_soon(s);
}

void scan_unit_loaded(struct scan *s, const char *name) {
        struct unit *unit = unit_table_get(s->table, name);

        if (unit)
                doubt(s, unit);
        else if (strv_contains(s->candidates, name))
                return;
        else if (strv_length(s->candidates) >= READER_NAMES_MAX || strv_extend(&s->candidates, name) < 0)
                s->candidates_overflow = true;
        list_soon(s);
}

/* A unit that came and went before it was asked about is nothing to ask about. */
void scan_unit_removed(struct scan *s, const char *name) {
        if (unit_table_get(s->table, name))
                scan_unit_loaded(s, name);
        else
                strv_remove(s->candidates, name);
}

void scan_unit_changed(struct scan *s, const char *name) {
        if (!unit_table_get(s->table, name))
                scan_unit_loaded(s, name);
}

void scan_read_again(struct scan *s, const char *name) {
        struct unit *unit = unit_table_get(s->table, name);

        if (!unit)
                return;
        queue_push(s, unit);
        scan_advance(s);
}

void scan_set_reader(struct scan *s, struct reader *reader) {
        s->reader = reader;
        s->listing = false;
        s->n_reading = 0;
        s->sweep_cut_off = s->sweep_cut_off || s->sweep_under_way;
        s->sweep_under_way = false;
        s->list_put_off = s->list_due = false;
        doubt_all(s);
        queue_clear(s);
        for (size_t i = 0; i < s->table->n_units; i++)
                s->table->units[i]->reading = s->table->units[i]->read_again = false;
        timer_disarm(s->list_timer);
        timer_disarm(s->retry_timer);
        scan_sweep(s);
        s->ops->state_changed(s->userdata);
}

uint64_t scan_change_began(const struct scan *s) {
        return s->sweep_under_way ? s->sweep_begin : timer_now();
}

void scan_set_units_max(struct scan *s, unsigned units_max) {
        s->units_max = units_max;
        /* Which were left out, only the list tells; until then some are. */
        if (s->state.overflow)
                scan_sweep(s);
}

const struct scan_state *scan_state(const struct scan *s) {
        return &s->state;
}

int scan_new(struct scan **ret, sd_event *event, struct unit_table *table, unsigned units_max,
             const struct scan_ops *ops, void *userdata) {
        struct scan *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *s = (struct scan) {
                .table = table,
                .units_max = units_max,
                .ops = ops,
                .userdata = userdata,
                .retry_usec = RETRY_MIN_USEC,
        };
        r = timer_new(&s->list_timer, event, on_list_timer, s);
        if (r >= 0)
                r = timer_new(&s->retry_timer, event, on_retry, s);
        if (r >= 0)
                r = timer_new(&s->proof_timer, event, on_proof_timer, s);
        if (r < 0) {
                scan_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct scan *scan_free(struct scan *s) {
        if (!s)
                return NULL;
        timer_free(s->list_timer);
        timer_free(s->retry_timer);
        timer_free(s->proof_timer);
        strv_free(s->candidates);
        free(s);
        return NULL;
}
