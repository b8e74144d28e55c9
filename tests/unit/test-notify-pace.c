/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "pace.h"
#include "severity.h"
#include "suite.h"

/* Comes to life some time after the machine. */
#define BEGIN (1000 * USEC_PER_SEC)

START_TEST(first_news_wait_for_their_window) {
        struct pace pace = {};

        pace_arrive(&pace, BEGIN);
        ck_assert_uint_gt(pace_wait(&pace, BEGIN, false), 0);
        ck_assert_uint_le(pace_wait(&pace, BEGIN, false), USEC_PER_SEC);
        ck_assert_uint_eq(pace_wait(&pace, BEGIN + USEC_PER_SEC, false), 0);
        /* What comes meanwhile does not put it off. */
        pace_arrive(&pace, BEGIN + USEC_PER_SEC / 2);
        ck_assert_uint_eq(pace_wait(&pace, BEGIN + USEC_PER_SEC, false), 0);
}
END_TEST

/* How often something is told where news come at even distances, so many a time; gives when, in seconds. */
static unsigned run(uint64_t distance, unsigned n_news, unsigned at_a_time, uint64_t *times, unsigned max) {
        struct pace pace = {};
        uint64_t now = BEGIN, end = BEGIN + n_news * distance + 200 * USEC_PER_SEC;
        unsigned n_told = 0, waiting = 0, come = 0;

        for (; now < end; now += 10 * USEC_PER_MSEC) {
                if (come < n_news && now >= BEGIN + come * distance) {
                        waiting += at_a_time;
                        come++;
                }
                if (waiting == 0)
                        continue;
                pace_arrive(&pace, now);
                if (pace_wait(&pace, now, false) > 0)
                        continue;
                if (n_told < max)
                        times[n_told] = (now - BEGIN) / USEC_PER_SEC;
                n_told++;
                pace_tell(&pace, now, waiting);
                waiting = 0;
        }
        ck_assert_uint_eq(waiting, 0);
        return n_told;
}

START_TEST(a_flood_of_a_minute_is_three) {
        static const struct {
                uint64_t distance;
                unsigned n, at_a_time;
        } floods[] = {
                { 120 * USEC_PER_MSEC, 500, 1 },        /* evenly */
                { 60 * USEC_PER_SEC / 5, 5, 100 },      /* in heaps */
                { 30 * USEC_PER_MSEC, 500, 1 },
                { 0, 1, 500 },                          /* at once */
                { 1 * USEC_PER_SEC, 60, 8 },
        };
        uint64_t times[8];

        for (size_t i = 0; i < ELEMENTSOF(floods); i++) {
                unsigned n = run(floods[i].distance, floods[i].n, floods[i].at_a_time, times, ELEMENTSOF(times));

                ck_assert_uint_ge(n, 1);
                ck_assert_uint_le(n, 3);
                ck_assert_uint_le(times[0], 1);
        }
}
END_TEST

START_TEST(single_ones_are_told_at_once) {
        uint64_t times[8];

        ck_assert_uint_eq(run(10 * USEC_PER_SEC, 3, 1, times, ELEMENTSOF(times)), 3);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_uint_eq(times[i], i * 10);
        /* With a minute between them, all of them. */
        ck_assert_uint_eq(run(61 * USEC_PER_SEC, 8, 1, times, ELEMENTSOF(times)), 8);
        for (unsigned i = 0; i < 8; i++)
                ck_assert_uint_eq(times[i], i * 61);
}
END_TEST

START_TEST(what_is_urgent_only_keeps_to_the_most_of_a_minute) {
        struct pace pace = {};
        uint64_t now = BEGIN;

        /* Two summaries: after that the others wait a minute. */
        for (unsigned i = 0; i < 2; i++) {
                pace_arrive(&pace, now);
                now += 2 * USEC_PER_SEC;
                pace_tell(&pace, now, 2);
        }
        now += 2 * USEC_PER_SEC;
        pace_arrive(&pace, now);
        ck_assert_uint_gt(pace_wait(&pace, now + USEC_PER_SEC, false), 50 * USEC_PER_SEC);
        ck_assert_uint_gt(pace_wait(&pace, now, true), 0);
        now += USEC_PER_SEC;
        ck_assert_uint_eq(pace_wait(&pace, now, true), 0);
        pace_tell(&pace, now, 1);
        /* The third of a minute; the first was told at BEGIN + 2 s. */
        pace_arrive(&pace, now);
        ck_assert_uint_eq(pace_wait(&pace, now, true), BEGIN + 62 * USEC_PER_SEC - now);
}
END_TEST

START_TEST(what_is_on_the_screen_can_be_read) {
        struct pace pace = {};

        ck_assert_uint_eq(pace_wait_update(&pace, BEGIN), 0);
        pace_update(&pace, BEGIN);
        ck_assert_uint_eq(pace_wait_update(&pace, BEGIN + USEC_PER_SEC), 9 * USEC_PER_SEC);
        ck_assert_uint_eq(pace_wait_update(&pace, BEGIN + 10 * USEC_PER_SEC), 0);
        /* With news it waits for those that come with them. */
        pace_arrive(&pace, BEGIN + 10 * USEC_PER_SEC);
        ck_assert_uint_gt(pace_wait_update(&pace, BEGIN + 10 * USEC_PER_SEC), 0);
}
END_TEST

START_TEST(urgency_by_exposure_and_loss) {
        static const struct {
                unsigned before, after;
                enum urgency urgency;
        } cases[] = {
                { 80, 90, URGENCY_CRITICAL },   { 81, 90, URGENCY_NORMAL },     { 90, 100, URGENCY_CRITICAL },
                { 55, 75, URGENCY_CRITICAL },   { 56, 75, URGENCY_NORMAL },     { 54, 74, URGENCY_NORMAL },
                { 0, 40, URGENCY_CRITICAL },    { 1, 40, URGENCY_NORMAL },      { 50, 50, URGENCY_NORMAL },
                { 49, 49, URGENCY_LOW },        { 47, 49, URGENCY_NORMAL },     { 48, 49, URGENCY_LOW },
                { 20, 10, URGENCY_LOW },        { 0, 0, URGENCY_LOW },          { 96, 96, URGENCY_NORMAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_int_eq(severity_urgency(cases[i].before, cases[i].after), cases[i].urgency);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("notify-pace");
        TCase *tcase = tcase_create("pace");

        tcase_add_test(tcase, first_news_wait_for_their_window);
        tcase_add_test(tcase, a_flood_of_a_minute_is_three);
        tcase_add_test(tcase, single_ones_are_told_at_once);
        tcase_add_test(tcase, what_is_urgent_only_keeps_to_the_most_of_a_minute);
        tcase_add_test(tcase, what_is_on_the_screen_can_be_read);
        tcase_add_test(tcase, urgency_by_exposure_and_loss);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
