/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

#include <exposured/macro.h>

#include "announce.h"
#include "api.h"
#include "archive.h"
#include "log.h"
#include "manager.h"
#include "settle.h"
#include "utf8.h"

#define WAITING_MAX 1024U
/* " since PATH (created)". */
#define CAUSE_SIZE (PATH_MAX + 64U)
/* A field holds a path or a reason whole, the message both; that of a unit is no longer than its name. */
#define FIELD_SIZE (PATH_MAX + 2048U)
#define UNIT_FIELD_SIZE (UNIT_NAME_SIZE + 32U)
/*
 * sd_journal_sendv() sends two parts for each field, or a few more, and the kernel takes 1024 at once. There is room for
 * all fields that are made, and for as many units as go in.
 */
#define FIELDS_MAX 448U
#define CAUSES_SHOWN_MAX 16U
#define FIELDS_SIZE ((CAUSES_SHOWN_MAX + 8) * FIELD_SIZE + FIELDS_MAX * UNIT_FIELD_SIZE)

/* What the catalog explains (units/exposured.catalog), and how loud each is. */
static const struct {
        const char *message_id;
        int priority;
} kinds[_EVENT_TYPE_MAX] = {
        [EVENT_REGRESSED] = { "9df585e1135e45d3a6a6ede6f2ca507d", LOG_WARNING },
        [EVENT_IMPROVED] = { "66c02e11da0d4296a8ab4fca3994d813", LOG_NOTICE },
        [EVENT_CHANGED] = { "be6976b65d6f4b2a8b2a9d0412b50e68", LOG_INFO },
        [EVENT_APPEARED] = { "67994a26c2a04ccdaf55823b8230f692", LOG_INFO },
        [EVENT_GONE] = { "b9b237bfbebb4060b30f5ec56a2846f9", LOG_INFO },
        [EVENT_ACCEPTED] = { "6d3fd17922894fb4a387fe96448ae91b", LOG_NOTICE },
        [EVENT_MODEL] = { "842ae4cb45024b4c81316c28fa17c895", LOG_NOTICE },
};

struct announcer {
        struct manager *manager;
        struct {
                struct event *event;
                bool kept;
        } waiting[WAITING_MAX];
        unsigned n_waiting;
        struct event *unmarked[WAITING_MAX]; /* that could not be marked as told */
        unsigned n_unmarked;
};

/* Fields of one journal entry, in the form "NAME=value", one behind the other. */
struct fields {
        char text[FIELDS_SIZE];
        size_t size;
        struct iovec iov[FIELDS_MAX];
        unsigned n;
};

static void add_field(struct fields *fields, const char *format, ...) _printf_(2, 3);
static void add_field(struct fields *fields, const char *format, ...) {
        char *text = fields->text + fields->size;
        va_list ap;
        int n;

        if (fields->n >= FIELDS_MAX || FIELDS_SIZE - fields->size < FIELD_SIZE)
                return;
        va_start(ap, format);
        n = vsnprintf(text, FIELD_SIZE, format, ap);
        va_end(ap);
        if (n < 0)
                return;
        fields->iov[fields->n] = (struct iovec) { .iov_base = text, .iov_len = utf8_fit(text, FIELD_SIZE) };
        fields->size += fields->iov[fields->n++].iov_len + 1;
}

/*
 * The sentence that people read, the only field so far: nothing in it can steer a terminal, and journalctl
 * shows it as it is. The other fields keep what they are made of.
 */
static void clean_message(struct fields *fields) {
        char message[FIELD_SIZE];

        memcpy(message, fields->text, fields->size);
        utf8_clean(message, fields->text, FIELD_SIZE);
        fields->iov[0].iov_len = strlen(fields->text);
        fields->size = fields->iov[0].iov_len + 1;
}

/* One that changed and is not weaker than its baseline may be weaker than it was. */
static bool got_worse(const struct event *event) {
        for (size_t i = 0; event->n_units > 0 && i < event->units[0].n_checks; i++)
                if (check_change_is_worse(&event->units[0].checks[i]))
                        return true;
        return false;
}

/* "PrivateTmp=, ProtectHome= and 3 more", of the checks that went the way that the event tells. */
static void describe_checks(const struct event *event, char *text, size_t size) {
        const struct event_unit *unit = event->n_units > 0 ? &event->units[0] : NULL;
        unsigned shown = 0, more = 0;
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; unit && i < unit->n_checks; i++) {
                const struct check_change *c = &unit->checks[i];

                if (check_change_is_worse(c) != (event->type != EVENT_IMPROVED))
                        continue;
                if (shown++ >= 4)
                        more++;
                else if (n < size)
                        n += (size_t) snprintf(text + n, size - n, "%s%s", n > 0 ? ", " : "",
                                               check_info(c->check)->name);
        }
        if (more > 0 && n < size)
                (void) snprintf(text + n, size - n, " and %u more", more);
}

/* " since /etc/... (created)", or nothing. */
static void describe_cause(const struct event *event, char *text, size_t size) {
        const struct cause *cause = event->causes.n_causes > 0 ? &event->causes.causes[0] : NULL;

        text[0] = '\0';
        if (cause && *cause->path)
                (void) snprintf(text, size, " since %s (%s)", cause->path, cause->change);
        else if (cause && streq(cause->change, cause_change_to_string(CAUSE_MANAGER)))
                (void) snprintf(text, size, " since systemd itself changed");
}

static void describe_others(const struct event *event, char *text, size_t size) {
        text[0] = '\0';
        if (event->n_units > 1)
                (void) snprintf(text, size, " and %zu other units", event->n_units - 1);
}

/* The systemd before, where another one is the cause; else NULL. */
static const char *version_before(const struct event *event) {
        const struct cause *cause = event->causes.n_causes > 0 ? &event->causes.causes[0] : NULL;

        if (!cause || *cause->path || !cause->lines || !cause->lines[0] || cause->lines[0][0] != '-')
                return NULL;
        return cause->lines[0] + 1;
}

static void add_model_message(struct fields *fields, const struct event *event) {
        struct event_counts counts = event_count(event);
        const char *was = version_before(event);
        char cause[CAUSE_SIZE];

        describe_cause(event, cause, sizeof(cause));
        if (was)
                add_field(fields, "MESSAGE=systemd %s instead of %s: %zu units rated differently; %zu changed, of "
                                  "these %zu became weaker and %zu stronger", event->systemd_version ?: "", was,
                          counts.n_rated, counts.n_changed, counts.n_weaker, counts.n_stronger);
        else
                add_field(fields, "MESSAGE=The scoring policy changed%s: %zu units rated differently", cause,
                          counts.n_rated);
}

static void add_model_fields(struct fields *fields, const struct event *event) {
        struct event_counts counts = event_count(event);

        if (version_before(event))
                add_field(fields, "EXPOSURED_SYSTEMD_BEFORE=%s", version_before(event));
        add_field(fields, "EXPOSURED_SYSTEMD=%s", event->systemd_version ?: "");
        add_field(fields, "EXPOSURED_RATED_COUNT=%zu", counts.n_rated);
        add_field(fields, "EXPOSURED_CHANGED_COUNT=%zu", counts.n_changed);
        add_field(fields, "EXPOSURED_WEAKER_COUNT=%zu", counts.n_weaker);
        add_field(fields, "EXPOSURED_STRONGER_COUNT=%zu", counts.n_stronger);
}

static void add_message(struct fields *fields, const struct event *event) {
        char checks[256], cause[CAUSE_SIZE], others[64];
        int b = event->before, a = event->after;

        describe_checks(event, checks, sizeof(checks));
        describe_cause(event, cause, sizeof(cause));
        describe_others(event, others, sizeof(others));
        switch (event->type) {
        case EVENT_REGRESSED:
                add_field(fields, "MESSAGE=%s%s became weaker, exposure %d.%d instead of %d.%d%s: %s", event->unit,
                          others, a / 10, a % 10, b / 10, b % 10, cause, checks);
                break;
        case EVENT_IMPROVED:
                add_field(fields, "MESSAGE=%s%s became stronger, exposure %d.%d instead of %d.%d%s: %s", event->unit,
                          others, a / 10, a % 10, b / 10, b % 10, cause, checks);
                break;
        case EVENT_CHANGED:
                if (got_worse(event))
                        add_field(fields, "MESSAGE=%s%s changed within its baseline, exposure %d.%d instead of "
                                          "%d.%d%s: %s", event->unit, others, a / 10, a % 10, b / 10, b % 10, cause,
                                  checks);
                else
                        add_field(fields, "MESSAGE=%s%s changed, exposure %d.%d as good as before%s", event->unit,
                                  others, a / 10, a % 10, cause);
                break;
        case EVENT_APPEARED:
                add_field(fields, "MESSAGE=%s appeared, exposure %d.%d %s", event->unit, a / 10, a % 10,
                          exposure_to_predicate(event->after));
                break;
        case EVENT_GONE:
                add_field(fields, "MESSAGE=%s is gone", event->unit);
                break;
        case EVENT_ACCEPTED:
                add_field(fields, "MESSAGE=%s was accepted by user %" PRIu32 " with exposure %d.%d: %s", event->unit,
                          event->uid, a / 10, a % 10, event->reason ?: "");
                break;
        default:
                add_model_message(fields, event);
        }
}

static int priority_of(const struct event *event) {
        if (causes_have_limit(&event->causes))
                return LOG_WARNING;
        return kinds[event->type].priority;
}

/* What the event is, in each entry of it. */
static void add_head(struct fields *fields, const struct manager *m, const struct event *event, int priority) {
        add_field(fields, "PRIORITY=%d", priority);
        add_field(fields, "EXPOSURED_ID=%s", event->id);
        add_field(fields, "EXPOSURED_EVENT=%s", event_type_to_string(event->type));
        add_field(fields, "EXPOSURED_SCOPE=%s", m->scope == SCOPE_USER ? "user" : "system");
        add_field(fields, "EXPOSURED_UNIT=%s", event->unit);
}

static void add_all_but_units(struct fields *fields, const struct manager *m, const struct event *event) {
        const struct event_unit *unit = event->n_units > 0 ? &event->units[0] : NULL;

        add_message(fields, event);
        clean_message(fields);
        add_field(fields, "MESSAGE_ID=%s", kinds[event->type].message_id);
        add_head(fields, m, event, priority_of(event));
        add_field(fields, "EXPOSURED_UNIT_COUNT=%zu", event->n_units);
        if (event->type == EVENT_MODEL)
                add_model_fields(fields, event);
        else {
                add_field(fields, "EXPOSURED_BEFORE=%d.%d", event->before / 10, event->before % 10);
                add_field(fields, "EXPOSURED_AFTER=%d.%d", event->after / 10, event->after % 10);
        }
        if (event->reason)
                add_field(fields, "EXPOSURED_REASON=%s", event->reason);
        if (event->uid != UINT32_MAX)
                add_field(fields, "EXPOSURED_UID=%" PRIu32, event->uid);
        for (size_t i = 0; i < event->causes.n_causes && i < CAUSES_SHOWN_MAX; i++)
                add_field(fields, "EXPOSURED_CAUSE=%s", event->causes.causes[i].path);
        for (size_t i = 0; unit && i < unit->n_checks; i++)
                add_field(fields, "EXPOSURED_CHECK=%s", check_info(unit->checks[i].check)->json_field);
}

/* The units that do not fit in one entry are in more of them; it is one event, so they have no message id. */
static void add_continuation(struct fields *fields, const struct manager *m, const struct event *event, size_t n_told) {
        add_field(fields, "MESSAGE=Event %s hit %zu units, of these there follow those from %zu on", event->id,
                  event->n_units, n_told + 1);
        add_head(fields, m, event, LOG_INFO);
}

static int to_journal(struct manager *m, const struct event *event) {
        struct fields *fields = malloc(sizeof(*fields));
        size_t n_told = 0;
        int r;

        if (!fields)
                return log_oom();
        do {
                fields->size = fields->n = 0;
                if (n_told == 0)
                        add_all_but_units(fields, m, event);
                else
                        add_continuation(fields, m, event, n_told);
                while (n_told < event->n_units && fields->n < FIELDS_MAX)
                        add_field(fields, "EXPOSURED_UNITS=%s", event->units[n_told++].unit);
                r = log_fields(fields->iov, fields->n);
        } while (r >= 0 && n_told < event->n_units);
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot write an event to the journal");
        free(fields);
        return r;
}

/* Marks as told, so that a restart does not tell it again. */

static int run_mark(struct store *store, void *data) {
        struct event *event = data;

        return store ? store_mark_announced(store, event->id) : -ENOTCONN;
}

/* Beyond what is remembered a restart tells it once more. */
static void mark_later(struct manager *m, struct event *event) {
        struct announcer *a = m->announcer;

        if (a->n_unmarked < WAITING_MAX)
                a->unmarked[a->n_unmarked++] = event_ref(event);
        settle_retry(m->settle);
}

static void on_marked(void *userdata, void *data, int result) {
        struct event *event = data;

        /* -ENOENT: the database did not take the event, or has forgotten it. */
        if (result < 0 && result != -ECANCELED && result != -ENOENT)
                mark_later(userdata, event);
        event_unref(event);
}

static void mark(struct manager *m, struct event *event) {
        int r;

        r = archive_submit(m->archive, run_mark, on_marked, event_ref(event));
        if (r < 0)
                on_marked(m, event, r);
}

void announcer_mark(struct announcer *a) {
        struct event *again[WAITING_MAX];
        unsigned n = a->n_unmarked;

        memcpy(again, a->unmarked, n * sizeof(*again));
        a->n_unmarked = 0;
        for (unsigned i = 0; i < n; i++) {
                mark(a->manager, again[i]);
                event_unref(again[i]);
        }
}

static void tell(struct manager *m, struct event *event, bool kept) {
        int r;

        r = to_journal(m, event);
        api_emit_event(m, event);
        /* What the journal did not take is told once more at the next start. */
        if (kept && r >= 0)
                mark(m, event);
}

void announce(struct manager *m, struct event *event, bool kept) {
        struct announcer *a = m->announcer;

        if (m->served || a->n_waiting >= WAITING_MAX) {
                tell(m, event, kept);
                return;
        }
        a->waiting[a->n_waiting].event = event_ref(event);
        a->waiting[a->n_waiting++].kept = kept;
}

void announcer_flush(struct announcer *a) {
        for (unsigned i = 0; i < a->n_waiting; i++) {
                tell(a->manager, a->waiting[i].event, a->waiting[i].kept);
                event_unref(a->waiting[i].event);
        }
        a->n_waiting = 0;
}

int announcer_new(struct announcer **ret, struct manager *manager) {
        struct announcer *a;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->manager = manager;
        *ret = a;
        return 0;
}

struct announcer *announcer_free(struct announcer *a) {
        if (!a)
                return NULL;
        for (unsigned i = 0; i < a->n_waiting; i++)
                event_unref(a->waiting[i].event);
        for (unsigned i = 0; i < a->n_unmarked; i++)
                event_unref(a->unmarked[i]);
        free(a);
        return NULL;
}
