/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

#include "capture.h"
#include "configuration.h"
#include "suite.h"
#include "temp.h"

#define SECONDS(n) (UINT64_C(n) * 1000000)
#define DAYS(n) SECONDS(n * 86400)

static void assert_config(const struct config *config, const struct config *expected) {
        ck_assert_uint_eq(config->units_max, expected->units_max);
        ck_assert_uint_eq(config->call_timeout_usec, expected->call_timeout_usec);
        ck_assert_uint_eq(config->lookups_per_second, expected->lookups_per_second);
        ck_assert_uint_eq(config->settle_usec, expected->settle_usec);
        ck_assert_int_eq(config->ratchet, expected->ratchet);
        ck_assert_uint_eq(config->new_unit_exposure_max, expected->new_unit_exposure_max);
        ck_assert_uint_eq(config->history_max, expected->history_max);
        ck_assert_uint_eq(config->history_age_usec, expected->history_age_usec);
        ck_assert_uint_eq(config->baseline_age_usec, expected->baseline_age_usec);
        ck_assert_int_eq(config->log_level, expected->log_level);
}

static const struct config built_in = {
        .units_max = 16384,
        .call_timeout_usec = SECONDS(30),
        .lookups_per_second = 50,
        .settle_usec = SECONDS(5),
        .ratchet = true,
        .new_unit_exposure_max = 100,
        .history_max = 100000,
        .history_age_usec = DAYS(730),
        .baseline_age_usec = DAYS(365),
        .log_level = LOG_INFO,
};

START_TEST(defaults) {
        struct config config;

        memset(&config, 0xff, sizeof(config));
        config_init(&config);
        assert_config(&config, &built_in);
}
END_TEST

enum option {
        UNITS_MAX, CALL_TIMEOUT, LOOKUPS, SETTLE, RATCHET, NEW_UNIT, HISTORY_MAX, HISTORY_AGE, BASELINE_AGE,
        LOG_LEVEL,
};

static const char *const option_names[] = {
        "UnitsMax", "CallTimeoutSec", "LookupsPerSecond", "SettleSec", "Ratchet", "NewUnitExposureMax",
        "HistoryMax", "HistoryAge", "BaselineAge", "LogLevel",
};

static uint64_t value_of(const struct config *config, enum option option) {
        return option == UNITS_MAX ? config->units_max :
               option == CALL_TIMEOUT ? config->call_timeout_usec :
               option == LOOKUPS ? config->lookups_per_second :
               option == SETTLE ? config->settle_usec :
               option == RATCHET ? (uint64_t) config->ratchet :
               option == NEW_UNIT ? config->new_unit_exposure_max :
               option == HISTORY_MAX ? config->history_max :
               option == HISTORY_AGE ? config->history_age_usec :
               option == BASELINE_AGE ? config->baseline_age_usec : (uint64_t) config->log_level;
}

#define WRONG UINT64_MAX

static const struct {
        enum option option;
        const char *text;
        uint64_t value;
} values[] = {
        { UNITS_MAX, "1", 1 },
        { UNITS_MAX, "16385", 16385 },
        { UNITS_MAX, "1000000", 1000000 },
        { UNITS_MAX, "0010", 10 },
        { UNITS_MAX, "  77\t", 77 },
        { UNITS_MAX, "77\r", 77 },
        { UNITS_MAX, "", WRONG },
        { UNITS_MAX, "0", WRONG },
        { UNITS_MAX, "1000001", WRONG },
        { UNITS_MAX, "4294967297", WRONG },
        { UNITS_MAX, "18446744073709551617", WRONG },
        { UNITS_MAX, "-1", WRONG },
        { UNITS_MAX, "-18446744073709551615", WRONG },
        { UNITS_MAX, "+1", WRONG },
        { UNITS_MAX, "1 2", WRONG },
        { UNITS_MAX, "0x10", WRONG },
        { UNITS_MAX, "1e3", WRONG },
        { UNITS_MAX, "1.0", WRONG },
        { UNITS_MAX, "1K", WRONG },
        { UNITS_MAX, "=1", WRONG },
        { UNITS_MAX, "\"1\"", WRONG },
        { UNITS_MAX, "many", WRONG },
        { UNITS_MAX, "1 # one", WRONG },
        { UNITS_MAX, "\xc2\xa0" "1", WRONG },
        { CALL_TIMEOUT, "1", SECONDS(1) },
        { CALL_TIMEOUT, "1s", SECONDS(1) },
        { CALL_TIMEOUT, "2 s", SECONDS(2) },
        { CALL_TIMEOUT, "3sec", SECONDS(3) },
        { CALL_TIMEOUT, "1000ms", SECONDS(1) },
        { CALL_TIMEOUT, "1500 ms", 1500000 },
        { CALL_TIMEOUT, "1000000us", SECONDS(1) },
        { CALL_TIMEOUT, "5m", SECONDS(300) },
        { CALL_TIMEOUT, "60min", SECONDS(3600) },
        { CALL_TIMEOUT, "1h", SECONDS(3600) },
        { CALL_TIMEOUT, "3600", SECONDS(3600) },
        { CALL_TIMEOUT, "1min 30s", SECONDS(90) },
        { CALL_TIMEOUT, "1m30s 500msec", 90500000 },
        { CALL_TIMEOUT, "30 minutes", SECONDS(1800) },
        { CALL_TIMEOUT, "1 hour", SECONDS(3600) },
        { CALL_TIMEOUT, "2 10", SECONDS(12) },
        { CALL_TIMEOUT, "59min 60s", SECONDS(3600) },
        { CALL_TIMEOUT, "59min 61s", WRONG },
        { CALL_TIMEOUT, "1min s", WRONG },
        { CALL_TIMEOUT, "1min,30s", WRONG },
        { CALL_TIMEOUT, "1min 18446744073709551615us", WRONG },
        { CALL_TIMEOUT, "", WRONG },
        { CALL_TIMEOUT, "0", WRONG },
        { CALL_TIMEOUT, "999ms", WRONG },
        { CALL_TIMEOUT, "999999us", WRONG },
        { CALL_TIMEOUT, "3601", WRONG },
        { CALL_TIMEOUT, "3600001ms", WRONG },
        { CALL_TIMEOUT, "2h", WRONG },
        { CALL_TIMEOUT, "1d", WRONG },
        { CALL_TIMEOUT, "18446744073709551615h", WRONG },
        { CALL_TIMEOUT, "5124095576030432h", WRONG },
        { CALL_TIMEOUT, "18446744073709551616", WRONG },
        { CALL_TIMEOUT, "-1s", WRONG },
        { CALL_TIMEOUT, "1.5s", WRONG },
        { CALL_TIMEOUT, "s", WRONG },
        { CALL_TIMEOUT, "1S", WRONG },
        { CALL_TIMEOUT, "1 fortnight", WRONG },
        { CALL_TIMEOUT, "infinity", WRONG },
        { LOOKUPS, "1", 1 },
        { LOOKUPS, "1000", 1000 },
        { LOOKUPS, "0", WRONG },
        { LOOKUPS, "1001", WRONG },
        { LOOKUPS, "-5", WRONG },
        { SETTLE, "0", 0 },
        { SETTLE, "1us", 1 },
        { SETTLE, "1h", SECONDS(3600) },
        { SETTLE, "3601", WRONG },
        { SETTLE, "-1", WRONG },
        { RATCHET, "yes", 1 },
        { RATCHET, "no", 0 },
        { RATCHET, "FALSE", 0 },
        { RATCHET, "0", 0 },
        { RATCHET, "2", WRONG },
        { RATCHET, "", WRONG },
        { NEW_UNIT, "0.0", 0 },
        { NEW_UNIT, "7", 70 },
        { NEW_UNIT, "9.6", 96 },
        { NEW_UNIT, "10.0", 100 },
        { NEW_UNIT, "10.1", WRONG },
        { NEW_UNIT, "11", WRONG },
        { NEW_UNIT, "100", WRONG },
        { NEW_UNIT, "9.65", WRONG },
        { NEW_UNIT, "9.", WRONG },
        { NEW_UNIT, ".5", WRONG },
        { NEW_UNIT, "-1", WRONG },
        { HISTORY_MAX, "100", 100 },
        { HISTORY_MAX, "10000000", 10000000 },
        { HISTORY_MAX, "99", WRONG },
        { HISTORY_MAX, "10000001", WRONG },
        { HISTORY_AGE, "1d", DAYS(1) },
        { HISTORY_AGE, "36500d", DAYS(36500) },
        { HISTORY_AGE, "2 weeks", DAYS(14) },
        { HISTORY_AGE, "4y", DAYS(1461) },
        { HISTORY_AGE, "12months", SECONDS(31557600) },
        { HISTORY_AGE, "23h", WRONG },
        { HISTORY_AGE, "36501d", WRONG },
        { BASELINE_AGE, "24h", DAYS(1) },
        { BASELINE_AGE, "36500d", DAYS(36500) },
        { BASELINE_AGE, "86399", WRONG },
        { BASELINE_AGE, "36501d", WRONG },
        { LOG_LEVEL, "err", LOG_ERR },
        { LOG_LEVEL, "warning", LOG_WARNING },
        { LOG_LEVEL, "notice", LOG_NOTICE },
        { LOG_LEVEL, "info", LOG_INFO },
        { LOG_LEVEL, "debug", LOG_DEBUG },
        { LOG_LEVEL, "", WRONG },
        { LOG_LEVEL, "Debug", WRONG },
        { LOG_LEVEL, "7", WRONG },
        { LOG_LEVEL, "emerg", WRONG },
        { LOG_LEVEL, "debugging", WRONG },
};

/* Parses a copy, with what is logged in *ret_log. */
static unsigned parse(struct config *config, const char *text, char **ret_log) {
        _cleanup_(freep) char *copy = strdup(text);
        unsigned wrong;

        ck_assert_ptr_nonnull(copy);
        capture_start();
        wrong = config_parse(config, "/x.conf", copy);
        *ret_log = capture_end();

        return wrong;
}

START_TEST(each_value) {
        _cleanup_(freep) char *log = NULL;
        const char *name = option_names[values[_i].option];
        struct config config, others;
        char text[256], begin[64];
        bool wrong = values[_i].value == WRONG;
        unsigned n;

        (void) snprintf(text, sizeof(text), "[Exposure]\n\n %s = %s\n", name, values[_i].text);
        (void) snprintf(begin, sizeof(begin), "/x.conf:3: %s ignored, expected ", name);
        config_init(&config);
        n = parse(&config, text, &log);
        ck_assert_msg(n == (wrong ? 1 : 0), "'%s' of %s", values[_i].text, name);
        if (wrong)
                ck_assert_msg(strstr(log, begin) == log, "%s", log);
        else
                ck_assert_str_eq(log, "");

        ck_assert_uint_eq(value_of(&config, values[_i].option),
                          wrong ? value_of(&built_in, values[_i].option) : values[_i].value);
        others = built_in;
        for (enum option option = UNITS_MAX; option <= LOG_LEVEL; option++)
                if (option != values[_i].option)
                        ck_assert_uint_eq(value_of(&config, option), value_of(&others, option));
}
END_TEST

static const struct {
        const char *text;
        unsigned units_max;     /* 0: as built in */
        unsigned wrong;
        const char *first;      /* what is said first of a wrong line */
} texts[] = {
        { "", 0, 0, NULL },
        { "\n\n\n", 0, 0, NULL },
        { "[Exposure]", 0, 0, NULL },
        { "[Exposure]\nUnitsMax=5", 5, 0, NULL },
        { "[Exposure]\r\nUnitsMax=5\r\n", 5, 0, NULL },
        { "\t [Exposure] \n \t UnitsMax \t = \t 5 \t ", 5, 0, NULL },
        { "# UnitsMax=1\n; UnitsMax=2\n[Exposure]\n  # UnitsMax=3\n\t;UnitsMax=4\n", 0, 0, NULL },
        { "[Exposure]\nUnitsMax=5\nUnitsMax=6\n", 6, 0, NULL },
        { "[Exposure]\nUnitsMax=5\nUnitsMax=x\n", 5, 1, ":3: UnitsMax ignored" },
        { "[Exposure]\n[Exposure]\nUnitsMax=5\n", 5, 0, NULL },
        { "UnitsMax=5\n", 0, 1, ":1: line ignored, expected a line [Exposure] before." },
        { "UnitsMax=5\n[Exposure]\nUnitsMax=6\n", 6, 1, ":1: " },
        { "[exposure]\nUnitsMax=5\n", 0, 2, ":1: line ignored, expected [Exposure]." },
        { "[Exposure]\nUnitsMax=5\n[Other]\nUnitsMax=6\n", 5, 2, ":3: " },
        { "[Other]\n[Exposure]\nUnitsMax=5\n", 5, 1, ":1: " },
        { "[Exposure\nUnitsMax=5\n", 0, 2, ":1: " },
        { "[Exposure] x\nUnitsMax=5\n", 0, 2, ":1: " },
        { "[]\n", 0, 1, ":1: " },
        { "[Exposure]\nUnitsMax\n", 0, 1, ":2: line ignored, expected NAME=VALUE." },
        { "[Exposure]\n=5\n", 0, 1, ":2: line ignored, expected the name of an option" },
        { "[Exposure]\nunitsmax=5\n", 0, 1, ":2: line ignored, expected the name of an option" },
        { "[Exposure]\nUnits Max=5\n", 0, 1, ":2: " },
        { "[Exposure]\nUnitsMax=5 \\\n6\n", 0, 2, ":2: " },
        { "[Exposure]\nx\ny=1\nUnitsMax=0\nUnitsMax=5\nLogLevel=loud\n", 5, 4, ":2: " },
};

START_TEST(each_text) {
        _cleanup_(freep) char *log = NULL;
        struct config config, expected = built_in;
        unsigned wrong, lines = 0;

        if (texts[_i].units_max > 0)
                expected.units_max = texts[_i].units_max;
        config_init(&config);
        wrong = parse(&config, texts[_i].text, &log);
        ck_assert_msg(wrong == texts[_i].wrong, "%u wrong lines, not %u: %s", wrong, texts[_i].wrong, log);
        assert_config(&config, &expected);

        for (const char *p = log; *p; p++)
                lines += *p == '\n';
        ck_assert_uint_eq(lines, wrong);
        if (texts[_i].first)
                ck_assert_msg(strstr(log, texts[_i].first) == log + strlen("/x.conf"), "%s", log);
}
END_TEST

/* Loads from the folders "etc", "run" and "usr" of this one. Returns what was logged, the caller's. */
static char *load(struct config *config, const char *folder) {
        _cleanup_(freep) char *etc = temp_path(folder, "etc"), *run = temp_path(folder, "run"),
                              *usr = temp_path(folder, "usr");
        const char *const folders[] = { etc, run, usr, NULL };

        config_init(config);
        capture_start();
        ck_assert_int_eq(config_load(config, folders), 0);
        return capture_end();
}

/* Nothing is logged, and so many are the units. */
static void assert_quiet_load(const char *folder, unsigned units_max) {
        _cleanup_(freep) char *log = NULL;
        struct config config;

        log = load(&config, folder);
        ck_assert_str_eq(log, "");
        ck_assert_uint_eq(config.units_max, units_max);
}

/* One line is logged, with this in it, and so many are the units. */
static void assert_load_complains(const char *folder, unsigned units_max, const char *complaint) {
        _cleanup_(freep) char *log = NULL;
        struct config config;

        log = load(&config, folder);
        ck_assert_msg(strstr(log, complaint) != NULL, "%s", log);
        ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
        ck_assert_uint_eq(config.units_max, units_max);
}

#define UNITS(n) "[Exposure]\nUnitsMax=" #n "\n"

START_TEST(no_file) {
        _cleanup_(temp_freep) char *folder = temp_new();

        assert_quiet_load(folder, built_in.units_max);
        temp_mkdir(folder, "etc");
        temp_write(folder, "run", "no folder");
        temp_mkdir(folder, "usr/exposured.conf.d");
        assert_quiet_load(folder, built_in.units_max);
}
END_TEST

START_TEST(first_main_file_counts) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "usr/exposured.conf", UNITS(3));
        assert_quiet_load(folder, 3);
        temp_write(folder, "run/exposured.conf", UNITS(2));
        assert_quiet_load(folder, 2);
        temp_write(folder, "etc/exposured.conf", UNITS(1));
        assert_quiet_load(folder, 1);
        temp_write(folder, "etc/exposured.conf", "");
        assert_quiet_load(folder, built_in.units_max);
}
END_TEST

START_TEST(drop_ins_are_sorted_by_name) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "etc/exposured.conf", UNITS(1));
        temp_write(folder, "etc/exposured.conf.d/50-b.conf", UNITS(2));
        assert_quiet_load(folder, 2);
        temp_write(folder, "usr/exposured.conf.d/60-c.conf", UNITS(3));
        assert_quiet_load(folder, 3);
        temp_write(folder, "run/exposured.conf.d/40-a.conf", UNITS(4));
        assert_quiet_load(folder, 3);
        temp_write(folder, "run/exposured.conf.d/9-z.conf", UNITS(5));
        assert_quiet_load(folder, 5);
        temp_write(folder, "usr/exposured.conf.d/9-z.conf", UNITS(6));
        assert_quiet_load(folder, 5);
        temp_write(folder, "etc/exposured.conf.d/9-z.conf", UNITS(7));
        assert_quiet_load(folder, 7);
}
END_TEST

START_TEST(what_is_no_drop_in) {
        static const char *const entries[] = { "a.conf~", ".a.conf", "a", "conf", ".conf", "aconf",
                                               "a.conf.bak", "a.CONF" };
        _cleanup_(temp_freep) char *folder = temp_new();

        for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
                char entry[64];

                (void) snprintf(entry, sizeof(entry), "etc/exposured.conf.d/%s", entries[i]);
                temp_write(folder, entry, "nonsense");
        }
        assert_quiet_load(folder, built_in.units_max);
}
END_TEST

START_TEST(masked) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "usr/exposured.conf", UNITS(1));
        temp_write(folder, "usr/exposured.conf.d/a.conf", UNITS(2));
        temp_symlink(folder, "run/exposured.conf.d/a.conf", "/dev/null");
        assert_quiet_load(folder, 1);
        temp_symlink(folder, "etc/exposured.conf", "/dev/null");
        assert_quiet_load(folder, built_in.units_max);
        temp_write(folder, "etc/exposured.conf.d/a.conf", UNITS(3));
        assert_quiet_load(folder, 3);
}
END_TEST

/* One file that cannot be read is passed over, and said so; the others count. */
START_TEST(unreadable) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "etc/exposured.conf", UNITS(1));
        temp_mkdir(folder, "etc/exposured.conf.d/z.conf");
        assert_load_complains(folder, 1, "/etc/exposured.conf.d/z.conf, passing over it: Is a directory");
        temp_remove(folder, "etc/exposured.conf.d/z.conf");
        temp_mkfifo(folder, "etc/exposured.conf.d/z.conf");
        assert_load_complains(folder, 1, "z.conf, passing over it: Invalid argument");
        temp_remove(folder, "etc/exposured.conf.d/z.conf");
        temp_symlink(folder, "etc/exposured.conf.d/z.conf", "z.conf");
        assert_load_complains(folder, 1, "z.conf, passing over it: ");
        temp_remove(folder, "etc/exposured.conf.d/z.conf");
        temp_symlink(folder, "etc/exposured.conf.d/z.conf", "nothing");
        assert_quiet_load(folder, 1);
}
END_TEST

#define SIZE_MAX_BYTES 65536

START_TEST(too_large) {
        _cleanup_(temp_freep) char *folder = temp_new();
        char text[SIZE_MAX_BYTES + 1];

        memset(text, '\n', sizeof(text));
        memcpy(text, UNITS(5), strlen(UNITS(5)));
        temp_write_bytes(folder, "etc/exposured.conf", text, SIZE_MAX_BYTES);
        assert_quiet_load(folder, 5);
        temp_write_bytes(folder, "etc/exposured.conf", text, SIZE_MAX_BYTES + 1);
        assert_load_complains(folder, built_in.units_max,
                              "/etc/exposured.conf, passing over it: File too large");
}
END_TEST

START_TEST(binary) {
        static const char text[] = UNITS(5) "\0" "\n";
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write_bytes(folder, "etc/exposured.conf", text, sizeof(text) - 1);
        assert_load_complains(folder, built_in.units_max, "/etc/exposured.conf: not a text file");
}
END_TEST

START_TEST(wrong_line_names_its_file) {
        _cleanup_(temp_freep) char *folder = temp_new();

        temp_write(folder, "run/exposured.conf.d/a.conf", UNITS(5) "LogLevel=loud\n");
        assert_load_complains(folder, 5,
                              "/run/exposured.conf.d/a.conf:3: LogLevel ignored, expected err, warning,");
}
END_TEST

START_TEST(too_many_files) {
        _cleanup_(temp_freep) char *folder = temp_new();

        for (unsigned i = 1; i <= 257; i++) {
                char entry[64];

                (void) snprintf(entry, sizeof(entry), "etc/exposured.conf.d/%u.conf", i);
                temp_write(folder, entry, UNITS(5));
                if (i == 256)
                        assert_quiet_load(folder, 5);
        }
        assert_load_complains(folder, 5, "more than 256 files");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("configuration");
        TCase *tcase = tcase_create("configuration");

        tcase_add_test(tcase, defaults);
        tcase_add_loop_test(tcase, each_value, 0, ELEMENTSOF(values));
        tcase_add_loop_test(tcase, each_text, 0, ELEMENTSOF(texts));
        tcase_add_test(tcase, no_file);
        tcase_add_test(tcase, first_main_file_counts);
        tcase_add_test(tcase, drop_ins_are_sorted_by_name);
        tcase_add_test(tcase, what_is_no_drop_in);
        tcase_add_test(tcase, masked);
        tcase_add_test(tcase, unreadable);
        tcase_add_test(tcase, too_large);
        tcase_add_test(tcase, binary);
        tcase_add_test(tcase, wrong_line_names_its_file);
        tcase_add_test(tcase, too_many_files);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
