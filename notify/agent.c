/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <systemd/sd-id128.h>

#include <exposured/bus.h>

#include "acceptance.h"
#include "api.h"
#include "board.h"
#include "cleanup.h"
#include "delay.h"
#include "details.h"
#include "event.h"
#include "record.h"
#include "report.h"
#include "source.h"

/* At login, so long is waited for each exposured to say what is open. */
#define LOGIN_USEC (5 * USEC_PER_SEC)
/* Answers of RequestName in the D-Bus specification. */
#define NAME_PRIMARY_OWNER 1U

/* What was told */

void agent_save(struct agent *agent) {
        int r;

        if (!agent->board->changed)
                return;
        agent->board->changed = false;
        if (!agent->record)
                return;
        r = record_save(agent->record, agent->board, server_owner(agent->server));
        if (r < 0)
                report_errno(r, "Cannot write down what was told");
}

/* A restart must not tell anything twice, a new session all that is open. */
static void restore(struct agent *agent) {
        const char *session = getenv("XDG_SESSION_ID");
        _cleanup_free_ char *key = NULL;
        sd_id128_t bus = SD_ID128_NULL;
        int r;

        (void) sd_bus_get_bus_id(agent->bus, &bus);
        if (asprintf(&key, SD_ID128_FORMAT_STR " %.64s", SD_ID128_FORMAT_VAL(bus), session ?: "-") < 0) {
                key = NULL;
                return;
        }
        r = record_new(&agent->record, key);
        if (r >= 0)
                r = record_load(agent->record, agent->board);
        if (r < 0 && r != -ENOENT)
                report_errno(r, "Cannot read what was told before");
}

/* What is open */

struct listing {
        struct agent *agent;
        enum scope scope;
};

static int on_row(const struct event *event, void *userdata) {
        struct listing *listing = userdata;
        int r = board_add(listing->agent->board, listing->scope, event);

        /* One that cannot be right is left out. */
        return r == -EBADMSG ? 0 : r;
}

/* From now on it is no login any more, nor after a restart. */
static void end_login(struct agent *agent) {
        delay_stop(agent->login);
        agent->board->changed = true;
}

static bool on_listed(void *userdata, enum scope scope, sd_bus_message *answer) {
        struct agent *agent = userdata;
        struct listing listing = { .agent = agent, .scope = scope };
        int r;

        board_begin(agent->board, scope);
        r = event_each_regression(answer, BOARD_ALERTS_MAX, on_row, &listing);
        if (r < 0)
                report_errno(r, "Cannot read the answer of exposured");
        else
                board_end(agent->board, scope);
        agent->listed[scope] = r >= 0;
        if (delay_is_set(agent->login) && agent->listed[SCOPE_SYSTEM] && agent->listed[SCOPE_USER])
                end_login(agent);
        agent_advance(agent);
        return r >= 0;
}

static const struct source_ops source_ops = { .listed = on_listed, .appeared = agent_on_appeared };

/* Beginning and end */

int agent_show_sample(struct agent *agent, sd_bus_message *call) {
        if (agent->sample_call)
                return -EBUSY;
        agent->sample_call = sd_bus_message_ref(call);
        /* It has not begun yet: it will come to that. */
        if (agent->server)
                agent_advance(agent);
        return 0;
}

static int begin(struct agent *agent) {
        int r;

        restore(agent);
        if (!agent->record || !record_is_found(agent->record))
                delay_set(agent->login, LOGIN_USEC);
        r = server_new(&agent->server, agent->bus, &agent_server_ops, agent);
        if (r >= 0)
                r = details_new(&agent->details, agent->event, agent->bus, agent_on_details_failed, agent);
        if (r >= 0)
                r = acceptances_new(&agent->acceptances, agent_on_acceptance, agent);
        for (enum scope scope = SCOPE_SYSTEM; r >= 0 && scope <= SCOPE_USER; scope++)
                r = source_new(&agent->sources[scope], agent->event, scope, agent->bus, &source_ops, agent);
        return r;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct agent *agent = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        uint32_t answer = 0;
        int r;

        (void) error;
        agent->name_slot = sd_bus_slot_unref(agent->name_slot);
        if (e) {
                report("The bus refuses us the name " NOTIFY_BUS_NAME ": %s.", e->message ?: e->name);
                return sd_event_exit(agent->event, -EACCES);
        }
        /* Another one is there already: that is enough. */
        if (sd_bus_message_read(m, "u", &answer) < 0 || answer != NAME_PRIMARY_OWNER)
                return sd_event_exit(agent->event, 0);
        r = begin(agent);
        return r < 0 ? sd_event_exit(agent->event, report_errno(r, "Cannot begin")) : 0;
}

static int on_tell(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        agent_advance(userdata);
        return 0;
}

static int on_login(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        end_login(userdata);
        agent_advance(userdata);
        return 0;
}

static int on_rest(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        (void) userdata;
        (void) malloc_trim(0);
        return 0;
}

static int set_up_timers(struct agent *agent) {
        int r = delay_new(&agent->tell, agent->event, on_tell, agent);

        if (r >= 0)
                r = delay_new(&agent->retry, agent->event, on_tell, agent);
        if (r >= 0)
                r = delay_new(&agent->login, agent->event, on_login, agent);
        return r < 0 ? r : delay_new(&agent->rest, agent->event, on_rest, agent);
}

static int connect_session(struct agent *agent) {
        int r = sd_bus_open_user_with_description(&agent->bus, "exposure-notify");

        /* Without its bus the session is over, or begins anew. */
        if (r >= 0)
                r = sd_bus_set_exit_on_disconnect(agent->bus, true);
        if (r >= 0)
                r = sd_bus_attach_event(agent->bus, agent->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return report_errno(r, "Cannot reach the bus of the session");
        /* Who had us started for a call calls as soon as the name is ours. */
        r = api_add(agent->bus, &agent->api_slot, agent);
        if (r < 0)
                return r;
        return sd_bus_request_name_async(agent->bus, &agent->name_slot, NOTIFY_BUS_NAME, 0, on_name, agent);
}

int agent_new(struct agent **ret, sd_event *event) {
        _cleanup_(agent_freep) struct agent *agent = calloc(1, sizeof(*agent));
        int r;

        if (!agent)
                return -ENOMEM;
        agent->event = sd_event_ref(event);
        agent->retry_usec = RETRY_MIN_USEC;
        agent->card = CARD_NONE;
        r = board_new(&agent->board);
        if (r >= 0)
                r = set_up_timers(agent);
        if (r >= 0)
                r = connect_session(agent);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(agent);
        return 0;
}

struct agent *agent_free(struct agent *agent) {
        if (!agent)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(agent->sources); i++)
                source_free(agent->sources[i]);
        sd_bus_slot_unref(agent->name_slot);
        sd_bus_slot_unref(agent->api_slot);
        sd_bus_message_unref(agent->sample_call);
        acceptances_free(agent->acceptances);
        details_free(agent->details);
        server_free(agent->server);
        while (agent->n_notices > 0)
                free(agent->notices[--agent->n_notices]);
        record_free(agent->record);
        board_free(agent->board);
        sd_event_source_disable_unref(agent->tell);
        sd_event_source_disable_unref(agent->retry);
        sd_event_source_disable_unref(agent->rest);
        sd_event_source_disable_unref(agent->login);
        sd_bus_flush_close_unref(agent->bus);
        sd_event_unref(agent->event);
        free(agent);
        return NULL;
}
