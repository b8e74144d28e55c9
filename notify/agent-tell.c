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

static int send_description(struct agent *agent, const struct description *d,
                            const struct notification *how) {
        struct notification notification = *how;

        notification.title = d->title.text;
        notification.body = d->body.text;
        notification.urgency = d->urgency;
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
static int send_card(struct agent *agent, int card, const struct notice *notice, bool silent) {
        _cleanup_free_ const struct alert **alerts = NULL;
        bool has_body = server_can(agent->server, CAPABILITY_BODY);
        struct description d;
        size_t n;
        int r = board_get_alerts(agent->board, card, &alerts, &n);

        if (r < 0)
                return r;
        describe(&d, alerts, n, has_body, server_can(agent->server, CAPABILITY_BODY_MARKUP));
        /* Where there is but a title, it is what changed that must be seen. */
        if (notice && (has_body || !notice->changed))
                begin_with(&d, notice);
        agent->card = card;
        return send_description(agent, &d, &(const struct notification) {
                .replaces = agent->board->cards[card].id,
                /* Nobody should accept many things that he has not looked at. */
                .actions = n == 1 && alert_is_complete(alerts[0]) ? actions_of_one : actions_of_many,
                .silent = silent,
        });
}

/* Counted as told already, a card goes to the server. */
static void show_card(struct agent *agent, int card, bool silent) {
        int r;

        /* Written down first: whatever happens to us now, nothing is told twice. */
        agent_save(agent);
        r = send_card(agent, card, NULL, silent);
        if (r >= 0) {
                agent->sending = SENDING_CARD;
                return;
        }
        report_errno(r, "Cannot send a notification");
        board_untell(agent->board);
        delay_set(agent->retry, agent->retry_usec);
}

static bool is_urgent(const struct agent *agent) {
        return board_news_urgency(agent->board) == URGENCY_CRITICAL;
}

static void tell_news(struct agent *agent) {
        uint64_t now = delay_now();

        /* Where it is no time for one more, what is there was changed. */
        if (pace_wait(&agent->pace, now, is_urgent(agent)) == 0)
                pace_tell(&agent->pace, now, board_count_news(agent->board) > 1 ? 2 : 1);
        else
                pace_update(&agent->pace, now);
        agent->pace.has_news = false;
        show_card(agent, board_tell(agent->board), false);
}

static void refresh(struct agent *agent, int card) {
        /* What was hidden comes back as it was told, with its sound. */
        bool silent = agent->board->cards[card].id != 0;

        pace_update(&agent->pace, delay_now());
        board_show(agent->board, card);
        show_card(agent, card, silent);
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
        if (send_description(agent, &d, &(const struct notification) {
                .actions = actions_of_one,
                .transient = true,
        }) >= 0)
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
                if (send_description(agent, &notice->description,
                                     &(const struct notification) { .transient = true }) >= 0)
                        agent->sending = SENDING_NOTICE;
                return;
        }
        if (send_card(agent, card, notice, false) >= 0)
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
        return !delay_is_set(agent->login);
}

/* What was on the screen before a restart is there still, if it is the same server. */
static void meet_server(struct agent *agent) {
        if (agent->server_was_met)
                return;
        agent->server_was_met = true;
        if (agent->record && !streq_ptr(record_server(agent->record), server_owner(agent->server)))
                board_lose_cards(agent->board);
}

/* In µs from now; what is urgent may come sooner on what is on the screen already. */
static uint64_t wait_for_news(const struct agent *agent, uint64_t now) {
        uint64_t wait = pace_wait(&agent->pace, now, is_urgent(agent)), update;

        if (!is_urgent(agent) || !board_news_replace(agent->board))
                return wait;
        update = pace_wait_update(&agent->pace, now);
        return update < wait ? update : wait;
}

/* Beside the news, what says something else than what is known. */
static void advance_cards(struct agent *agent, bool news, int stale) {
        uint64_t now = delay_now(), wait = news ? wait_for_news(agent, now) : UINT64_MAX;
        uint64_t update = stale != CARD_NONE ? pace_wait_update(&agent->pace, now) : UINT64_MAX;

        if (wait > 0 && update > 0)
                delay_set_earlier(agent->tell, wait < update ? wait : update);
        else if (delay_is_set(agent->retry))
                return;
        else if (wait == 0)
                tell_news(agent);
        else
                refresh(agent, stale);
}

void agent_advance(struct agent *agent) {
        bool news = has_news(agent);
        int stale;

        delay_set(agent->rest, REST_USEC);
        if (agent->sending != SENDING_NOTHING || !server_is_known(agent->server))
                return;
        meet_server(agent);
        close_cards(agent);
        agent_save(agent);
        stale = board_next_stale(agent->board);
        if (!news && agent->n_notices == 0 && !agent->sample_call && stale == CARD_NONE)
                return;
        if (!server_is_ready(agent->server)) {
                if (!delay_is_set(agent->retry) && server_ask(agent->server) < 0)
                        delay_set(agent->retry, agent->retry_usec);
                return;
        }
        if (agent->sample_call)
                send_sample(agent);
        else if (agent->n_notices > 0)
                send_notice(agent);
        else if (news || stale != CARD_NONE)
                advance_cards(agent, news, stale);
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
                agent->retry_usec = RETRY_MIN_USEC;
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
        /* What is on its way comes under another id then. */
        if (card != CARD_NONE && card == agent->board->showing)
                board_hide(agent->board, card);
        else if (card != CARD_NONE)
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
