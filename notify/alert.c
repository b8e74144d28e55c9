/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/digest.h>

#include "cleanup.h"
#include "event.h"

/* Bytes of a name or path: the daemon has none that is longer, a forged one is cut. */
#define NAME_MAX_BYTES 512U

static int copy(char **ret, const char *s) {
        *ret = strlen(s) > NAME_MAX_BYTES ? strndup(s, NAME_MAX_BYTES) : strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int copy_units(struct alert *alert, char **units) {
        size_t n = 0, kept;

        while (units && units[n])
                n++;
        kept = n < ALERT_UNITS_MAX ? n : ALERT_UNITS_MAX;
        alert->units = calloc(kept + 1, sizeof(*alert->units));
        if (!alert->units)
                return -ENOMEM;
        for (size_t i = 0; i < kept; i++)
                if (copy(&alert->units[i], units[i]) < 0)
                        return -ENOMEM;
        alert->n_units = n;
        return 0;
}

static int copy_checks(struct alert *alert, const struct event *event) {
        alert->n_checks = event->n_checks;
        for (size_t i = 0; i < event->n_checks && i < ALERT_CHECKS_MAX; i++)
                if (copy(&alert->checks[i], event->checks[i].json_field) < 0)
                        return -ENOMEM;
        return 0;
}

static int copy_cause(struct alert *alert, const struct event *event) {
        const struct event_cause *cause = event->n_causes > 0 ? event->causes : NULL;
        int r = copy(&alert->path, cause ? cause->path : "");

        alert->n_causes = event->n_causes;
        return r < 0 ? r : copy(&alert->change, cause ? cause->change : "");
}

static uint64_t digest_text(uint64_t before, const char *s) {
        return digest(before, s, strlen(s) + 1);
}

/* It tells one state of a regression from the next. */
static uint64_t compute_digest(const struct alert *alert) {
        const uint64_t numbers[] = {
                alert->before, alert->after, alert->n_units, alert->n_causes, alert->n_checks,
        };
        uint64_t state = digest(DIGEST_NOTHING, numbers, sizeof(numbers));

        state = digest_text(state, alert->unit);
        for (char **unit = alert->units; *unit; unit++)
                state = digest_text(state, *unit);
        state = digest_text(digest_text(state, alert->path), alert->change);
        for (size_t i = 0; i < ALERT_CHECKS_MAX && alert->checks[i]; i++)
                state = digest_text(state, alert->checks[i]);
        return state ?: 1;
}

int alert_new(struct alert **ret, enum scope scope, const struct event *event) {
        _cleanup_(alert_freep) struct alert *alert = NULL;
        int r;

        if (!*event->id || strlen(event->id) >= ALERT_ID_SIZE || strpbrk(event->id, " \n") || !*event->unit)
                return -EBADMSG;
        alert = calloc(1, sizeof(*alert));
        if (!alert)
                return -ENOMEM;
        *alert = (struct alert) {
                .scope = scope,
                .before = event->before,
                .after = event->after,
                .card = CARD_NONE,
        };
        memcpy(alert->id, event->id, strlen(event->id) + 1);
        r = copy(&alert->unit, event->unit);
        if (r >= 0)
                r = copy_units(alert, event->units);
        if (r >= 0)
                r = copy_checks(alert, event);
        if (r >= 0)
                r = copy_cause(alert, event);
        if (r < 0)
                return r;
        alert->digest = compute_digest(alert);
        *ret = TAKE_PTR(alert);
        return 0;
}

struct alert *alert_free(struct alert *alert) {
        if (!alert)
                return NULL;
        free(alert->unit);
        strv_free(alert->units);
        free(alert->path);
        free(alert->change);
        for (size_t i = 0; i < ALERT_CHECKS_MAX; i++)
                free(alert->checks[i]);
        free(alert);
        return NULL;
}

bool alert_is_related(const struct alert *a, const struct alert *b) {
        return a->scope == b->scope && (streq(a->unit, b->unit) || (*a->path && streq(a->path, b->path)));
}

bool alert_is_complete(const struct alert *alert) {
        return alert->n_units <= ALERT_UNITS_MAX;
}
