/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acceptance.h"
#include "agent.h"
#include "board.h"
#include "cleanup.h"
#include "describe.h"
#include "details.h"
#include "event.h"
#include "exposure.h"
#include "source.h"

/* What a person does about a notification, and what becomes of it. */

#define DETAILS_FAILED "Details cannot be opened"

/* Takes it over. */
static void add_notice(struct agent *agent, struct notice *notice) {
        if (agent->n_notices == NOTICES_MAX)
                free(notice);
        else
                agent->notices[agent->n_notices++] = notice;
        agent_advance(agent);
}

static struct notice *new_notice(struct agent *agent, const char *outcome, const char *unit, size_t n_others,
                                 const char *detail) {
        struct notice *notice = malloc(sizeof(*notice));

        if (!notice)
                return NULL;
        notice->returns = notice->changed = false;
        describe_outcome(&notice->description, outcome, unit, n_others, detail,
                         server_can(agent->server, CAPABILITY_BODY),
                         server_can(agent->server, CAPABILITY_BODY_MARKUP));
        return notice;
}

static void tell_outcome(struct agent *agent, const char *outcome, const char *detail) {
        struct notice *notice = new_notice(agent, outcome, NULL, 0, detail);

        if (notice)
                add_notice(agent, notice);
}

static const char *outcome_word(const struct acceptance_outcome *outcome) {
        if (!outcome->reason)
                return "Accepted";
        return outcome->n_accepted > 0 ? "Accepted in part" : "Not accepted";
}

void agent_on_acceptance(void *userdata, const struct acceptance_outcome *outcome) {
        struct agent *agent = userdata;
        struct notice *notice = new_notice(agent, outcome_word(outcome), outcome->unit, outcome->n_units - 1,
                                           outcome->reason);

        if (notice) {
                /* The server took it off the screen with the click; it can be tried again. */
                notice->returns = outcome->reason;
                notice->scope = outcome->scope;
                memcpy(notice->id, outcome->id, strlen(outcome->id) + 1);
                add_notice(agent, notice);
        }
        if (outcome->n_accepted > 0)
                for (size_t i = 0; i < ELEMENTSOF(agent->sources); i++)
                        source_look(agent->sources[i]);
}

void agent_on_appeared(void *userdata, const struct event *event) {
        struct agent *agent = userdata;
        char exposure[64];
        struct notice *notice;

        (void) snprintf(exposure, sizeof(exposure), "Exposure %u.%u %s", event->after / 10, event->after % 10,
                        exposure_level(event->after)->predicate);
        notice = new_notice(agent, "New and exposed", event->unit, 0, exposure);
        if (notice)
                add_notice(agent, notice);
}


static void refuse_at_once(struct agent *agent, const struct alert *alert, int r) {
        const struct acceptance_outcome outcome = {
                .scope = alert->scope,
                .id = alert->id,
                .unit = alert->unit,
                .n_units = 1,
                .reason = r == -ENOTCONN ? ACCEPTANCE_NO_ANSWER :
                          r == -EBUSY    ? "Others are being accepted, it must wait." :
                                           strerror(-r),
        };

        agent_on_acceptance(agent, &outcome);
}

/* Most servers have closed it by now; all do what follows alike if none shows it. */
static void close_card(struct agent *agent, int card) {
        (void) server_close(agent->server, agent->board->cards[card].id);
        board_closed(agent->board, card);
        agent_save(agent);
}

/* Nobody should accept what he has not seen: it is shown as it is now. */
static void show_changed(struct agent *agent, int card, const struct alert *const *alerts, size_t n_alerts) {
        const struct alert *alert = alerts[0];
        struct notice *notice;

        /* By the name that was on it, if that is open still. */
        for (size_t i = 0; i < n_alerts && !alert->told; i++)
                alert = alerts[i];
        notice = new_notice(agent, "Not accepted", alert->unit, 0, "It has changed since it was shown.");
        /* Where it is on its way already, the server may show that under the same id. */
        if (agent->board->showing != card)
                (void) server_close(agent->server, agent->board->cards[card].id);
        board_hide(agent->board, card);
        agent_save(agent);
        if (!notice)
                return;
        notice->returns = notice->changed = true;
        notice->scope = alert->scope;
        memcpy(notice->id, alert->id, sizeof(notice->id));
        add_notice(agent, notice);
}

static void accept_card(struct agent *agent, int card, const struct alert *const *alerts, size_t n_alerts) {
        if (!board_is_current(agent->board, card)) {
                show_changed(agent, card, alerts, n_alerts);
                return;
        }
        /* There is no such button then. */
        if (n_alerts != 1 || !alert_is_complete(alerts[0]))
                return;
        close_card(agent, card);
        for (size_t i = 0; i < n_alerts; i++) {
                sd_bus *bus = source_bus(agent->sources[alerts[i]->scope]);
                int r = bus ? acceptances_begin(agent->acceptances, bus, alerts[i]) : -ENOTCONN;

                if (r < 0)
                        refuse_at_once(agent, alerts[i], r);
        }
}

/* Where there is nothing to open it with, a notification must do. */
static void show_details(struct agent *agent, const struct alert *const *alerts, size_t n_alerts) {
        struct notice *notice = malloc(sizeof(*notice));

        if (!notice)
                return;
        notice->returns = notice->changed = false;
        describe_details(&notice->description, alerts, n_alerts,
                         server_can(agent->server, CAPABILITY_BODY_MARKUP));
        add_notice(agent, notice);
}

/* Of one cause what it hit, of a summary all that is open. */
static int open_scope(struct agent *agent, enum scope scope, const struct alert *const *alerts,
                      size_t n_alerts, const char *token) {
        bool single = n_alerts == 1 && alert_is_complete(alerts[0]) && alerts[0]->n_units > 0;

        for (size_t i = 0; i < n_alerts; i++)
                if (alerts[i]->scope == scope)
                        return details_open(agent->details, scope, single ? alerts[0]->units : NULL, token);
        return 0;
}

static void open_card(struct agent *agent, const struct alert *const *alerts, size_t n_alerts,
                      const char *token) {
        int r = open_scope(agent, SCOPE_SYSTEM, alerts, n_alerts, token);

        if (r >= 0)
                r = open_scope(agent, SCOPE_USER, alerts, n_alerts, token);
        if (r == -ENOENT)
                show_details(agent, alerts, n_alerts);
        else if (r < 0)
                tell_outcome(agent, DETAILS_FAILED, strerror(-r));
}

/* What would have stood there is said all the same. */
void agent_on_details_failed(void *userdata, enum scope scope, char **units, const char *reason) {
        struct agent *agent = userdata;
        _cleanup_free_ const struct alert **alerts = NULL;
        size_t n;

        if (board_find_alerts(agent->board, scope, units, &alerts, &n) >= 0 && n > 0)
                show_details(agent, alerts, n);
        else
                tell_outcome(agent, DETAILS_FAILED, reason);
}

static void on_sample_action(struct agent *agent, const char *action, const char *token) {
        int r;

        if (streq(action, "accept")) {
                tell_outcome(agent, "Nothing was accepted: it is a sample", NULL);
                return;
        }
        r = details_open(agent->details, SCOPE_SYSTEM, NULL, token);
        if (r < 0)
                tell_outcome(agent, DETAILS_FAILED,
                             r == -ENOENT ? "There is no terminal, pager or exposurectl" : strerror(-r));
}

void agent_invoke(struct agent *agent, uint32_t id, const char *action, const char *token) {
        _cleanup_free_ const struct alert **alerts = NULL;
        int card = board_find_card(agent->board, id);
        bool accept = streq(action, "accept");
        bool details = streq(action, "details") || streq(action, "default");
        size_t n;

        if (id != 0 && id == agent->sample_id)
                on_sample_action(agent, action, token);
        if (card == CARD_NONE || (!accept && !details) ||
            board_get_alerts(agent->board, card, &alerts, &n) < 0)
                return;
        if (n == 0)
                tell_outcome(agent, accept ? "Not accepted" : DETAILS_FAILED,
                             board_is_restored(agent->board, card) ? ACCEPTANCE_NO_ANSWER :
                                                                     "It was mended or accepted meanwhile.");
        else if (accept)
                accept_card(agent, card, alerts, n);
        else
                open_card(agent, alerts, n, token);
}
