/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <syslog.h>

#include <exposured/macro.h>

#include "configuration.h"
#include "file.h"
#include "log.h"
#include "strv.h"
#include "timer.h"

#define CONFIG_SIZE_MAX (64U * 1024U)
#define CONFIG_FILES_MAX 256U
#define CONFIG_SECTION "[Exposure]"
#define CONFIG_FILE "exposured.conf"

/* One option: a new one is a new row. */
struct option {
        const char *name;
        /* Returns what is expected, where the value is not that; NULL where it is. */
        const char *(*parse)(const struct option *option, const char *value, void *target);
        size_t offset;
        uint64_t min, max;
        const char *expected;
};

static const char *parse_number(const struct option *option, const char *value, void *target) {
        unsigned *number = target;
        unsigned long long n;
        char *end;

        errno = 0;
        n = strtoull(value, &end, 10);
        if (!isdigit((unsigned char) value[0]) || *end || errno != 0 || n < option->min || n > option->max)
                return option->expected;
        *number = (unsigned) n;
        return NULL;
}

#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
/* Of 365.25 days, and a twelfth of that: so systemd.time(7). */
#define USEC_PER_YEAR (31557600 * USEC_PER_SEC)
#define USEC_PER_MONTH (USEC_PER_YEAR / 12)

static const struct {
        const char *name;
        uint64_t usec;
} time_units[] = {
        { "", USEC_PER_SEC },
        { "us", 1 }, { "usec", 1 }, { "\u00b5s", 1 }, { "\u03bcs", 1 },
        { "ms", USEC_PER_MSEC }, { "msec", USEC_PER_MSEC },
        { "s", USEC_PER_SEC }, { "sec", USEC_PER_SEC }, { "second", USEC_PER_SEC }, { "seconds", USEC_PER_SEC },
        { "m", USEC_PER_MINUTE }, { "min", USEC_PER_MINUTE }, { "minute", USEC_PER_MINUTE },
        { "minutes", USEC_PER_MINUTE },
        { "h", USEC_PER_HOUR }, { "hr", USEC_PER_HOUR }, { "hour", USEC_PER_HOUR }, { "hours", USEC_PER_HOUR },
        { "d", USEC_PER_DAY }, { "day", USEC_PER_DAY }, { "days", USEC_PER_DAY },
        { "w", 7 * USEC_PER_DAY }, { "week", 7 * USEC_PER_DAY }, { "weeks", 7 * USEC_PER_DAY },
        { "M", USEC_PER_MONTH }, { "month", USEC_PER_MONTH }, { "months", USEC_PER_MONTH },
        { "y", USEC_PER_YEAR }, { "year", USEC_PER_YEAR }, { "years", USEC_PER_YEAR },
};

/* 0 where there is no such unit. */
static uint64_t time_unit(const char *word, size_t length) {
        for (size_t i = 0; i < ELEMENTSOF(time_units); i++)
                if (strlen(time_units[i].name) == length && strncmp(time_units[i].name, word, length) == 0)
                        return time_units[i].usec;
        return 0;
}

/* A sum of numbers with units, as in systemd.time(7). */
static const char *parse_time(const struct option *option, const char *value, void *target) {
        uint64_t *usec = target, sum = 0;

        do {
                uint64_t n, unit;
                size_t length;
                char *end;

                errno = 0;
                n = strtoull(value, &end, 10);
                if (!isdigit((unsigned char) value[0]) || errno != 0)
                        return option->expected;
                value = end + strspn(end, " ");
                length = strcspn(value, " 0123456789");
                unit = time_unit(value, length);
                if (unit == 0 || n > (option->max - sum) / unit)
                        return option->expected;
                sum += n * unit;
                value += length;
                value += strspn(value, " ");
        } while (*value);
        if (sum < option->min)
                return option->expected;
        *usec = sum;
        return NULL;
}

static const char *parse_level(const struct option *option, const char *value, void *target) {
        static const char *const levels[] = {
                [LOG_ERR] = "err", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
                [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
        };
        int *level = target;

        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (levels[i] && streq(levels[i], value)) {
                        *level = (int) i;
                        return NULL;
                }
        return option->expected;
}

static const char *parse_bool(const struct option *option, const char *value, void *target) {
        static const struct {
                const char *word;
                bool value;
        } words[] = {
                { "yes", true }, { "true", true }, { "on", true }, { "1", true }, { "y", true }, { "t", true },
                { "no", false }, { "false", false }, { "off", false }, { "0", false }, { "n", false }, { "f", false },
        };
        bool *flag = target;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(words[i].word, value) == 0) {
                        *flag = words[i].value;
                        return NULL;
                }
        return option->expected;
}

/* "9.6", kept in tenths. */
static const char *parse_exposure(const struct option *option, const char *value, void *target) {
        uint8_t *tenths = target;
        unsigned n = 0;

        if (!isdigit((unsigned char) *value))
                return option->expected;
        for (; isdigit((unsigned char) *value) && n <= option->max; value++)
                n = n * 10 + (unsigned) (*value - '0') * 10;
        if (*value == '.' && isdigit((unsigned char) value[1])) {
                n += (unsigned) (value[1] - '0');
                value += 2;
        }
        if (*value || n > option->max)
                return option->expected;
        *tenths = (uint8_t) n;
        return NULL;
}

static const struct option options[] = {
        { "UnitsMax", parse_number, offsetof(struct config, units_max), 1, 1000000,
          "a number from 1 to 1000000" },
        { "CallTimeoutSec", parse_time, offsetof(struct config, call_timeout_usec), USEC_PER_SEC,
          3600 * USEC_PER_SEC, "a time from 1s to 1h" },
        { "LookupsPerSecond", parse_number, offsetof(struct config, lookups_per_second), 1, 1000,
          "a number from 1 to 1000" },
        { "SettleSec", parse_time, offsetof(struct config, settle_usec), 0, 3600 * USEC_PER_SEC,
          "a time from 0 to 1h" },
        { "Ratchet", parse_bool, offsetof(struct config, ratchet), 0, 0, "yes or no" },
        { "NewUnitExposureMax", parse_exposure, offsetof(struct config, new_unit_exposure_max), 0, 100,
          "an exposure from 0.0 to 10.0" },
        { "HistoryMax", parse_number, offsetof(struct config, history_max), 100, 10000000,
          "a number from 100 to 10000000" },
        { "HistoryAge", parse_time, offsetof(struct config, history_age_usec), 24 * 3600 * USEC_PER_SEC,
          UINT64_C(36500) * 24 * 3600 * USEC_PER_SEC, "a time from 1d to 36500d" },
        { "BaselineAge", parse_time, offsetof(struct config, baseline_age_usec), 24 * 3600 * USEC_PER_SEC,
          UINT64_C(36500) * 24 * 3600 * USEC_PER_SEC, "a time from 1d to 36500d" },
        { "LogLevel", parse_level, offsetof(struct config, log_level), 0, 0,
          "err, warning, notice, info or debug" },
};

void config_init(struct config *config) {
        *config = (struct config) {
                .units_max = 16384,
                .call_timeout_usec = 30 * USEC_PER_SEC,
                .lookups_per_second = 50,
                .settle_usec = 5 * USEC_PER_SEC,
                .ratchet = true,
                .new_unit_exposure_max = 100,
                .history_max = 100000,
                .history_age_usec = 730 * 24 * 3600 * USEC_PER_SEC,
                .baseline_age_usec = 365 * 24 * 3600 * USEC_PER_SEC,
                .log_level = LOG_INFO,
        };
}

static char *strip(char *text) {
        char *end;

        text += strspn(text, " \t\r");
        end = text + strlen(text);
        while (end > text && strchr(" \t\r", end[-1]))
                end--;
        *end = '\0';
        return text;
}

/* Returns what is wrong with the assignment, or NULL. */
static const char *parse_assignment(struct config *config, char *line, const char **ret_name) {
        char *value = strchr(line, '=');

        *ret_name = "line";
        if (!value)
                return "NAME=VALUE";
        *value++ = '\0';
        line = strip(line);
        value = strip(value);
        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                if (!streq(options[i].name, line))
                        continue;
                *ret_name = options[i].name;
                return options[i].parse(&options[i], value, (char *) config + options[i].offset);
        }
        return "the name of an option (see exposured.conf(5))";
}

unsigned config_parse(struct config *config, const char *path, char *text) {
        unsigned number = 0, wrong = 0;
        bool in_section = false;
        char *line;

        while ((line = strsep(&text, "\n"))) {
                const char *name = "line", *expected = NULL;

                number++;
                line = strip(line);
                if (!*line || *line == '#' || *line == ';')
                        continue;
                if (*line == '[') {
                        in_section = streq(line, CONFIG_SECTION);
                        expected = in_section ? NULL : CONFIG_SECTION;
                } else if (!in_section)
                        expected = "a line " CONFIG_SECTION " before";
                else
                        expected = parse_assignment(config, line, &name);
                if (!expected)
                        continue;
                wrong++;
                log_warning("%s:%u: %s ignored, expected %s.", path, number, name, expected);
        }
        return wrong;
}

/* Returns 1, 0 where there is no such file, or -ENOMEM. */
static int load_file(struct config *config, const char *path) {
        _cleanup_(freep) char *text = NULL;
        size_t length;
        int r;

        r = file_read(path, CONFIG_SIZE_MAX, &text, &length);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_errno(LOG_WARNING, r, "Cannot read %s, passing over it", path);
        else if (memchr(text, '\0', length))
                log_warning("%s: not a text file, passing over it.", path);
        else
                (void) config_parse(config, path, text);
        return 1;
}

static bool is_drop_in(const char *name) {
        size_t n = strlen(name);

        return name[0] != '.' && n > 5 && streq(name + n - 5, ".conf");
}

static int find_drop_ins(const char *folder, char ***names) {
        char path[PATH_MAX];
        struct dirent *entry;
        int r = 0;
        DIR *dir;

        (void) snprintf(path, sizeof(path), "%s/" CONFIG_FILE ".d", folder);
        dir = opendir(path);
        if (!dir)
                return errno == ENOMEM ? -ENOMEM : 0;
        while (r >= 0 && (entry = readdir(dir))) {
                if (!is_drop_in(entry->d_name) || strv_contains(*names, entry->d_name))
                        continue;
                if (strv_length(*names) >= CONFIG_FILES_MAX) {
                        log_warning("%s: more than %u files, passing over the rest.", path, CONFIG_FILES_MAX);
                        break;
                }
                r = strv_extend(names, entry->d_name);
        }
        (void) closedir(dir);
        return r;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The first of that name that is there; "/" stands before it. */
static int load_first(struct config *config, const char *const *folders, const char *name) {
        char path[PATH_MAX];
        int r = 0;

        for (const char *const *f = folders; *f && r == 0; f++) {
                (void) snprintf(path, sizeof(path), "%s/%s", *f, name);
                r = load_file(config, path);
        }
        return r;
}

int config_load(struct config *config, const char *const *folders) {
        _cleanup_(strv_freep) char **names = NULL;
        char entry[PATH_MAX];
        int r;

        r = load_first(config, folders, CONFIG_FILE);
        if (r < 0)
                return r;
        for (const char *const *f = folders; *f; f++) {
                r = find_drop_ins(*f, &names);
                if (r < 0)
                        return r;
        }
        if (names)
                qsort(names, strv_length(names), sizeof(*names), compare_names);
        for (char **name = names; name && *name; name++) {
                (void) snprintf(entry, sizeof(entry), CONFIG_FILE ".d/%s", *name);
                r = load_first(config, folders, entry);
                if (r < 0)
                        return r;
        }
        return 0;
}
