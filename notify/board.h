/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert.h"
#include "severity.h"
#include "told.h"

struct event;

/*
 * The board knows which regressions are open, which of them a person was told of in this session, and which
 * notification ("card") shows which of them. It decides what is to be told together; it talks to nobody.
 */

/* More are not looked at: nobody reads a summary of so many. */
#define BOARD_ALERTS_MAX 1024U
/* So many notifications are shown at most at a time: single causes, and the last one a summary. */
#define BOARD_CARDS_MAX 3

struct card {
        bool used;
        bool closing;           /* nothing is left for it to show */
        bool stale;             /* something that it shows is open no more, or it is to be shown again */
        uint32_t id;            /* the server's; 0: it is not known (yet) */
};

struct board {
        struct alert **alerts;  /* in the order in which they came; owned */
        size_t n_alerts;
        struct told gone;       /* was told, and is open no more */
        struct card cards[BOARD_CARDS_MAX];
        int showing;            /* the card that is on its way to the server, or CARD_NONE */
        bool changed;           /* what should survive a restart is not what it was */
};

int board_new(struct board **ret);
struct board *board_free(struct board *board);
DEFINE_CLEANUP(struct board *, board_free)

/*
 * An answer of ListRegressions: begin, add each row, end. What was not in it is mended or accepted;
 * cards that have nothing left to show are closing then. Where the answer could not be read whole, no end.
 */
void board_begin(struct board *board, enum scope scope);
int board_add(struct board *board, enum scope scope, const struct event *event);
void board_end(struct board *board, enum scope scope);

/* How many alerts are to be told, and how urgent the most urgent of them is. */
size_t board_count_news(const struct board *board);
enum urgency board_news_urgency(const struct board *board);

/* Whether the news would be told in a notification that is on the screen already. */
bool board_news_replace(const struct board *board);

/*
 * Counts the news as told and returns the card that is to show them all, or CARD_NONE where there are none.
 * Then either board_shown() or board_untell(), which takes that back: what was shown before stays as it was.
 */
int board_tell(struct board *board);
void board_untell(struct board *board);

/*
 * The next card that says something else than what is known, or CARD_NONE. board_show() counts all that
 * belongs to a card as told in it, as board_tell() does.
 */
int board_next_stale(const struct board *board);
void board_show(struct board *board, int card);

/* Whether a card says all that is known of what belongs to it: else nobody has seen what he would accept. */
bool board_is_current(const struct board *board, int card);

/* The server shows the card no more, but it is to be shown again. */
void board_hide(struct board *board, int card);

/*
 * The card that is to show an alert once more, as what a person wanted of it failed; CARD_NONE where it is
 * open no more, is on the screen, or will be told of anyway.
 */
int board_retell(struct board *board, enum scope scope, const char *id);

/* The alerts of a card that are known, worst first; the array is the caller's, its members are not. */
int board_get_alerts(const struct board *board, int card, const struct alert ***ret, size_t *ret_n);

/* The same of what is open of any of these units; NULL: of all units. */
int board_find_alerts(const struct board *board, enum scope scope, char **units, const struct alert ***ret,
                      size_t *ret_n);

/* Whether a card shows something that no exposured has told us of since the restart. */
bool board_is_restored(const struct board *board, int card);

/* The server shows a card under that id. */
void board_shown(struct board *board, int card, uint32_t id);

/* The card of an id, or CARD_NONE. */
int board_find_card(const struct board *board, uint32_t id);

/* The next card that is to be closed, or CARD_NONE; and that it is. */
int board_next_closing(const struct board *board);
void board_closed(struct board *board, int card);

/* The server is gone and its notifications with it; what was told stays told. */
void board_lose_cards(struct board *board);

/* From before a restart: this was told, and shown under that id (0: no more), and that is what it said. */
int board_restore(struct board *board, enum scope scope, const char *id, uint32_t card_id);
void board_restore_shown(struct board *board, enum scope scope, const char *id, uint64_t digest);
