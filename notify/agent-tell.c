/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "api.h"
#include "board.h"
#include "cleanup.h"
#include "delay.h"
#include "describe.h"
#include "record.h"
#include "report.h"

/* What the server is asked, and what it says. */

#define RETRY_MAX_USEC (300 * USEC_PER_SEC)
/* After so long without work, memory is given back. */
#define REST_USEC (5 * USEC_PER_SEC)

/* The default action is a click on the notification itself: with a label it would be a button in some. */
static const char *const actions_of_one[] = {
        "default", "", "details", "Details", "accept", "Accept", NULL
};
static const char *const actions_of_many[] = { "default", "", "details", "Details", NULL };

static int send_description(struct agent *agent, const struct description *d, notification_actions actions,
                            uint32_t replaces, bool transient) {
        const struct notification notification = {
                .replaces = replaces,
                .title = d->title.text,
                .body = d->body.text,
                .actions = actions,
                .urgency = d->urgency,
                .transient = transient,
        };

        return server_notify(agent->server, &notification);
}

/* What a notice says, then what the card says. */
static void begin_with(struct description *d, const struct notice *notice) {
        struct description said = *d;

        *d = notice->description;
        text_buffer_add(&d->body, "\n");
        text_buffer_add(&d->body, said.body.text);
        d->urgency = said.urgency;
}

/* The notice is NULL unless the card comes back with it. */
static int send_card(struct agent *agent, int card, const struct notice *notice) {
        _cleanup_free_ const struct alert **alerts = NULL;
        struct description d;
        size_t n;
        int r = board_get_alerts(agent->board, card, &alerts, &n);

        if (r < 0)
                return r;
        describe(&d, alerts, n, server_can(agent->server, CAPABILITY_BODY),
                 server_can(agent->server, CAPABILITY_BODY_MARKUP));
        if (notice)
                begin_with(&d, notice);
        /* Nobody should accept many things that he has not looked at. */
        return send_description(agent, &d,
                                n == 1 && alert_is_complete(alerts[0]) ? actions_of_one : actions_of_many,
                                agent->board->cards[card].id, false);
}

static void tell_news(struct agent *agent) {
        uint64_t now = delay_now();
        size_t n = board_count_news(agent->board);
        int r;

        pace_tell(&agent->pace, now, n > 1 ? 2 : 1);
        agent->card = board_tell(agent->board);
        /* Written down first: whatever happens to us now, nothing is told twice. */
        agent_save(agent);
        r = send_card(agent, agent->card, NULL);
        if (r >= 0) {
                agent->sending = SENDING_CARD;
                return;
        }
        report_errno(r, "Cannot send a notification");
        board_untell(agent->board);
        delay_set(agent->retry, agent->retry_usec);
}

static void answer_sample(struct agent *agent, enum outcome outcome) {
        if (!agent->sample_call)
                return;
        api_answer_sample(agent->sample_call, outcome);
        agent->sample_call = sd_bus_message_unref(agent->sample_call);
}

static void send_sample(struct agent *agent) {
        struct description d;

        describe_sample(&d, server_can(agent->server, CAPABILITY_BODY),
                        server_can(agent->server, CAPABILITY_BODY_MARKUP));
        if (send_description(agent, &d, actions_of_one, 0, true) >= 0)
                agent->sending = SENDING_SAMPLE;
        else
                answer_sample(agent, OUTCOME_REFUSED);
}

static void send_notice(struct agent *agent) {
        _cleanup_free_ struct notice *notice = agent->notices[0];
        bool markup = server_can(agent->server, CAPABILITY_BODY_MARKUP);
        int card = notice->returns ? board_retell(agent->board, notice->scope, notice->id) : CARD_NONE;

        agent->n_notices--;
        memmove(agent->notices, agent->notices + 1, agent->n_notices * sizeof(*agent->notices));
        /* Meanwhile it is another server, for which the words were not written. */
        if (notice->description.body.markup != markup)
                text_buffer_init(&notice->description.body, markup);
        if (card == CARD_NONE) {
                if (send_description(agent, &notice->description, NULL, 0, true) >= 0)
                        agent->sending = SENDING_NOTICE;
                return;
        }
        agent->card = card;
        if (send_card(agent, card, notice) >= 0)
                agent->sending = SENDING_CARD;
        else
                board_untell(agent->board);
}

static void close_cards(struct agent *agent) {
        int card;

        while ((card = board_next_closing(agent->board)) != CARD_NONE) {
                if (agent->board->cards[card].id != 0)
                        (void) server_close(agent->server, agent->board->cards[card].id);
                board_closed(agent->board, card);
        }
}

static bool has_news(struct agent *agent) {
        if (board_count_news(agent->board) == 0) {
                agent->pace.has_news = false;
                return false;
        }
        pace_arrive(&agent->pace, delay_now());
        return true;
}

/* What was on the screen before a restart is there still, if it is the same server. */
static void meet_server(struct agent *agent) {
        if (agent->server_was_met)
                return;
        agent->server_was_met = true;
        if (agent->record && !streq_ptr(record_server(agent->record), server_owner(agent->server)))
                board_lose_cards(agent->board);
}

/* What is due now, one thing at a time; what is not yet due gets its timer. */
void agent_advance(struct agent *agent) {
        bool news = has_news(agent);
        uint64_t wait;

        delay_set(agent->rest, REST_USEC);
        if (agent->sending != SENDING_NOTHING || !server_is_known(agent->server))
                return;
        meet_server(agent);
        close_cards(agent);
        agent_save(agent);
        if (!news && agent->n_notices == 0 && !agent->sample_call)
                return;
        if (!server_is_ready(agent->server)) {
                if (!delay_is_set(agent->retry) && server_ask(agent->server) < 0)
                        delay_set(agent->retry, agent->retry_usec);
                return;
        }
        wait = pace_wait(&agent->pace, delay_now());
        if (agent->sample_call)
                send_sample(agent);
        else if (agent->n_notices > 0)
                send_notice(agent);
        else if (wait > 0)
                delay_set_earlier(agent->tell, wait);
        else if (!delay_is_set(agent->retry))
                tell_news(agent);
}

static void on_ready(void *userdata) {
        struct agent *agent = userdata;

        agent->retry_usec = RETRY_MIN_USEC;
        delay_stop(agent->retry);
        agent_advance(agent);
}

/* Every time twice as long. */
static void retry_later(struct agent *agent) {
        delay_set(agent->retry, agent->retry_usec);
        if (agent->retry_usec < RETRY_MAX_USEC)
                agent->retry_usec *= 2;
}

/* It will be heard of when there is one; where one that can be started would not start, it is tried again. */
static void on_missing(void *userdata, bool may_start) {
        struct agent *agent = userdata;

        answer_sample(agent, OUTCOME_LOST);
        while (agent->n_notices > 0)
                free(agent->notices[--agent->n_notices]);
        if (may_start && board_count_news(agent->board) > 0)
                retry_later(agent);
}

static void on_changed(void *userdata) {
        struct agent *agent = userdata;

        agent->sample_id = 0;
        board_lose_cards(agent->board);
        agent_advance(agent);
}

static void settle_card(struct agent *agent, enum outcome outcome, uint32_t id) {
        switch (outcome) {
        case OUTCOME_SHOWN:
                board_shown(agent->board, agent->card, id);
                break;
        case OUTCOME_SILENCE:
                board_shown(agent->board, agent->card, 0);
                break;
        case OUTCOME_REFUSED:
                retry_later(agent);
                board_untell(agent->board);
                break;
        case OUTCOME_LOST:
                board_untell(agent->board);
                break;
        }
}

static void on_answered(void *userdata, enum outcome outcome, uint32_t id) {
        struct agent *agent = userdata;
        enum sending sending = agent->sending;

        agent->sending = SENDING_NOTHING;
        if (sending == SENDING_CARD)
                settle_card(agent, outcome, id);
        if (sending == SENDING_SAMPLE) {
                agent->sample_id = outcome == OUTCOME_SHOWN ? id : 0;
                answer_sample(agent, outcome);
        }
        agent_save(agent);
        agent_advance(agent);
}

static void on_invoked(void *userdata, uint32_t id, const char *action, const char *token) {
        agent_invoke(userdata, id, action, token);
}

static void on_closed(void *userdata, uint32_t id) {
        struct agent *agent = userdata;
        int card = board_find_card(agent->board, id);

        if (id == agent->sample_id)
                agent->sample_id = 0;
        if (card != CARD_NONE)
                board_closed(agent->board, card);
        agent_save(agent);
}

const struct server_ops agent_server_ops = {
        .ready = on_ready,
        .missing = on_missing,
        .changed = on_changed,
        .answered = on_answered,
        .invoked = on_invoked,
        .closed = on_closed,
};
