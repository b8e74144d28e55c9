/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <systemd/sd-id128.h>

#include "event.h"
#include "strv.h"
#include "timer.h"

static const struct {
        const char *word, *member;
} types[_EVENT_TYPE_MAX] = {
        [EVENT_REGRESSED] = { "regressed", "Regressed" },
        [EVENT_IMPROVED] = { "improved", "Improved" },
        [EVENT_CHANGED] = { "changed", "Changed" },
        [EVENT_APPEARED] = { "appeared", "Appeared" },
        [EVENT_GONE] = { "gone", "Gone" },
        [EVENT_ACCEPTED] = { "accepted", "Accepted" },
        [EVENT_MODEL] = { "model", "Model" },
};

const char *event_type_to_string(enum event_type type) {
        return types[type].word;
}

const char *event_type_to_member(enum event_type type) {
        return types[type].member;
}

int event_type_from_string(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(types); i++)
                if (streq(types[i].word, text))
                        return (int) i;
        return -1;
}

static int copy_text(char **to, const char *from) {
        if (!from)
                return 0;
        *to = strdup(from);
        return *to ? 0 : -ENOMEM;
}

struct event *event_new(enum event_type type, const char *unit, const char *systemd_version) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        sd_id128_t id;

        event = calloc(1, sizeof(*event));
        if (!event)
                return NULL;
        *event = (struct event) { .n_ref = 1, .type = type, .time = timer_realtime(), .uid = UINT32_MAX };
        if (sd_id128_randomize(&id) < 0)
                return NULL;
        (void) sd_id128_to_string(id, event->id);
        if (copy_text(&event->unit, unit) < 0 || copy_text(&event->systemd_version, systemd_version) < 0)
                return NULL;
        return TAKE_PTR(event);
}

struct event *event_ref(struct event *event) {
        event->n_ref++;
        return event;
}

static void event_unit_done(struct event_unit *unit) {
        free(unit->unit);
        free(unit->checks);
        free(unit->own_checks);
}

struct event *event_unref(struct event *event) {
        if (!event || --event->n_ref > 0)
                return NULL;
        for (size_t i = 0; i < event->n_units; i++)
                event_unit_done(&event->units[i]);
        free(event->units);
        causes_done(&event->causes);
        free(event->unit);
        free(event->systemd_version);
        free(event->reason);
        free(event);
        return NULL;
}

static int hit(uint8_t before, uint8_t after) {
        return (int) after - before;
}

static struct check_change *copy_checks(const struct check_change *checks, size_t n_checks) {
        struct check_change *copy = calloc(n_checks + 1, sizeof(*checks));

        for (size_t i = 0; copy && i < n_checks; i++)
                copy[i] = checks[i];
        return copy;
}

int event_add_unit(struct event *event, const char *unit, uint8_t before, uint8_t after,
                   const struct check_change *checks, size_t n_checks) {
        struct event_unit added = { .before = before, .after = after, .n_checks = n_checks }, *grown;

        grown = reallocarray(event->units, event->n_units + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        event->units = grown;
        added.unit = strdup(unit);
        added.checks = copy_checks(checks, n_checks);
        if (!added.unit || !added.checks) {
                event_unit_done(&added);
                return -ENOMEM;
        }
        grown[event->n_units] = added;
        if (event->n_units++ > 0 && hit(before, after) > hit(grown[0].before, grown[0].after)) {
                grown[event->n_units - 1] = grown[0];
                grown[0] = added;
        }
        event->before = grown[0].before;
        event->after = grown[0].after;
        return 0;
}

static struct event_unit *find_unit(const struct event *event, const char *unit) {
        for (size_t i = 0; i < event->n_units; i++)
                if (streq(event->units[i].unit, unit))
                        return &event->units[i];
        return NULL;
}

static int set_change(struct event_unit *unit, uint8_t rated, const struct check_change *checks, size_t n_checks) {
        struct check_change *copy = copy_checks(checks, n_checks);

        if (!copy)
                return -ENOMEM;
        free(unit->own_checks);
        unit->own_checks = copy;
        unit->n_own_checks = n_checks;
        unit->rated = rated;
        unit->changed = true;
        return 0;
}

int event_add_change(struct event *event, const char *unit, uint8_t before, uint8_t after,
                     const struct check_change *checks, size_t n_checks) {
        struct event_unit *hit;
        int r;

        if (!find_unit(event, unit)) {
                r = event_add_unit(event, unit, before, after, NULL, 0);
                if (r < 0)
                        return r;
        }
        hit = find_unit(event, unit);
        hit->after = after;
        return set_change(hit, before, checks, n_checks);
}

/* Whether the unit's settings made a check worse; with reverse, better. */
static bool any_worse(const struct event_unit *unit, bool reverse) {
        for (size_t i = 0; i < unit->n_own_checks; i++) {
                const struct check_change *c = &unit->own_checks[i];
                struct check_change back = { c->check, c->after, c->before };

                if (check_change_is_worse(reverse ? &back : c))
                        return true;
        }
        return false;
}

struct event_counts event_count(const struct event *event) {
        struct event_counts counts = {};

        for (size_t i = 0; i < event->n_units; i++) {
                const struct event_unit *unit = &event->units[i];
                uint8_t rated = unit->changed ? unit->rated : unit->after;
                bool weaker = any_worse(unit, false);

                counts.n_rated += unit->n_checks > 0 || rated != unit->before;
                counts.n_changed += unit->changed;
                counts.n_weaker += weaker;
                counts.n_stronger += !weaker && any_worse(unit, true);
        }
        return counts;
}

static const struct store_event_unit *to_store_units(const struct event *event) {
        struct store_event_unit *units = calloc(event->n_units + 1, sizeof(*units));

        for (size_t i = 0; units && i < event->n_units; i++)
                units[i] = (struct store_event_unit) {
                        .unit = event->units[i].unit,
                        .before = event->units[i].before,
                        .after = event->units[i].after,
                        .checks = event->units[i].checks,
                        .n_checks = event->units[i].n_checks,
                        .changed = event->units[i].changed,
                        .rated = event->units[i].rated,
                        .own_checks = event->units[i].own_checks,
                        .n_own_checks = event->units[i].n_own_checks,
                };
        return units;
}

static const struct store_cause *to_store_causes(const struct event *event) {
        struct store_cause *causes = calloc(event->causes.n_causes + 1, sizeof(*causes));

        for (size_t i = 0; causes && i < event->causes.n_causes; i++)
                cause_to_store(&event->causes.causes[i], &causes[i]);
        return causes;
}

int event_store(struct store *store, const struct event *event, const char *model_version) {
        _cleanup_(freep) const struct store_event_unit *units = to_store_units(event);
        _cleanup_(freep) const struct store_cause *causes = to_store_causes(event);

        if (!units || !causes)
                return -ENOMEM;
        return store_put_event(store, &(struct store_event) {
                .id = event->id,
                .event = event_type_to_string(event->type),
                .unit = event->unit,
                .time = event->time,
                .before = event->before,
                .after = event->after,
                .systemd_version = event->systemd_version,
                .model_version = model_version,
                .units = units,
                .n_units = event->n_units,
                .causes = causes,
                .n_causes = event->causes.n_causes,
                .uid = event->uid,
                .reason = event->reason,
                .until = event->until,
        });
}

static int copy_lines(char ***to, const char *const *from) {
        int r;

        for (; from && *from; from++) {
                r = strv_extend(to, *from);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* An unknown word is of a later version. */
static const char *change_from_string(const char *word) {
        for (unsigned i = 0; i < _CAUSE_CHANGE_MAX; i++)
                if (streq(cause_change_to_string((enum cause_change) i), word))
                        return cause_change_to_string((enum cause_change) i);
        return cause_change_to_string(CAUSE_UNKNOWN);
}

static int copy_causes(struct causes *to, const struct store_event *stored) {
        int r;

        to->causes = calloc(stored->n_causes + 1, sizeof(*to->causes));
        if (!to->causes)
                return -ENOMEM;
        for (; to->n_causes < stored->n_causes; to->n_causes++) {
                const struct store_cause *from = &stored->causes[to->n_causes];
                struct cause *cause = &to->causes[to->n_causes];

                cause->change = change_from_string(from->change);
                cause->time = from->time;
                r = copy_text(&cause->path, from->path);
                if (r >= 0)
                        r = copy_lines(&cause->lines, from->lines);
                if (r < 0) {
                        to->n_causes++;
                        return r;
                }
        }
        return 0;
}

/* On the bus there is no word for none; we never write such rows. */
static uint8_t exposure_from_store(uint8_t exposure) {
        return exposure == STORE_NO_EXPOSURE ? 0 : exposure;
}

static int add_stored_unit(struct event *event, const struct store_event_unit *unit) {
        uint8_t before = exposure_from_store(unit->before), after = exposure_from_store(unit->after);
        int r;

        r = event_add_unit(event, unit->unit, before, after, unit->checks, unit->n_checks);
        if (r >= 0 && unit->changed)
                r = event_add_change(event, unit->unit, exposure_from_store(unit->rated), after, unit->own_checks,
                                     unit->n_own_checks);
        return r;
}

static int fill_from_store(struct event *event, const struct store_event *stored) {
        int r;

        r = copy_causes(&event->causes, stored);
        for (size_t i = 0; i < stored->n_units && r >= 0; i++)
                r = add_stored_unit(event, &stored->units[i]);
        if (r >= 0)
                r = copy_text(&event->unit, stored->unit);
        if (r >= 0)
                r = copy_text(&event->systemd_version, stored->systemd_version);
        if (r >= 0)
                r = copy_text(&event->reason, stored->reason);
        return r;
}

struct event *event_from_store(const struct store_event *stored) {
        _cleanup_(event_unrefp) struct event *event = NULL;
        int type = event_type_from_string(stored->event);

        if (type < 0 || strlen(stored->id) >= EVENT_ID_SIZE)
                return NULL;
        event = calloc(1, sizeof(*event));
        if (!event)
                return NULL;
        *event = (struct event) {
                .n_ref = 1,
                .type = (enum event_type) type,
                .time = stored->time,
                .uid = stored->uid,
                .until = stored->until,
        };
        memcpy(event->id, stored->id, strlen(stored->id) + 1);
        if (fill_from_store(event, stored) < 0)
                return NULL;
        event->before = exposure_from_store(stored->before);
        event->after = exposure_from_store(stored->after);
        return TAKE_PTR(event);
}
