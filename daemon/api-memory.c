/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "acceptance.h"
#include "api.h"
#include "archive.h"
#include "authority.h"
#include "batch.h"
#include "ledger.h"
#include "log.h"
#include "manager.h"
#include "settle.h"
#include "timer.h"
#include "turns.h"
#include "utf8.h"

/* Methods about what is remembered: regressions, history, acceptance. */

#define HISTORY_MAX 1000U
#define QUERIES_PER_USER_MAX 4U
#define KEPT_PER_USER_MAX 16U
/* A bus closes the connection of who sends a message that is too long: for one it is 32 MiB. */
#define HISTORY_SIZE_MAX (8U * 1024U * 1024U)

/* The entry of one of an event's units, if what the event told is open there still. */
static const struct entry *open_entry(const struct manager *m, const struct event *event, const char *name) {
        const struct entry *entry = ledger_find(&m->ledger, &m->units, name);

        return entry && entry->regression && entry->regression->event == event ? entry : NULL;
}

static int append_open_units(sd_bus_message *m, const struct manager *manager, const struct event *event) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "s");
        for (size_t i = 0; i < event->n_units && r >= 0; i++)
                if (open_entry(manager, event, event->units[i].unit))
                        r = sd_bus_message_append(m, "s", event->units[i].unit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Only what is worse than in the baseline. */
static size_t worse_checks(const struct assessment *baseline, const struct assessment *now,
                           struct check_change checks[static _CHECK_MAX]) {
        struct difference difference;
        size_t n = 0;

        assessment_compare(baseline, now, &difference);
        for (unsigned i = 0; i < difference.n_changes; i++)
                if (check_change_is_worse(&difference.changes[i]))
                        checks[n++] = difference.changes[i];
        return n;
}

struct list {
        sd_bus_message *reply;
        const struct manager *manager;
};

static int append_regression(const struct entry *entry, void *userdata) {
        const struct list *list = userdata;
        const struct model *model = &list->manager->model;
        const struct event *event = entry->regression->event;
        struct check_change checks[_CHECK_MAX];
        struct assessment baseline, now;
        sd_bus_message *m = list->reply;
        int r;

        entry_baseline(entry, model, &baseline);
        assess(model, entry_settled(entry), &now);
        r = sd_bus_message_open_container(m, 'r', EXPOSURED_REGRESSION_SIGNATURE);
        if (r >= 0)
                r = sd_bus_message_append(m, "sts", event->id, entry->regression->since, entry->key);
        if (r >= 0)
                r = append_open_units(m, list->manager, event);
        if (r >= 0)
                r = sd_bus_message_append(m, "dd", baseline.exposure / 10.0, now.exposure / 10.0);
        if (r >= 0)
                r = append_checks(m, checks, worse_checks(&baseline, &now, checks));
        if (r >= 0)
                r = append_causes(m, &event->causes);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int turn_list_regressions(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct list list = { .manager = manager };
        int r;

        (void) uid, (void) error;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r < 0)
                return r;
        list.reply = reply;
        r = sd_bus_message_open_container(reply, 'a', "(" EXPOSURED_REGRESSION_SIGNATURE ")");
        if (r >= 0)
                r = ledger_each_regression(&manager->ledger, append_regression, &list);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

int method_list_regressions(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return turns_request(((struct manager *) userdata)->turns, m, turn_list_regressions, error);
}

/* History: read by the archive's thread. */

struct query {
        sd_bus_message *call;
        int (*reply)(const struct query *query);
        bool single;                    /* the event with the id in before */
        char *unit;                     /* NULL: of all units */
        char *before;
        uint32_t max;
        struct event *events[HISTORY_MAX];
        size_t n_events;
        size_t size;                    /* of the events, about */
        bool full;
};

static struct query *query_free(struct query *query) {
        if (!query)
                return NULL;
        for (size_t i = 0; i < query->n_events; i++)
                event_unref(query->events[i]);
        sd_bus_message_unref(query->call);
        free(query->unit);
        free(query->before);
        free(query);
        return NULL;
}
DEFINE_CLEANUP(struct query *, query_free)

/* About as long as it becomes in a message, and in memory. */
static size_t event_size(const struct event *event) {
        size_t size = 512;

        for (size_t i = 0; i < event->n_units; i++) {
                const struct event_unit *unit = &event->units[i];

                size += strlen(unit->unit) + sizeof(*unit);
                size += unit->n_checks * sizeof(*unit->checks) + unit->n_own_checks * sizeof(*unit->own_checks);
        }
        for (size_t i = 0; i < event->causes.n_causes; i++) {
                size += strlen(event->causes.causes[i].path) + 64;
                for (char **line = event->causes.causes[i].lines; line && *line; line++)
                        size += strlen(*line) + 8;
        }
        return size;
}

/* The newest come first, and one at least: who wants more asks again from the last one on. */
static int on_event(void *userdata, const struct store_event *row) {
        struct query *query = userdata;
        _cleanup_(event_unrefp) struct event *event = query->full ? NULL : event_from_store(row);

        if (!event)
                return 0;
        query->size += event_size(event);
        query->full = query->n_events >= HISTORY_MAX || (query->n_events > 0 && query->size > HISTORY_SIZE_MAX);
        if (!query->full)
                query->events[query->n_events++] = TAKE_PTR(event);
        return 0;
}

static int run_query(struct store *store, void *data) {
        struct query *query = data;

        int r;

        if (!store)
                return -ENOTCONN;
        if (!query->single)
                return store_each_event(store, query->unit, query->before, query->max, on_event, query);
        r = store_get_event(store, query->before, on_event, query);
        return r == 0 || r == -EINVAL ? -ENOENT : r;
}

/* To one who asks for a unit, an event says what it did to that one. */
static int append_history_row(sd_bus_message *m, const struct event *event, const char *unit) {
        int r;

        r = sd_bus_message_open_container(m, 'r', EXPOSURED_HISTORY_SIGNATURE);
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", event->id, event_type_to_string(event->type));
        if (r >= 0)
                r = append_event(m, event, unit);
        if (r >= 0)
                r = sd_bus_message_append(m, "sut", event->reason ?: "", event->uid, event->until);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int reply_history(const struct query *query) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(query->call, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(" EXPOSURED_HISTORY_SIGNATURE ")");
        for (size_t i = 0; i < query->n_events && r >= 0; i++)
                r = append_history_row(reply, query->events[i], query->unit);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void free_place(struct call_place *places, size_t n, const sd_bus_message *call) {
        for (size_t i = 0; i < n; i++)
                if (places[i].call == call)
                        places[i].call = NULL;
}

/* A free place, unless that user has enough of them. */
static struct call_place *find_place(struct call_place *places, size_t n, uint32_t uid, unsigned user_max) {
        struct call_place *place = NULL;
        unsigned n_user = 0;

        for (size_t i = 0; i < n; i++)
                if (!places[i].call)
                        place = &places[i];
                else
                        n_user += places[i].uid == uid;
        return n_user < user_max ? place : NULL;
}

static void on_query_done(void *userdata, void *data, int result) {
        struct manager *manager = userdata;
        struct query *query = data;
        int r;

        free_place(manager->queries, ELEMENTSOF(manager->queries), query->call);
        manager_worked(manager);
        /* Not for what is wrong with the question. */
        if (result < 0 && result != -ECANCELED && archive_error(manager->archive) < 0)
                settle_retry(manager->settle);
        if (result == -ECANCELED)
                r = 0;
        else if (result == -ENOENT)
                r = sd_bus_reply_method_errorf(query->call, EXPOSURED_ERROR_INVALID_ARGUMENT,
                                               "There is no event %s, or it was forgotten.", query->before);
        else if (result < 0)
                r = sd_bus_reply_method_errorf(query->call, EXPOSURED_ERROR_STORE_UNAVAILABLE,
                                               "The history cannot be read: %s.", strerror(-result));
        else
                r = query->reply(query);
        api_ensure_reply(query->call, r);
        query_free(query);
}

static int query_new(struct query **ret, sd_bus_message *call, const char *unit, const char *before) {
        _cleanup_(query_freep) struct query *query = calloc(1, sizeof(*query));

        if (!query)
                return -ENOMEM;
        query->call = sd_bus_message_ref(call);
        query->unit = *unit ? strdup(unit) : NULL;
        query->before = *before ? strdup(before) : NULL;
        if ((*unit && !query->unit) || (*before && !query->before))
                return -ENOMEM;
        *ret = TAKE_PTR(query);
        return 0;
}

/* Takes the query over where it is under way. */
static int query_start(struct manager *manager, struct query **query, uint32_t uid, sd_bus_error *error) {
        struct call_place *place = find_place(manager->queries, ELEMENTSOF(manager->queries), uid,
                                              QUERIES_PER_USER_MAX);
        int r;

        r = place ? archive_submit(manager->archive, run_query, on_query_done, *query) : -ENOBUFS;
        if (r == -ENOBUFS)
                return sd_bus_error_set(error, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                        "Too many ask for the history already, try again later.");
        if (r < 0)
                return r;
        *place = (struct call_place) { (*query)->call, uid };
        *query = NULL;
        return 0;
}

static int turn_get_history(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(query_freep) struct query *query = NULL;
        const char *unit, *before;
        uint32_t max;
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_read(call, "ssu", &unit, &before, &max);
        if (r >= 0)
                r = query_new(&query, call, unit, before);
        if (r < 0)
                return r;
        query->max = max == 0 || max > HISTORY_MAX ? HISTORY_MAX : max;
        query->reply = reply_history;
        return query_start(manager, &query, uid, error);
}

static int check_history(sd_bus_message *m, sd_bus_error *error) {
        const char *unit, *before;
        int r;

        r = sd_bus_message_read(m, "ss", &unit, &before);
        if (r < 0)
                return r;
        if (strnlen(unit, UNIT_NAME_SIZE) >= UNIT_NAME_SIZE || strnlen(before, EVENT_ID_SIZE) >= EVENT_ID_SIZE)
                return sd_bus_error_set(error, EXPOSURED_ERROR_INVALID_ARGUMENT,
                                        "A unit name and the id of an event are expected.");
        return 0;
}

int method_get_history(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct turns *turns = ((struct manager *) userdata)->turns;
        int r = check_history(m, error);

        return r < 0 ? turns_refused(turns, m, r) : turns_request(turns, m, turn_get_history, error);
}

/* What is no change of the model was done by the unit's settings alone. */
static int append_event_unit(sd_bus_message *m, const struct event *event, const struct event_unit *unit) {
        bool model = event->type == EVENT_MODEL, changed = !model || unit->changed;
        uint8_t rated = !model ? unit->before : unit->changed ? unit->rated : unit->after;
        int r;

        r = sd_bus_message_open_container(m, 'r', EXPOSURED_EVENT_UNIT_SIGNATURE);
        if (r >= 0)
                r = sd_bus_message_append(m, "sddd", unit->unit, unit->before / 10.0, rated / 10.0, unit->after / 10.0);
        if (r >= 0)
                r = append_checks(m, unit->checks, model ? unit->n_checks : 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", changed);
        if (r >= 0)
                r = model ? append_checks(m, unit->own_checks, unit->n_own_checks) :
                            append_checks(m, unit->checks, unit->n_checks);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int reply_event_units(const struct query *query) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const struct event *event = query->n_events > 0 ? query->events[0] : NULL;
        int r;

        r = sd_bus_message_new_method_return(query->call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" EXPOSURED_EVENT_UNIT_SIGNATURE ")");
        for (size_t i = 0; event && i < event->n_units && r >= 0; i++)
                r = append_event_unit(reply, event, &event->units[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int turn_get_event_units(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(query_freep) struct query *query = NULL;
        const char *id;
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_read(call, "s", &id);
        if (r >= 0)
                r = query_new(&query, call, "", id);
        if (r < 0)
                return r;
        query->single = true;
        query->reply = reply_event_units;
        return query_start(manager, &query, uid, error);
}

static int check_event_id(sd_bus_message *m, sd_bus_error *error) {
        const char *id;
        int r;

        r = sd_bus_message_read(m, "s", &id);
        if (r < 0)
                return r;
        if (!*id || strnlen(id, EVENT_ID_SIZE) >= EVENT_ID_SIZE)
                return sd_bus_error_set(error, EXPOSURED_ERROR_INVALID_ARGUMENT, "The id of an event is expected.");
        return 0;
}

int method_get_event_units(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct turns *turns = ((struct manager *) userdata)->turns;
        int r = check_event_id(m, error);

        return r < 0 ? turns_refused(turns, m, r) : turns_request(turns, m, turn_get_event_units, error);
}

/* Acceptance: asked for by anyone, done for those who may. */

static int check_acceptance(sd_bus_message *m, const char **ret_unit, const char **ret_reason, uint64_t *ret_until,
                            sd_bus_error *error) {
        int r;

        r = sd_bus_message_read(m, "sst", ret_unit, ret_reason, ret_until);
        if (r < 0)
                return r;
        if (!unit_name_is_service(*ret_unit) && !unit_name_is_template(*ret_unit))
                return sd_bus_error_setf(error, EXPOSURED_ERROR_INVALID_NAME,
                                         "'%.*s' is not the name of a service unit.",
                                         (int) utf8_fit(*ret_unit, UNIT_NAME_SIZE), *ret_unit);
        if (!**ret_reason || strnlen(*ret_reason, REASON_MAX + 1) > REASON_MAX)
                return sd_bus_error_setf(error, EXPOSURED_ERROR_INVALID_ARGUMENT,
                                         "A reason of 1 to %u bytes is expected.", REASON_MAX);
        if (*ret_until != 0 && *ret_until <= timer_realtime())
                return sd_bus_error_set(error, EXPOSURED_ERROR_INVALID_ARGUMENT,
                                        "The time until which to accept is past.");
        return 0;
}

/* An acceptance that is being written: who asked for it is answered then. */
struct kept {
        struct batch_wait wait;
        struct manager *manager;
        sd_bus_message *call;
        const char *unit;               /* of the call */
        char id[EVENT_ID_SIZE];
};

static struct kept *kept_free(struct kept *kept) {
        if (!kept)
                return NULL;
        sd_bus_message_unref(kept->call);
        free(kept);
        return NULL;
}
DEFINE_CLEANUP(struct kept *, kept_free)

/* What could not be written is accepted all the same, for as long as it can be remembered; it is not sure to last. */
static void on_kept(struct batch_wait *wait, int result) {
        struct kept *kept = (struct kept *) wait;
        int r = 0;

        free_place(kept->manager->acceptances_kept, ELEMENTSOF(kept->manager->acceptances_kept), kept->call);
        if (result >= 0)
                r = sd_bus_reply_method_return(kept->call, "s", kept->id);
        else if (result != -ECANCELED)
                r = sd_bus_reply_method_errorf(kept->call, EXPOSURED_ERROR_STORE_UNAVAILABLE,
                                               "%s is accepted, but in memory only, as the database cannot be "
                                               "written (%s); that is tried again.", kept->unit, strerror(-result));
        api_ensure_reply(kept->call, r);
        kept_free(kept);
}

static int kept_new(struct kept **ret, struct manager *manager, sd_bus_message *call, const char *unit) {
        struct kept *kept = calloc(1, sizeof(*kept));

        if (!kept)
                return -ENOMEM;
        *kept = (struct kept) {
                .wait.fn = on_kept,
                .manager = manager,
                .call = sd_bus_message_ref(call),
                .unit = unit,
        };
        *ret = kept;
        return 0;
}

/* Who gives leave has seen what was open then: what became weaker meanwhile nobody has accepted. */
static int check_still_open(struct manager *manager, const char *unit, const char *event, sd_bus_error *error) {
        const char *open = acceptance_find_regression(manager, unit);

        if (!*open || streq(open, event))
                return 0;
        return sd_bus_error_setf(error, EXPOSURED_ERROR_BECAME_WEAKER,
                                 "%s became weaker while leave was asked for, so nothing is accepted; look at it "
                                 "again.", unit);
}

static int accept_now(struct manager *manager, sd_bus_message *call, uint32_t uid, const char *event) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(kept_freep) struct kept *kept = NULL;
        const char *unit, *reason;
        struct call_place *place;
        uint64_t until;
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = check_acceptance(call, &unit, &reason, &until, &error);
        if (r >= 0)
                r = check_still_open(manager, unit, event, &error);
        if (r < 0)
                return sd_bus_reply_method_errno(call, r, &error);
        place = find_place(manager->acceptances_kept, ELEMENTSOF(manager->acceptances_kept), uid, KEPT_PER_USER_MAX);
        if (!place)
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                                  "Too many acceptances are being written already, try again later.");
        r = kept_new(&kept, manager, call, unit);
        if (r >= 0)
                r = accept_unit(manager, unit, reason, until, uid, kept->id);
        if (r == ACCEPTED) {
                *place = (struct call_place) { call, uid };
                settle_await(manager->settle, &TAKE_PTR(kept)->wait);
                return 0;
        }
        if (r == ACCEPTED_UNKNOWN)
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_NO_SUCH_UNIT, "Nothing is known of %s.", unit);
        if (r == ACCEPTED_NOTHING)
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_NOTHING_TO_ACCEPT,
                                                  "%s is as its baseline says, there is nothing to accept.", unit);
        return sd_bus_reply_method_errno(call, r, NULL);
}

static void on_allowed(struct manager *manager, sd_bus_message *call, uint32_t uid, const char *event) {
        api_ensure_reply(call, accept_now(manager, call, uid, event));
}

static int turn_accept(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        const char *unit;
        int r;

        r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_read(call, "s", &unit);
        if (r < 0)
                return r;
        r = authority_check(manager->authority, call, uid, EXPOSURED_ACTION_ACCEPT, unit,
                            acceptance_find_regression(manager, unit), on_allowed);
        if (r == -EBUSY)
                return sd_bus_error_set(error, EXPOSURED_ERROR_LIMIT_EXCEEDED,
                                        "Too many wait for leave already, try again later.");
        return r;
}

int method_accept(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct manager *manager = userdata;
        const char *unit, *reason;
        uint64_t until;
        int r;

        r = check_acceptance(m, &unit, &reason, &until, error);
        return r < 0 ? turns_refused(manager->turns, m, r) : turns_request(manager->turns, m, turn_accept, error);
}
