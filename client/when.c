/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "when.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <exposured/macro.h>

#define USEC_PER_SEC UINT64_C(1000000)
/* The last second of the year 9999. */
#define SECONDS_MAX UINT64_C(253402300799)
#define NUMBER_MAX (SECONDS_MAX * 10)

/* The units of spans, as systemd.time(7) has them. */
static const struct {
        const char *name;
        uint64_t seconds;
} span_units[] = {
        { "s", 1 }, { "sec", 1 }, { "second", 1 }, { "seconds", 1 },
        { "m", 60 }, { "min", 60 }, { "minute", 60 }, { "minutes", 60 },
        { "h", 3600 }, { "hr", 3600 }, { "hour", 3600 }, { "hours", 3600 },
        { "d", 86400 }, { "day", 86400 }, { "days", 86400 },
        { "w", 604800 }, { "week", 604800 }, { "weeks", 604800 },
        { "M", 2629800 }, { "month", 2629800 }, { "months", 2629800 },
        { "y", 31557600 }, { "year", 31557600 }, { "years", 31557600 },
};

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *skip_blanks(const char *s) {
        return s + strspn(s, " \t");
}

/* Takes a number off the text; at most so many digits. */
static bool take_number(const char **s, size_t max_digits, uint64_t *ret) {
        uint64_t number = 0;
        size_t n = 0;

        for (; n < max_digits && is_digit((*s)[n]); n++) {
                number = number * 10 + (uint64_t) ((*s)[n] - '0');
                if (number > NUMBER_MAX)
                        return false;
        }
        *s += n;
        *ret = number;
        return n > 0;
}

static bool take_unit(const char **s, uint64_t *ret) {
        size_t length = 0;

        while (is_letter((*s)[length]))
                length++;
        for (size_t i = 0; i < ELEMENTSOF(span_units); i++)
                if (strlen(span_units[i].name) == length && strncmp(*s, span_units[i].name, length) == 0) {
                        *s += length;
                        *ret = span_units[i].seconds;
                        return true;
                }
        return false;
}

/* The seconds of a span. */
static int parse_span(const char *s, uint64_t *ret) {
        uint64_t total = 0;

        do {
                uint64_t number, unit;

                if (!take_number(&s, SIZE_MAX, &number))
                        return -EINVAL;
                s = skip_blanks(s);
                if (!take_unit(&s, &unit))
                        return -EINVAL;
                s = skip_blanks(s);
                if (number > (SECONDS_MAX - total) / unit)
                        return -ERANGE;
                total += number * unit;
        } while (*s);

        *ret = total;
        return 0;
}

/* What a number stands in front of, and how far it may go. */
struct part {
        const char *before;     /* one of these characters stands before it */
        size_t digits;
        uint64_t first, last;
        size_t offset;          /* in struct tm */
        int base;               /* what struct tm counts from */
};

static const struct part date_parts[] = {
        { "",   4, 1970, 9999, offsetof(struct tm, tm_year), 1900 },
        { "-",  2, 1, 12, offsetof(struct tm, tm_mon), 1 },
        { "-",  2, 1, 31, offsetof(struct tm, tm_mday), 0 },
        { " T", 2, 0, 23, offsetof(struct tm, tm_hour), 0 },
        { ":",  2, 0, 59, offsetof(struct tm, tm_min), 0 },
        { ":",  2, 0, 59, offsetof(struct tm, tm_sec), 0 },
};

/* A date may end behind the day, the minute or the second. */
static bool may_end_after(size_t n_parts) {
        return n_parts == 3 || n_parts >= 5;
}

static int parse_parts(const char *s, struct tm *tm) {
        size_t i = 0;

        for (; i < ELEMENTSOF(date_parts) && *s; i++) {
                const struct part *part = date_parts + i;
                uint64_t number;

                if (*part->before && !strchr(part->before, *s++))
                        return -EINVAL;
                if (!take_number(&s, part->digits, &number) || number < part->first || number > part->last)
                        return -EINVAL;
                *(int *) ((char *) tm + part->offset) = (int) number - part->base;
        }
        return *s || !may_end_after(i) ? -EINVAL : 0;
}

/* Seconds since 1970 of a date in local time. */
static int parse_date(const char *s, uint64_t *ret) {
        struct tm tm = { .tm_isdst = -1 };
        time_t time;
        int day, r = parse_parts(s, &tm);

        if (r < 0)
                return r;
        day = tm.tm_mday;
        time = mktime(&tm);
        /* There is no 30th of February; mktime() would take it for a day in March. */
        if (time < 0 || tm.tm_mday != day)
                return -EINVAL;
        *ret = (uint64_t) time;
        return 0;
}

/* The first second of the day after. */
static int next_day(uint64_t now, uint64_t *ret) {
        time_t time = (time_t) now;
        struct tm tm;

        if (!localtime_r(&time, &tm))
                return -EINVAL;
        tm = (struct tm) {
                .tm_year = tm.tm_year,
                .tm_mon = tm.tm_mon,
                .tm_mday = tm.tm_mday + 1,
                .tm_isdst = -1,
        };
        time = mktime(&tm);
        if (time < 0)
                return -EINVAL;
        *ret = (uint64_t) time;
        return 0;
}

static int parse_seconds(const char *s, uint64_t *ret) {
        return take_number(&s, SIZE_MAX, ret) && !*s ? 0 : -EINVAL;
}

/* In seconds; spans count from now. */
static int parse(const char *text, uint64_t now, uint64_t *ret) {
        int r;

        if (streq(text, "tomorrow"))
                return next_day(now, ret);
        if (*text == '@')
                return parse_seconds(text + 1, ret);
        if (parse_date(text, ret) >= 0)
                return 0;
        r = parse_span(skip_blanks(text + (*text == '+')), ret);
        if (r >= 0)
                *ret += now;
        return r;
}

int when_parse(const char *text, uint64_t now, uint64_t *ret) {
        uint64_t seconds;
        int r = parse(text, now / USEC_PER_SEC, &seconds);

        if (r < 0)
                return r;
        if (seconds <= now / USEC_PER_SEC || seconds > SECONDS_MAX)
                return -ERANGE;
        *ret = seconds * USEC_PER_SEC;
        return 0;
}
