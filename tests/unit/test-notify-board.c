/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "board.h"
#include "cleanup.h"
#include "event.h"
#include "suite.h"

static struct board *board;

static void set_up(void) {
        ck_assert_int_eq(board_new(&board), 0);
}

static void tear_down(void) {
        board = board_free(board);
}

/* A row: id, unit, path. */
struct row {
        const char *id, *unit, *path;
};

static void add(enum scope scope, const struct row *row) {
        struct event_cause cause = { .path = row->path ?: "/etc/any", .change = "created" };
        char *units[] = { (char *) row->unit, NULL };
        const struct event event = {
                .id = row->id,
                .unit = row->unit,
                .units = units,
                .before = 10,
                .after = 50,
                .causes = &cause,
                .n_causes = 1,
        };

        ck_assert_int_eq(board_add(board, scope, &event), 0);
}

/* An answer of ListRegressions; the rows end with one that has no id. */
static void list(enum scope scope, const struct row *rows) {
        board_begin(board, scope);
        for (; rows->id; rows++)
                add(scope, rows);
        board_end(board, scope);
}

static int tell_under(uint32_t id) {
        int card = board_tell(board);

        ck_assert_int_ne(card, CARD_NONE);
        board_shown(board, card, id);
        return card;
}

static size_t count_on(int card) {
        _cleanup_free_ const struct alert **alerts = NULL;
        size_t n;

        ck_assert_int_eq(board_get_alerts(board, card, &alerts, &n), 0);
        return n;
}

static const struct row none[] = { {} };
static const struct row a[] = { { "1", "a.service", "/etc/a" }, {} };
static const struct row a_and_b[] = { { "1", "a.service", "/etc/a" }, { "2", "b.service", "/etc/b" }, {} };

START_TEST(nothing_is_no_news) {
        list(SCOPE_SYSTEM, none);
        ck_assert_uint_eq(board_count_news(board), 0);
        ck_assert_int_eq(board_tell(board), CARD_NONE);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
}
END_TEST

START_TEST(each_single_has_a_card_until_there_is_none) {
        static const struct row rows[] = {
                { "1", "a.service", "/etc/a" }, { "2", "b.service", "/etc/b" }, { "3", "c.service", "/etc/c" },
                { "4", "d.service", "/etc/d" }, {}
        };
        static const int cards[] = { 0, 1, 2, 2 };

        for (size_t i = 0; i < ELEMENTSOF(cards); i++) {
                struct row some[5] = {};

                memcpy(some, rows, (i + 1) * sizeof(*rows));
                list(SCOPE_SYSTEM, some);
                ck_assert_uint_eq(board_count_news(board), 1);
                ck_assert_int_eq(tell_under((uint32_t) cards[i] + 10), cards[i]);
        }
        ck_assert_uint_eq(count_on(2), 2);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
}
END_TEST

START_TEST(several_are_a_summary) {
        list(SCOPE_SYSTEM, a_and_b);
        ck_assert_int_eq(tell_under(1), BOARD_CARDS_MAX - 1);
        ck_assert_uint_eq(count_on(BOARD_CARDS_MAX - 1), 2);
}
END_TEST

START_TEST(known_ones_are_no_news) {
        list(SCOPE_SYSTEM, a);
        (void) tell_under(1);
        list(SCOPE_SYSTEM, a);
        list(SCOPE_USER, none);
        ck_assert_uint_eq(board_count_news(board), 0);
        /* The same id elsewhere is another one. */
        list(SCOPE_USER, a);
        ck_assert_uint_eq(board_count_news(board), 1);
}
END_TEST

START_TEST(what_grows_keeps_its_card) {
        static const struct row by_path[] = { { "2", "z.service", "/etc/a" }, {} };
        static const struct row by_unit[] = { { "3", "z.service", "/etc/other" }, {} };

        list(SCOPE_SYSTEM, a);
        ck_assert_int_eq(tell_under(7), 0);
        list(SCOPE_SYSTEM, by_path);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
        ck_assert_int_eq(board_tell(board), 0);
        ck_assert_uint_eq(board->cards[0].id, 7);
        board_shown(board, 0, 7);
        list(SCOPE_SYSTEM, by_unit);
        ck_assert_int_eq(board_tell(board), 0);
        ck_assert_uint_eq(count_on(0), 1);
}
END_TEST

START_TEST(one_thing_at_a_time_grows) {
        static const struct row both[] = { { "3", "a.service", "/etc/a" }, { "4", "c.service", "/etc/c" }, {} };

        list(SCOPE_SYSTEM, a);
        ck_assert_int_eq(tell_under(7), 0);
        list(SCOPE_SYSTEM, both);
        ck_assert_int_eq(tell_under(8), BOARD_CARDS_MAX - 1);
        ck_assert_int_eq(board_next_closing(board), 0);
        board_closed(board, 0);
        ck_assert_uint_eq(count_on(BOARD_CARDS_MAX - 1), 2);
}
END_TEST

START_TEST(mended_is_closing) {
        list(SCOPE_SYSTEM, a_and_b);
        (void) tell_under(7);
        list(SCOPE_SYSTEM, a);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
        list(SCOPE_USER, none);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_next_closing(board), BOARD_CARDS_MAX - 1);
        ck_assert_int_eq(board_find_card(board, 7), BOARD_CARDS_MAX - 1);
        board_closed(board, BOARD_CARDS_MAX - 1);
        ck_assert_int_eq(board_find_card(board, 7), CARD_NONE);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
}
END_TEST

START_TEST(an_answer_without_end_takes_nothing_away) {
        list(SCOPE_SYSTEM, a_and_b);
        (void) tell_under(7);
        board_begin(board, SCOPE_SYSTEM);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
        list(SCOPE_SYSTEM, a_and_b);
        ck_assert_uint_eq(board_count_news(board), 0);
}
END_TEST

START_TEST(what_failed_is_news_again) {
        list(SCOPE_SYSTEM, a);
        (void) board_tell(board);
        board_untell(board);
        ck_assert_uint_eq(board_count_news(board), 1);
        (void) tell_under(7);
        /* What stood there before stays told, and on its card. */
        list(SCOPE_SYSTEM, a_and_b);
        ck_assert_int_eq(board_tell(board), 1);
        board_untell(board);
        ck_assert_uint_eq(board_count_news(board), 1);
        ck_assert_int_eq(board_find_card(board, 7), 0);
}
END_TEST

START_TEST(what_was_told_comes_back_alone) {
        int card;

        list(SCOPE_SYSTEM, a_and_b);
        (void) tell_under(7);
        ck_assert_int_eq(board_retell(board, SCOPE_SYSTEM, "1"), CARD_NONE);
        board_closed(board, BOARD_CARDS_MAX - 1);
        ck_assert_int_eq(board_retell(board, SCOPE_USER, "1"), CARD_NONE);
        ck_assert_int_eq(board_retell(board, SCOPE_SYSTEM, "3"), CARD_NONE);
        card = board_retell(board, SCOPE_SYSTEM, "1");
        ck_assert_int_eq(card, 0);
        ck_assert_uint_eq(count_on(card), 1);
        ck_assert_uint_eq(board->cards[card].id, 0);
        /* Where it could not be shown it stays told. */
        board_untell(board);
        ck_assert_uint_eq(board_count_news(board), 0);
        ck_assert_uint_eq(count_on(card), 0);
        /* Mended meanwhile, there is nothing to come back. */
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_retell(board, SCOPE_SYSTEM, "1"), CARD_NONE);
}
END_TEST

START_TEST(a_lost_server_leaves_it_told) {
        list(SCOPE_SYSTEM, a);
        (void) tell_under(7);
        board_lose_cards(board);
        ck_assert_int_eq(board_find_card(board, 7), CARD_NONE);
        list(SCOPE_SYSTEM, a);
        ck_assert_uint_eq(board_count_news(board), 0);
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_next_closing(board), CARD_NONE);
}
END_TEST

START_TEST(restored_is_told) {
        ck_assert_int_eq(board_restore(board, SCOPE_SYSTEM, "1", 7), 0);
        ck_assert_int_eq(board_restore(board, SCOPE_SYSTEM, "2", 7), 0);
        ck_assert_int_eq(board_restore(board, SCOPE_SYSTEM, "3", 0), 0);
        ck_assert_uint_eq(board_count_news(board), 0);
        ck_assert_int_eq(board_find_card(board, 7), 0);
        /* Their names are not known yet. */
        ck_assert_uint_eq(count_on(0), 0);
        list(SCOPE_SYSTEM, a_and_b);
        ck_assert_uint_eq(board_count_news(board), 0);
        ck_assert_uint_eq(count_on(0), 2);
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_next_closing(board), 0);
}
END_TEST

/* An answer may come at any time, also while the server has not said what became of it. */
START_TEST(what_is_listed_on_its_way_is_news_again_if_it_fails) {
        list(SCOPE_SYSTEM, a);
        (void) board_tell(board);
        list(SCOPE_SYSTEM, a);
        list(SCOPE_USER, none);
        ck_assert_uint_eq(board_count_news(board), 0);
        board_untell(board);
        ck_assert_uint_eq(board_count_news(board), 1);
        /* So it is where it was gone in between: nobody has seen it. */
        (void) board_tell(board);
        list(SCOPE_SYSTEM, none);
        board_untell(board);
        list(SCOPE_SYSTEM, a);
        ck_assert_uint_eq(board_count_news(board), 1);
}
END_TEST

START_TEST(what_was_gone_is_no_news) {
        list(SCOPE_SYSTEM, a_and_b);
        (void) tell_under(7);
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_next_closing(board), BOARD_CARDS_MAX - 1);
        board_closed(board, BOARD_CARDS_MAX - 1);
        list(SCOPE_SYSTEM, a_and_b);
        ck_assert_uint_eq(board_count_news(board), 0);
        list(SCOPE_USER, a);
        ck_assert_uint_eq(board_count_news(board), 1);
        /* The memory of it has an end. */
        for (unsigned i = 0; i < TOLD_MAX + 10; i++) {
                char id[16];

                (void) snprintf(id, sizeof(id), "x%u", i);
                ck_assert_int_eq(board_restore(board, SCOPE_SYSTEM, id, 0), 0);
        }
        ck_assert_uint_eq(board->gone.n, TOLD_MAX);
        ck_assert(!told_take(&board->gone, SCOPE_SYSTEM, "x9") && told_take(&board->gone, SCOPE_SYSTEM, "x10"));
}
END_TEST

START_TEST(a_card_is_current_while_it_says_what_is_known) {
        static const struct row grown[] = { { "1", "a.service", "/etc/a" }, { "2", "b.service", "/etc/a" }, {} };
        static const struct row other[] = { { "1", "a.service", "/etc/other" }, {} };

        list(SCOPE_SYSTEM, a);
        (void) board_tell(board);
        ck_assert(!board_is_current(board, 0));
        board_shown(board, 0, 7);
        ck_assert(board_is_current(board, 0));
        list(SCOPE_SYSTEM, a);
        ck_assert(board_is_current(board, 0));
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
        /* News that belong to it are told in their time. */
        list(SCOPE_SYSTEM, grown);
        ck_assert(!board_is_current(board, 0));
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
        list(SCOPE_SYSTEM, a);
        ck_assert(board_is_current(board, 0));
        /* What is known already is another one now. */
        list(SCOPE_SYSTEM, other);
        ck_assert(!board_is_current(board, 0));
        ck_assert_int_eq(board_next_stale(board), 0);
        board_show(board, 0);
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
        board_untell(board);
        ck_assert_int_eq(board_next_stale(board), 0);
        board_show(board, 0);
        /* While that is on its way it becomes what it was. */
        list(SCOPE_SYSTEM, a);
        board_shown(board, 0, 7);
        ck_assert_int_eq(board_next_stale(board), 0);
}
END_TEST

START_TEST(a_summary_with_less_is_stale) {
        list(SCOPE_SYSTEM, a_and_b);
        (void) tell_under(7);
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
        list(SCOPE_SYSTEM, a);
        ck_assert_int_eq(board_next_stale(board), BOARD_CARDS_MAX - 1);
        board_show(board, BOARD_CARDS_MAX - 1);
        board_shown(board, BOARD_CARDS_MAX - 1, 7);
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
        /* With nothing it is closed. */
        list(SCOPE_SYSTEM, none);
        ck_assert_int_eq(board_next_stale(board), CARD_NONE);
}
END_TEST

START_TEST(what_was_hidden_comes_back_whole) {
        static const struct row grown[] = { { "1", "a.service", "/etc/a" }, { "2", "b.service", "/etc/a" }, {} };

        list(SCOPE_SYSTEM, a);
        (void) tell_under(7);
        list(SCOPE_SYSTEM, grown);
        board_hide(board, 0);
        ck_assert_int_eq(board_find_card(board, 7), CARD_NONE);
        ck_assert_int_eq(board_next_stale(board), 0);
        ck_assert_int_eq(board_retell(board, SCOPE_SYSTEM, "1"), 0);
        ck_assert_uint_eq(board_count_news(board), 0);
        ck_assert_uint_eq(count_on(0), 2);
        /* Where that fails, what nobody has seen is news. */
        board_untell(board);
        ck_assert_uint_eq(board_count_news(board), 1);
        /* What is on its way comes back by itself. */
        ck_assert_int_eq(board_tell(board), 0);
        board_hide(board, 0);
        board_shown(board, 0, 8);
        ck_assert(board_is_current(board, 0));
        ck_assert_int_eq(board_find_card(board, 8), 0);
}
END_TEST

START_TEST(urgent_news_find_their_card) {
        static const struct row b[] = { { "1", "a.service", "/etc/a" }, { "2", "b.service", "/etc/a" }, {} };

        ck_assert_int_eq(board_news_urgency(board), URGENCY_LOW);
        list(SCOPE_SYSTEM, a);
        ck_assert_int_eq(board_news_urgency(board), URGENCY_CRITICAL);
        ck_assert(!board_news_replace(board));
        (void) tell_under(7);
        ck_assert_int_eq(board_news_urgency(board), URGENCY_LOW);
        list(SCOPE_SYSTEM, b);
        ck_assert(board_news_replace(board));
}
END_TEST

START_TEST(restored_says_what_it_said) {
        uint64_t digest;

        list(SCOPE_SYSTEM, a);
        (void) tell_under(7);
        digest = board->alerts[0]->shown;
        for (unsigned i = 0; i < 2; i++) {
                tear_down();
                set_up();
                ck_assert_int_eq(board_restore(board, SCOPE_SYSTEM, "1", 7), 0);
                board_restore_shown(board, SCOPE_SYSTEM, "1", digest + i);
                ck_assert(board_is_restored(board, 0));
                ck_assert_int_eq(board_next_stale(board), CARD_NONE);
                list(SCOPE_SYSTEM, a);
                ck_assert(!board_is_restored(board, 0));
                ck_assert_int_eq(board_next_stale(board), i == 0 ? CARD_NONE : 0);
        }
}
END_TEST

START_TEST(there_is_an_end_to_it) {
        board_begin(board, SCOPE_SYSTEM);
        for (unsigned i = 0; i < BOARD_ALERTS_MAX + 100; i++) {
                char id[16];

                (void) snprintf(id, sizeof(id), "%u", i);
                add(SCOPE_SYSTEM, &(struct row) { id, "a.service", NULL });
        }
        board_end(board, SCOPE_SYSTEM);
        ck_assert_uint_eq(board_count_news(board), BOARD_ALERTS_MAX);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                nothing_is_no_news, each_single_has_a_card_until_there_is_none, several_are_a_summary,
                known_ones_are_no_news, what_grows_keeps_its_card, one_thing_at_a_time_grows, mended_is_closing,
                an_answer_without_end_takes_nothing_away, what_failed_is_news_again, what_was_told_comes_back_alone,
                a_lost_server_leaves_it_told, restored_is_told, there_is_an_end_to_it,
                what_is_listed_on_its_way_is_news_again_if_it_fails, what_was_gone_is_no_news,
                a_card_is_current_while_it_says_what_is_known, a_summary_with_less_is_stale,
                what_was_hidden_comes_back_whole, urgent_news_find_their_card, restored_says_what_it_said,
        };
        Suite *suite = suite_create("notify-board");
        TCase *tcase = tcase_create("board");

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
