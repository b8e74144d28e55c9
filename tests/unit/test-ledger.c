/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "ledger.h"
#include "strv.h"
#include "suite.h"

static struct ledger ledger;

static void teardown(void) {
        ledger_done(&ledger);
}

/* A regression of that unit, open for these. */
static void open_for(const char *about, char *const *keys) {
        _cleanup_(event_unrefp) struct event *event = event_new(EVENT_REGRESSED, about, "257");

        ck_assert_ptr_nonnull(event);
        for (; *keys; keys++) {
                struct entry *entry = ledger_add(&ledger, *keys);

                ck_assert_ptr_nonnull(entry);
                ck_assert_int_eq(ledger_set_regression(&ledger, entry, event, 1), 0);
        }
}

static int note(const struct entry *entry, void *userdata) {
        char ***told = userdata;

        return strv_extend(told, entry->key);
}

static void assert_walk(const char *expected) {
        _cleanup_(strv_freep) char **told = NULL;
        char text[1024] = "";

        ck_assert_int_eq(ledger_each_regression(&ledger, note, &told), 0);
        for (char **key = told; key && *key; key++) {
                strcat(text, *key);
                strcat(text, " ");
        }
        ck_assert_str_eq(text, expected);
}

START_TEST(each_event_once) {
        static char *const many[] = { (char *) "b.service", (char *) "c.service", (char *) "a.service", NULL };
        static char *const one[] = { (char *) "d.service", NULL };

        assert_walk("");
        open_for("b.service", many);
        open_for("d.service", one);
        ck_assert_ptr_nonnull(ledger_add(&ledger, "fine.service"));
        assert_walk("b.service d.service ");
        /* And another time. */
        assert_walk("b.service d.service ");
        ck_assert_uint_eq(ledger.n_regressed, 4);
}
END_TEST

/* What the event is about was accepted: the first of the others stands for it. */
START_TEST(the_first_of_the_others) {
        static char *const many[] = { (char *) "c.service", (char *) "b.service", (char *) "a.service", NULL };

        open_for("b.service", many);
        ledger_clear_regression(&ledger, ledger_get(&ledger, "b.service"));
        assert_walk("a.service ");
        ledger_remove(&ledger, ledger_get(&ledger, "b.service"));
        assert_walk("a.service ");
        ledger_remove(&ledger, ledger_get(&ledger, "a.service"));
        assert_walk("c.service ");
        /* What it is about has another one. */
        open_for("b.service", (char *const[]) { (char *) "b.service", NULL });
        assert_walk("b.service c.service ");
}
END_TEST

static int refuse(const struct entry *entry, void *userdata) {
        (void) entry;
        ++*(unsigned *) userdata;
        return -EIO;
}

START_TEST(a_walk_that_is_refused) {
        unsigned n = 0;

        open_for("a.service", (char *const[]) { (char *) "a.service", NULL });
        open_for("b.service", (char *const[]) { (char *) "b.service", NULL });
        ck_assert_int_eq(ledger_each_regression(&ledger, refuse, &n), -EIO);
        ck_assert_uint_eq(n, 1);
}
END_TEST

#define FEW 2000U
#define FACTOR 16U

static int count(const struct entry *entry, void *userdata) {
        (void) entry;
        ++*(unsigned *) userdata;
        return 0;
}

/* What a walk costs, in ns of this process, at best. Each regression is about a unit that is not remembered. */
static uint64_t cost(unsigned n) {
        uint64_t best = UINT64_MAX;

        for (unsigned i = ledger.n_regressed; i < n; i++) {
                char key[32];

                (void) snprintf(key, sizeof(key), "%06u.service", i);
                open_for("gone.service", (char *const[]) { key, NULL });
        }
        for (unsigned i = 0; i < 5; i++) {
                struct timespec begin, end;
                unsigned told = 0;
                uint64_t nsec;

                ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin), 0);
                ck_assert_int_eq(ledger_each_regression(&ledger, count, &told), 0);
                ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end), 0);
                ck_assert_uint_eq(told, n);
                nsec = (uint64_t) (end.tv_sec - begin.tv_sec) * 1000000000U + (uint64_t) end.tv_nsec -
                       (uint64_t) begin.tv_nsec;
                best = nsec < best ? nsec : best;
        }
        return best;
}

/* Sixteen times as many cost some sixteen times as much, and not 256 times. */
START_TEST(a_walk_is_linear) {
        uint64_t few = cost(FEW), many = cost(FACTOR * FEW);

        ck_assert_msg(many < few * FACTOR * FACTOR / 2, "%llu ns for %u, %llu ns for %u", (unsigned long long) few,
                      FEW, (unsigned long long) many, FACTOR * FEW);
}
END_TEST

/* Baselines, and what acceptances make of them. */

static struct model model;

static bool no_syscall(const char *name, void *userdata) {
        (void) name, (void) userdata;
        return false;
}

static void set_up_model(void) {
        model_init(&model, 257, SCOPE_SYSTEM, NULL, no_syscall, NULL);
}

static void tear_down_model(void) {
        model_done(&model);
        teardown();
}

static struct facts make_facts(bool private_tmp, bool no_new_privileges) {
        struct facts facts;

        facts_init(&facts);
        facts.private_tmp = private_tmp;
        facts.no_new_privileges = no_new_privileges;
        return facts;
}

static struct baseline make_baseline(bool private_tmp, bool no_new_privileges) {
        return (struct baseline) { .facts = make_facts(private_tmp, no_new_privileges) };
}

/* The better one of two is what it is; where that is neither, it is what both have. */
START_TEST(best_of_two) {
        const struct baseline weak = make_baseline(false, false), tmp = make_baseline(true, false),
                              privileges = make_baseline(false, true), both = make_baseline(true, true);
        struct baseline best = weak;
        struct assessment expected;

        baseline_improve(&best, &model, &tmp);
        ck_assert(!best.is_composite && facts_equal(&best.facts, &tmp.facts));
        baseline_improve(&best, &model, &weak);
        ck_assert(!best.is_composite && facts_equal(&best.facts, &tmp.facts));
        baseline_improve(&best, &model, &privileges);
        ck_assert(best.is_composite);
        assess(&model, &both.facts, &expected);
        ck_assert(assessment_equal(&best.composite, &expected));
        baseline_improve(&best, &model, &tmp);
        ck_assert(best.is_composite && assessment_equal(&best.composite, &expected));
}
END_TEST

/* As it comes from the database: nothing but the badness. */
START_TEST(sums_are_made_anew) {
        struct baseline stored = make_baseline(false, false), better = make_baseline(true, false), weaker = stored;
        struct assessment weak;

        assess(&model, &stored.facts, &weak);
        stored.is_composite = true;
        memcpy(stored.composite.badness, weak.badness, sizeof(weak.badness));
        baseline_improve(&stored, &model, &weaker);
        ck_assert(assessment_equal(&stored.composite, &weak));
        baseline_improve(&stored, &model, &better);
        ck_assert(!stored.is_composite && facts_equal(&stored.facts, &better.facts));
}
END_TEST

static struct entry *make_entry(const char *key, const struct facts *facts) {
        struct entry *entry = ledger_add(&ledger, key);

        ck_assert_ptr_nonnull(entry);
        ck_assert_int_eq(entry_set_baseline(entry, &model, facts, NULL), 0);
        return entry;
}

/* Becomes that, as it is judged and told. */
static void become(struct entry *entry, const struct facts *facts, bool ratchet) {
        struct judgement judgement;

        entry_judge(entry, &model, facts, ratchet, &judgement);
        ck_assert_int_eq(entry_settle(entry, &model, facts, &judgement), 0);
}

/* Weaker in one, accepted; stronger in another one, or not. With a ratchet that is kept. */
START_TEST(end_of_an_acceptance) {
        bool ratchet = _i & 1, better = _i & 2, mended = _i & 4, gone = _i & 8;
        const struct facts first = make_facts(true, false), weak = make_facts(false, false),
                           last = make_facts(mended, better);
        struct entry *entry = make_entry("a.service", &first);
        struct expiry expiry;

        become(entry, &weak, ratchet);
        ck_assert(entry_is_worse(entry, &model));
        ck_assert_int_eq(entry_accept(entry, &model, ratchet, 1), 0);
        ck_assert(!entry_is_worse(entry, &model));
        become(entry, &last, ratchet);
        entry->gone = gone;
        entry_judge_expiry(entry, &model, ratchet, &expiry);
        ck_assert(expiry.open == !mended && expiry.told == (!mended && !gone));
        ck_assert_int_eq(entry_expire(entry, &model, &expiry), 0);
        ck_assert(entry->until == 0 && !entry->before_acceptance && entry_is_worse(entry, &model) == !mended);
        become(entry, &first, ratchet);
        ck_assert(entry_is_worse(entry, &model) == (ratchet && better));
        become(entry, &weak, ratchet);
        ck_assert(entry_is_worse(entry, &model));
}
END_TEST

/* An instance that leaves its template has all that it was told of. */
START_TEST(instance_that_leaves) {
        static char own[] = "/etc/systemd/system/t@1.service.d/a.conf", *drop_ins[] = { own, NULL };
        const struct facts first = make_facts(true, false), weak = make_facts(false, false);
        struct entry *template = make_entry("t@.service", &first);
        struct unit_table units = {};
        struct unit *unit = unit_table_add(&units, "t@1.service");

        ck_assert_ptr_nonnull(unit);
        ck_assert_int_eq(ledger_join_unit(&ledger, &model, unit), 0);
        ck_assert_ptr_eq(unit->entry, template);
        become(template, &weak, true);
        ck_assert_int_eq(entry_accept(template, &model, true, 7), 0);
        memset(template->acceptance_id, 'a', sizeof(template->acceptance_id) - 1);
        open_for("t@.service", (char *const[]) { (char *) "t@.service", NULL });
        unit->drop_in_paths = drop_ins;
        ck_assert_int_eq(ledger_join_unit(&ledger, &model, unit), 0);
        ck_assert_str_eq(unit->entry->key, "t@1.service");
        ck_assert_str_eq(unit->entry->files_key, "t@.service");
        ck_assert_str_eq(unit->entry->acceptance_id, template->acceptance_id);
        ck_assert_uint_eq(unit->entry->until, 7);
        ck_assert(facts_equal(&unit->entry->before_acceptance->facts, &first));
        ck_assert_ptr_ne(unit->entry->before_acceptance, template->before_acceptance);
        ck_assert_ptr_eq(unit->entry->regression->event, template->regression->event);
        ck_assert_uint_eq(ledger.n_regressed, 2);
        ck_assert_ptr_eq(ledger_find(&ledger, &units, "t@1.service"), unit->entry);
        ck_assert_ptr_eq(ledger_find(&ledger, &units, "t@.service"), template);
        ck_assert_ptr_eq(ledger_find(&ledger, &units, "t@2.service"), template);
        ck_assert_ptr_null(ledger_find(&ledger, &units, "u@2.service"));
        ck_assert_ptr_null(ledger_find(&ledger, &units, "t.service"));
        unit->drop_in_paths = NULL;
        unit_table_done(&units);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("ledger");
        TCase *tcase = tcase_create("ledger");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, NULL, teardown);
        tcase_add_test(tcase, each_event_once);
        tcase_add_test(tcase, the_first_of_the_others);
        tcase_add_test(tcase, a_walk_that_is_refused);
        tcase_add_test(tcase, a_walk_is_linear);
        suite_add_tcase(suite, tcase);

        tcase = tcase_create("baselines");
        tcase_add_checked_fixture(tcase, set_up_model, tear_down_model);
        tcase_add_test(tcase, best_of_two);
        tcase_add_test(tcase, sums_are_made_anew);
        tcase_add_loop_test(tcase, end_of_an_acceptance, 0, 16);
        tcase_add_test(tcase, instance_that_leaves);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
