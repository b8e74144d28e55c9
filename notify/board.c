/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

#define SUMMARY (BOARD_CARDS_MAX - 1)

int board_new(struct board **ret) {
        _cleanup_(board_freep) struct board *board = calloc(1, sizeof(*board));

        if (!board)
                return -ENOMEM;
        board->alerts = calloc(BOARD_ALERTS_MAX, sizeof(*board->alerts));
        if (!board->alerts || told_init(&board->gone) < 0)
                return -ENOMEM;
        board->showing = CARD_NONE;
        *ret = TAKE_PTR(board);
        return 0;
}

struct board *board_free(struct board *board) {
        if (!board)
                return NULL;
        for (size_t i = 0; i < board->n_alerts; i++)
                alert_free(board->alerts[i]);
        free(board->alerts);
        told_done(&board->gone);
        free(board);
        return NULL;
}

static struct alert *find_alert(const struct board *board, enum scope scope, const char *id) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->scope == scope && streq(board->alerts[i]->id, id))
                        return board->alerts[i];
        return NULL;
}

void board_begin(struct board *board, enum scope scope) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->scope == scope)
                        board->alerts[i]->seen = false;
}

/* What is known of it may be older: units are mended one by one. */
static void replace(struct alert **old, struct alert *new) {
        new->told = (*old)->told;
        new->fresh = (*old)->fresh;
        new->card = (*old)->card;
        new->sent = (*old)->sent;
        new->shown = (*old)->shown;
        alert_free(*old);
        *old = new;
}

int board_add(struct board *board, enum scope scope, const struct event *event) {
        struct alert *alert, *known;
        int r = alert_new(&alert, scope, event);

        if (r < 0)
                return r;
        alert->seen = true;
        known = find_alert(board, scope, alert->id);
        if (!known && board->n_alerts >= BOARD_ALERTS_MAX) {
                alert_free(alert);
                return 0;
        }
        if (!known) {
                alert->told = told_take(&board->gone, scope, alert->id);
                board->alerts[board->n_alerts++] = alert;
                return 0;
        }
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i] == known)
                        replace(&board->alerts[i], alert);
        return 0;
}

static bool card_is_empty(const struct board *board, int card) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->card == card)
                        return false;
        return true;
}

static void close_empty_cards(struct board *board) {
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (board->cards[card].used && card_is_empty(board, card))
                        board->cards[card].closing = true;
}

/*
 * The card of what an alert has grown out of, if it is on the screen. Its regression may be gone from the
 * list by now, in favour of this one.
 */
static int related_card(const struct board *board, const struct alert *alert) {
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *other = board->alerts[i];

                if (other != alert && other->card != CARD_NONE && alert_is_related(alert, other))
                        return other->card;
        }
        return CARD_NONE;
}

/* It is mended or accepted, or so it seems. What is on its way may not have been seen. */
static void remove_alert(struct board *board, struct alert *alert) {
        if (alert->told && !alert->fresh)
                (void) told_add(&board->gone, alert->scope, alert->id);
        if (alert->told && alert->card != CARD_NONE)
                board->cards[alert->card].stale = true;
        board->changed = board->changed || alert->told;
        alert_free(alert);
}

void board_end(struct board *board, enum scope scope) {
        size_t n = 0;

        for (size_t i = 0; i < board->n_alerts; i++) {
                struct alert *alert = board->alerts[i];

                if (alert->scope == scope && !alert->told && alert->card == CARD_NONE)
                        alert->card = related_card(board, alert);
        }
        for (size_t i = 0; i < board->n_alerts; i++) {
                struct alert *alert = board->alerts[i];

                if (alert->scope != scope || alert->seen)
                        board->alerts[n++] = alert;
                else
                        remove_alert(board, alert);
        }
        board->n_alerts = n;
        close_empty_cards(board);
}

size_t board_count_news(const struct board *board) {
        size_t n = 0;

        for (size_t i = 0; i < board->n_alerts; i++)
                n += !board->alerts[i]->told;
        return n;
}

enum urgency board_news_urgency(const struct board *board) {
        enum urgency highest = URGENCY_LOW;

        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];
                enum urgency urgency = severity_urgency(alert->before, alert->after);

                if (!alert->told && urgency > highest)
                        highest = urgency;
        }
        return highest;
}

/* A card that is free, or the summary. */
static int find_place(const struct board *board) {
        int card = 0;

        while (card < SUMMARY && board->cards[card].used)
                card++;
        return card;
}

/* Where all news belong to one card already, or a single one finds a free card: that. Else the summary. */
static int choose_card(const struct board *board) {
        int card = CARD_NONE;
        size_t n = 0;

        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];

                if (alert->told)
                        continue;
                if (n++ > 0 && alert->card != card)
                        return SUMMARY;
                card = alert->card;
        }
        if (card != CARD_NONE || n > 1)
                return card != CARD_NONE ? card : SUMMARY;
        return find_place(board);
}

static void move_alerts(struct board *board, int from, int to) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->card == from) {
                        board->alerts[i]->card = to;
                        board->alerts[i]->sent = board->alerts[i]->shown = 0;
                }
}

bool board_news_replace(const struct board *board) {
        return board_count_news(board) > 0 && board->cards[choose_card(board)].id != 0;
}

void board_show(struct board *board, int card) {
        for (size_t i = 0; i < board->n_alerts; i++) {
                struct alert *alert = board->alerts[i];
                bool is_on_it = alert->card == card;

                alert->fresh = is_on_it && !alert->told;
                alert->told = alert->told || is_on_it;
                alert->sent = is_on_it ? alert->digest : 0;
        }
        board->cards[card].used = true;
        board->cards[card].closing = board->cards[card].stale = false;
        board->showing = card;
        board->changed = true;
        close_empty_cards(board);
}

int board_tell(struct board *board) {
        int card;

        if (board_count_news(board) == 0)
                return CARD_NONE;
        card = choose_card(board);
        for (size_t i = 0; i < board->n_alerts; i++) {
                struct alert *alert = board->alerts[i];

                if (alert->told)
                        continue;
                /* One thing at a time on the screen: what would have grown beside it moves into it. */
                if (alert->card != CARD_NONE && alert->card != card)
                        move_alerts(board, alert->card, card);
                alert->card = card;
        }
        board_show(board, card);
        return card;
}

void board_untell(struct board *board) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->fresh) {
                        board->alerts[i]->told = board->alerts[i]->fresh = false;
                        board->alerts[i]->card = CARD_NONE;
                }
        if (board->showing != CARD_NONE)
                board->cards[board->showing].stale = true;
        board->showing = CARD_NONE;
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (board->cards[card].used && board->cards[card].id == 0)
                        board_closed(board, card);
        close_empty_cards(board);
        board->changed = true;
}

int board_retell(struct board *board, enum scope scope, const char *id) {
        struct alert *alert = find_alert(board, scope, id);
        int card;

        if (!alert || alert->restored)
                return CARD_NONE;
        card = alert->card;
        /* On a card it is either on the screen, or that was hidden. */
        if (card == CARD_NONE ? !alert->told : board->cards[card].id != 0 || !board->cards[card].stale)
                return CARD_NONE;
        if (card == CARD_NONE)
                card = alert->card = find_place(board);
        board_show(board, card);
        return card;
}

bool board_is_restored(const struct board *board, int card) {
        for (size_t i = 0; i < board->n_alerts; i++)
                if (board->alerts[i]->card == card && board->alerts[i]->restored)
                        return true;
        return false;
}

bool board_is_current(const struct board *board, int card) {
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];

                if (alert->card == card && (!alert->told || alert->shown != alert->digest))
                        return false;
        }
        return !board->cards[card].stale;
}

/* News are told when it is their time, not here. */
static bool is_stale(const struct board *board, int card) {
        bool stale = board->cards[card].stale;

        if (!board->cards[card].used || board->cards[card].closing || board_is_restored(board, card))
                return false;
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];

                stale = stale || (alert->card == card && alert->told && alert->shown != alert->digest);
        }
        return stale;
}

int board_next_stale(const struct board *board) {
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (card != board->showing && is_stale(board, card))
                        return card;
        return CARD_NONE;
}

void board_hide(struct board *board, int card) {
        board->cards[card].id = 0;
        /* What is on its way will show it. */
        if (board->showing != card)
                board->cards[card].stale = true;
        board->changed = true;
}

static int compare(const void *a, const void *b) {
        const struct alert *const *x = a, *const *y = b;
        unsigned loss_x = (*x)->after > (*x)->before ? (*x)->after - (*x)->before : 0;
        unsigned loss_y = (*y)->after > (*y)->before ? (*y)->after - (*y)->before : 0;

        if (loss_x != loss_y)
                return loss_x > loss_y ? -1 : 1;
        if ((*x)->after != (*y)->after)
                return (*x)->after > (*y)->after ? -1 : 1;
        return strcmp((*x)->unit, (*y)->unit);
}

static bool hit_any(const struct alert *alert, char **units) {
        for (char **unit = units; unit && *unit; unit++)
                for (char **hit = alert->units; *hit; hit++)
                        if (streq(*unit, *hit))
                                return true;
        return !units;
}

typedef bool (*alert_fn)(const struct alert *alert, const void *userdata);

static int collect(const struct board *board, alert_fn fn, const void *userdata, const struct alert ***ret,
                   size_t *ret_n) {
        const struct alert **alerts = calloc(board->n_alerts + 1, sizeof(*alerts));
        size_t n = 0;

        if (!alerts)
                return -ENOMEM;
        for (size_t i = 0; i < board->n_alerts; i++)
                if (!board->alerts[i]->restored && fn(board->alerts[i], userdata))
                        alerts[n++] = board->alerts[i];
        if (n > 1)
                qsort(alerts, n, sizeof(*alerts), compare);
        *ret = alerts;
        *ret_n = n;
        return 0;
}

static bool is_on_card(const struct alert *alert, const void *userdata) {
        return alert->card == *(const int *) userdata;
}

int board_get_alerts(const struct board *board, int card, const struct alert ***ret, size_t *ret_n) {
        return collect(board, is_on_card, &card, ret, ret_n);
}

struct wanted {
        enum scope scope;
        char **units;
};

static bool is_wanted(const struct alert *alert, const void *userdata) {
        const struct wanted *wanted = userdata;

        return alert->scope == wanted->scope && hit_any(alert, wanted->units);
}

int board_find_alerts(const struct board *board, enum scope scope, char **units, const struct alert ***ret,
                      size_t *ret_n) {
        const struct wanted wanted = { scope, units };

        return collect(board, is_wanted, &wanted, ret, ret_n);
}

void board_shown(struct board *board, int card, uint32_t id) {
        for (size_t i = 0; i < board->n_alerts; i++) {
                struct alert *alert = board->alerts[i];

                if (alert->card == card && alert->sent != 0)
                        alert->shown = alert->sent;
                alert->sent = 0;
                alert->fresh = false;
        }
        board->showing = CARD_NONE;
        board->changed = true;
        /* The server went meanwhile. */
        if (!board->cards[card].used)
                return;
        board->cards[card].id = id;
        /* A server that cannot say which one it is cannot be asked to close it either. */
        if (id == 0)
                board_closed(board, card);
}

int board_find_card(const struct board *board, uint32_t id) {
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (board->cards[card].used && id != 0 && board->cards[card].id == id)
                        return card;
        return CARD_NONE;
}

int board_next_closing(const struct board *board) {
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (board->cards[card].used && board->cards[card].closing)
                        return card;
        return CARD_NONE;
}

void board_closed(struct board *board, int card) {
        move_alerts(board, card, CARD_NONE);
        board->cards[card] = (struct card) {};
        board->changed = true;
}

void board_lose_cards(struct board *board) {
        for (int card = 0; card < BOARD_CARDS_MAX; card++)
                if (board->cards[card].used)
                        board_closed(board, card);
}

/* The card of an id, or a free one; CARD_NONE where there is none. */
static int restore_card(struct board *board, uint32_t id) {
        int card = board_find_card(board, id);

        for (int i = 0; card == CARD_NONE && id != 0 && i < BOARD_CARDS_MAX; i++)
                if (!board->cards[i].used) {
                        board->cards[i] = (struct card) { .used = true, .id = id };
                        card = i;
                }
        return card;
}

int board_restore(struct board *board, enum scope scope, const char *id, uint32_t card_id) {
        struct event event = { .id = id, .unit = "restored" };
        int r, card = restore_card(board, card_id);
        struct alert *alert;

        /* There is nothing to close. */
        if (card == CARD_NONE)
                return find_alert(board, scope, id) ? 0 : told_add(&board->gone, scope, id);
        r = board_add(board, scope, &event);
        if (r < 0)
                return r;
        alert = find_alert(board, scope, id);
        if (!alert)
                return told_add(&board->gone, scope, id);
        alert->told = alert->restored = true;
        alert->card = card;
        return 0;
}

void board_restore_shown(struct board *board, enum scope scope, const char *id, uint64_t digest) {
        struct alert *alert = find_alert(board, scope, id);

        if (alert && alert->restored)
                alert->shown = digest;
}
