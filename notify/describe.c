/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "describe.h"

#include <string.h>

#include "alert.h"
#include "cause.h"
#include "event.h"
#include "exposure.h"

/* In characters. */
#define UNIT_MAX 60U
/* Bytes that a unit name has at most. */
#define UNIT_SIZE 256U
#define PATH_MAX_CHARACTERS 120U
#define CHECK_MAX_CHARACTERS 60U
#define DETAIL_MAX 300U
/* Bytes of "and so many more", and of the last line of what is longer. */
#define MORE_SIZE 40U
#define LAST_LINE "\nMore: exposurectl regressions"
#define OF_USER " --user"
/* Of a summary, so many are listed; where there is room, so many. */
#define LISTED_MAX 4U
#define LISTED_LONG_MAX 16U

static void add_exposures(struct text_buffer *text, const struct alert *alert) {
        char before[EXPOSURE_TEXT_SIZE], after[EXPOSURE_TEXT_SIZE];

        if (alert->before != alert->after) {
                text_buffer_add(text, exposure_to_string(alert->before, before));
                text_buffer_add(text, " → ");
        }
        text_buffer_bold(text, true);
        text_buffer_add(text, exposure_to_string(alert->after, after));
        text_buffer_add(text, " ");
        text_buffer_add(text, exposure_level(alert->after)->predicate);
        text_buffer_bold(text, false);
}

/* "/etc/a.conf was created", or that nobody knows. */
static void add_cause(struct text_buffer *text, const struct alert *alert) {
        const struct event_cause cause = { .path = alert->path, .change = alert->change };

        if (*alert->path) {
                text_buffer_add_foreign(text, alert->path, PATH_MAX_CHARACTERS);
                text_buffer_add(text, " ");
        }
        text_buffer_add_foreign(text, *alert->change ? cause_text(&cause) : "the cause is not known",
                                CHECK_MAX_CHARACTERS);
        if (alert->n_causes > 1) {
                text_buffer_add(text, ", and ");
                text_buffer_add_number(text, alert->n_causes - 1);
                text_buffer_add(text, " more");
        }
}

static bool has_cause(const struct alert *alert) {
        return *alert->path || (*alert->change && !streq(alert->change, "unknown"));
}

static void add_checks(struct text_buffer *text, const struct alert *alert) {
        size_t n = alert->n_checks < ALERT_CHECKS_MAX ? alert->n_checks : ALERT_CHECKS_MAX;

        for (size_t i = 0; i < n; i++) {
                text_buffer_add(text, i > 0 ? ", " : "");
                text_buffer_add_foreign(text, alert->checks[i], CHECK_MAX_CHARACTERS);
        }
        if (alert->n_checks > n) {
                text_buffer_add(text, " and ");
                text_buffer_add_number(text, alert->n_checks - n);
                text_buffer_add(text, " more");
        }
}

static bool is_listed(const struct alert *alert) {
        for (char **unit = alert->units; unit && *unit; unit++)
                if (streq(*unit, alert->unit))
                        return true;
        return false;
}

/* All of them are services: a title has no room to say so. */
static void add_unit(struct text_buffer *text, const char *unit) {
        size_t length = strlen(unit), suffix = strlen(".service");
        char name[UNIT_SIZE];

        if (length <= suffix || length >= sizeof(name) || !streq(unit + length - suffix, ".service")) {
                text_buffer_add_foreign(text, unit, UNIT_MAX);
                return;
        }
        memcpy(name, unit, length - suffix);
        name[length - suffix] = '\0';
        text_buffer_add_foreign(text, name, UNIT_MAX);
}

/* "nginx and 2 more", "getty@ (3 instances)" */
static void add_subject(struct text_buffer *text, const struct alert *alert) {
        bool others = is_listed(alert);

        add_unit(text, alert->unit);
        if (alert->n_units <= 1)
                return;
        text_buffer_add(text, others ? " and " : " (");
        text_buffer_add_number(text, alert->n_units - others);
        text_buffer_add(text, others ? " more" : " instances)");
}

static void describe_one(struct description *d, const struct alert *alert) {
        add_subject(&d->title, alert);
        text_buffer_add(&d->title, " became weaker");

        text_buffer_add(&d->body, alert->scope == SCOPE_USER ? "Your service" : "System service");
        text_buffer_add(&d->body, alert->n_units > 1 ? "s, exposure up to " : ", exposure ");
        add_exposures(&d->body, alert);
        if (alert->n_checks > 0) {
                text_buffer_add(&d->body, "\nWeaker: ");
                add_checks(&d->body, alert);
        }
        if (has_cause(alert)) {
                text_buffer_add(&d->body, "\nsince ");
                add_cause(&d->body, alert);
        }
}

static size_t count_units(const struct alert *const *alerts, size_t n_alerts) {
        size_t n = 0;

        for (size_t i = 0; i < n_alerts; i++)
                n += alerts[i]->n_units > 0 ? alerts[i]->n_units : 1;
        return n;
}

static bool is_mixed(const struct alert *const *alerts, size_t n_alerts) {
        for (size_t i = 1; i < n_alerts; i++)
                if (alerts[i]->scope != alerts[0]->scope)
                        return true;
        return false;
}

static void add_row(struct text_buffer *text, const struct alert *alert, bool mixed, bool long_form) {
        if (mixed)
                text_buffer_add(text, alert->scope == SCOPE_USER ? "yours: " : "system: ");
        add_subject(text, alert);
        text_buffer_add(text, "  ");
        add_exposures(text, alert);
        if (long_form && has_cause(alert)) {
                text_buffer_add(text, "\n    ");
                add_cause(text, alert);
        }
        if (long_form && alert->n_checks > 0) {
                text_buffer_add(text, "\n    ");
                add_checks(text, alert);
        }
}

static void add_list(struct text_buffer *text, const struct alert *const *alerts, size_t n_alerts, size_t max,
                     bool long_form) {
        /* "and 1 more" takes as much room as that one. */
        size_t n = 0, length, reserved = text->reserved;

        if (n_alerts <= max + 1)
                max = n_alerts;
        text_buffer_reserve(text, reserved + MORE_SIZE);
        for (; n < max; n++) {
                length = text->length;
                text_buffer_add(text, n > 0 ? "\n" : "");
                add_row(text, alerts[n], is_mixed(alerts, n_alerts), long_form);
                /* Half a row helps nobody, but where it is the only one. */
                if (text->full && n > 0) {
                        text_buffer_cut(text, length);
                        break;
                }
        }
        text_buffer_reserve(text, reserved);
        text->full = false;
        if (n < n_alerts) {
                text_buffer_add(text, "\nand ");
                text_buffer_add_number(text, count_units(alerts + n, n_alerts - n));
                text_buffer_add(text, " more");
        }
}

static void describe_many(struct description *d, const struct alert *const *alerts, size_t n_alerts) {
        text_buffer_add_number(&d->title, count_units(alerts, n_alerts));
        text_buffer_add(&d->title, is_mixed(alerts, n_alerts) ? " services became weaker" :
                                   alerts[0]->scope == SCOPE_USER ? " of your services became weaker" :
                                                                    " system services became weaker");
        add_list(&d->body, alerts, n_alerts, LISTED_MAX, false);
}

/* Most urgent is what counts. */
static enum urgency highest_urgency(const struct alert *const *alerts, size_t n_alerts) {
        enum urgency highest = URGENCY_LOW;

        for (size_t i = 0; i < n_alerts; i++) {
                enum urgency urgency = severity_urgency(alerts[i]->before, alerts[i]->after);

                if (urgency > highest)
                        highest = urgency;
        }
        return highest;
}

/* What the body would have said, as far as a line holds it. */
static void extend_title(struct description *d, const struct alert *alert) {
        text_buffer_add(&d->title, ": ");
        add_exposures(&d->title, alert);
        if (has_cause(alert)) {
                text_buffer_add(&d->title, " since ");
                add_cause(&d->title, alert);
        }
}

void describe(struct description *ret, const struct alert *const *alerts, size_t n_alerts, bool has_body,
              bool has_markup) {
        text_buffer_init(&ret->title, false);
        text_buffer_init(&ret->body, has_markup);
        ret->urgency = highest_urgency(alerts, n_alerts);
        if (n_alerts > 1)
                describe_many(ret, alerts, n_alerts);
        else
                describe_one(ret, alerts[0]);
        if (has_body)
                return;
        if (n_alerts == 1)
                extend_title(ret, alerts[0]);
        text_buffer_init(&ret->body, has_markup);
}

void describe_details(struct description *ret, const struct alert *const *alerts, size_t n_alerts,
                      bool has_markup) {
        text_buffer_init(&ret->title, false);
        text_buffer_init(&ret->body, has_markup);
        ret->urgency = URGENCY_NORMAL;
        text_buffer_add(&ret->title, "What became weaker");
        text_buffer_reserve(&ret->body, strlen(LAST_LINE OF_USER));
        add_list(&ret->body, alerts, n_alerts, LISTED_LONG_MAX, true);
        text_buffer_reserve(&ret->body, 0);
        text_buffer_add(&ret->body, LAST_LINE);
        if (alerts[0]->scope == SCOPE_USER && !is_mixed(alerts, n_alerts))
                text_buffer_add(&ret->body, OF_USER);
}

void describe_sample(struct description *ret, bool has_body, bool has_markup) {
        static char unit[] = "example.service", *units[] = { unit, NULL };
        static char path[] = "/etc/systemd/system/example.service.d/local.conf", change[] = "created";
        static char network[] = "PrivateNetwork", home[] = "ProtectHome";
        static const struct alert sample = {
                .unit = unit,
                .units = units,
                .n_units = 1,
                .path = path,
                .change = change,
                .n_causes = 1,
                .checks = { network, home },
                .n_checks = 2,
                .before = 28,
                .after = 42,
        };
        struct text_buffer title;

        describe(ret, (const struct alert *const []) { &sample }, 1, has_body, has_markup);
        /* First: the end of a title may not be seen. */
        title = ret->title;
        text_buffer_init(&ret->title, false);
        text_buffer_add(&ret->title, "Sample: ");
        text_buffer_add(&ret->title, title.text);
}

void describe_outcome(struct description *ret, const char *outcome, const char *unit, size_t n_others,
                      const char *detail, bool has_body, bool has_markup) {
        text_buffer_init(&ret->title, false);
        text_buffer_init(&ret->body, has_markup);
        /* A person waits for it; what is less urgent some desktops only put away. */
        ret->urgency = URGENCY_NORMAL;
        text_buffer_add(&ret->title, outcome);
        if (unit) {
                text_buffer_add(&ret->title, ": ");
                add_unit(&ret->title, unit);
        }
        if (n_others > 0) {
                text_buffer_add(&ret->title, " and ");
                text_buffer_add_number(&ret->title, n_others);
                text_buffer_add(&ret->title, " more");
        }
        if (detail && !has_body)
                text_buffer_add(&ret->title, ": ");
        text_buffer_add_foreign(has_body ? &ret->body : &ret->title, detail ?: "", DETAIL_MAX);
}
