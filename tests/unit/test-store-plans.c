/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "store-fixture.h"
#include "store/database.h"
#include "store/internal.h"
#include "suite.h"

#define HISTORY 100000U
#define UNITS 200U

/* The plan as SQLite tells it, a line a step. */
static char *plan_of(enum statement id) {
        _cleanup_(freep) char *sql = NULL;
        sqlite3_stmt *stmt = NULL;
        char *plan = NULL;
        size_t size;
        FILE *f;

        ck_assert_int_gt(asprintf(&sql, "EXPLAIN QUERY PLAN %s", statement_sql(id)), 0);
        ck_assert_int_eq(sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL), SQLITE_OK);
        f = open_memstream(&plan, &size);
        ck_assert_ptr_nonnull(f);
        while (sqlite3_step(stmt) == SQLITE_ROW)
                fprintf(f, "%s\n", sqlite3_column_text(stmt, 3));
        ck_assert_int_eq(fclose(f), 0);
        ck_assert_int_eq(sqlite3_finalize(stmt), SQLITE_OK);
        return plan;
}

/* These look at all of a small thing, or stop after the first few. */
static bool may_scan(enum statement id) {
        switch (id) {
        case STATEMENT_PRUNE_COUNT_EVENTS:
        case STATEMENT_PRUNE_COUNT_BASELINES:
        case STATEMENT_PRUNE_EVENTS:
        case STATEMENT_PRUNE_EVENTS_LESSER:
        case STATEMENT_PRUNE_FILES:
                return true;
        default:
                return false;
        }
}

START_TEST(each_statement_has_an_index) {
        for (unsigned i = 0; i < _STATEMENT_MAX; i++) {
                _cleanup_(freep) char *plan = plan_of(i);

                ck_assert_msg(may_scan(i) || !strstr(plan, "SCAN"), "%s:\n%s", statement_sql(i), plan);
                ck_assert_msg(!strstr(plan, "TEMP B-TREE"), "%s:\n%s", statement_sql(i), plan);
                ck_assert_msg(!strstr(plan, "AUTOMATIC"), "%s:\n%s", statement_sql(i), plan);
        }
}
END_TEST

static const struct {
        enum statement id;
        const char *step;
} plans[] = {
        { STATEMENT_HISTORY, "SEARCH event USING INTEGER PRIMARY KEY (rowid<?)" },
        { STATEMENT_HISTORY_OF_UNIT, "USING COVERING INDEX event_unit_unit (unit=? AND event<?)" },
        { STATEMENT_EVENT_UNITS, "SEARCH event_unit USING PRIMARY KEY (event=? AND position>?)" },
        { STATEMENT_UNANNOUNCED, "USING COVERING INDEX event_unannounced (announced=? AND rowid>?)" },
        { STATEMENT_PRUNE_EVENTS_OLD, "SEARCH event USING INDEX event_time (time<?)" },
        { STATEMENT_PRUNE_EVENTS_LESSER, "event USING INDEX event_lesser" },
        { STATEMENT_FILE_NEXT, "SEARCH f USING INDEX file_unit (unit=? AND rowid>?)" },
        { STATEMENT_CONTENT_FIND, "SEARCH content USING INDEX content_hash (hash=?)" },
        { STATEMENT_PRUNE_BASELINES, "SEARCH seen USING COVERING INDEX seen_time (time<?)" },
};

START_TEST(plan_is_as_meant) {
        _cleanup_(freep) char *plan = plan_of(plans[_i].id);

        ck_assert_msg(strstr(plan, plans[_i].step), "%s:\n%s", statement_sql(plans[_i].id), plan);
}
END_TEST

static double now_msec(void) {
        struct timespec ts;

        ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
        return (double) ts.tv_sec * 1e3 + (double) ts.tv_nsec / 1e6;
}

static long rss_kib(void) {
        struct rusage usage;

        ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
        return usage.ru_maxrss;
}

static int count_event(void *userdata, const struct store_event *event) {
        (void) event;
        ++*(unsigned *) userdata;
        return 0;
}

static void put_history(void) {
        for (unsigned n = 1; n <= HISTORY; n++) {
                char unit[32];

                (void) snprintf(unit, sizeof(unit), "unit%u.service", n % UNITS);
                if (n % 1000 == 1)
                        begin(store);
                put_announced(store, n, n % 4 ? "regressed" : "changed", unit);
                if (n % 1000 == 0)
                        commit(store);
        }
}

static void read_history(const char *what, const char *unit, const char *before, size_t max,
                         unsigned expected) {
        double started = now_msec();
        unsigned n = 0;

        ck_assert_int_eq(store_each_event(store, unit, before, max, count_event, &n), 0);
        ck_assert_uint_eq(n, expected);
        printf("%-32s %8.2f ms\n", what, now_msec() - started);
}

/* Times are for people to read. What counts is that nothing is looked at but what is told. */
START_TEST(large_history) {
        static const struct store_limits limits = { .events_max = HISTORY - 10, .baselines_max = 100 };
        long rss;
        double started = now_msec();

        put_history();
        printf("%-32s %8.2f ms\n", "100,000 events put", now_msec() - started);
        store = store_close(store);
        started = now_msec();
        store = open_as(folder, STORE_OPENED);
        printf("%-32s %8.2f ms\n", "opened", now_msec() - started);

        rss = rss_kib();
        read_history("newest 50 of a unit", "unit7.service", NULL, 50, 50);
        read_history("newest 50 of a unit, again", "unit7.service", NULL, 50, 50);
        read_history("50 older ones of a unit", "unit7.service", sample_id(HISTORY / 2), 50, 50);
        read_history("newest 50", NULL, NULL, 50, 50);
        read_history("all 500 of a unit", "unit7.service", NULL, SIZE_MAX, HISTORY / UNITS);
        ck_assert_int_eq(sqlite3_stmt_status(store->statements[STATEMENT_HISTORY_OF_UNIT],
                                             SQLITE_STMTSTATUS_FULLSCAN_STEP, 0), 0);
        ck_assert_int_eq(sqlite3_stmt_status(store->statements[STATEMENT_HISTORY_OF_UNIT],
                                             SQLITE_STMTSTATUS_SORT, 0), 0);
        printf("%-32s %8ld KiB\n", "more memory for that", rss_kib() - rss);
        started = now_msec();
        ck_assert_int_eq(store_prune(store, &limits), 1);
        printf("%-32s %8.2f ms\n", "10 events pruned", now_msec() - started);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-plans");
        TCase *tcase = tcase_create("plans");

        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, store_setup, store_teardown);
        tcase_add_test(tcase, each_statement_has_an_index);
        tcase_add_loop_test(tcase, plan_is_as_meant, 0, ELEMENTSOF(plans));
        tcase_add_test(tcase, large_history);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
