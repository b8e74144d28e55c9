/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "timestamp.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "cleanup.h"

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
/* The end of the year 9999: beyond it there is no time, only garbage. */
#define TIME_MAX (UINT64_C(253402300799) * USEC_PER_SEC)

static const struct {
        const char *name;
        uint64_t seconds;
} units[] = {
        { "y", 31557600 },
        { "month", 2629800 },
        { "w", 604800 },
        { "d", 86400 },
        { "h", 3600 },
        { "min", 60 },
        { "s", 1 },
};

/* Whether there is such a time in the calendar. */
static bool to_calendar(uint64_t time, struct tm *ret) {
        time_t seconds = (time_t) (time / USEC_PER_SEC);

        return time > 0 && time <= TIME_MAX && localtime_r(&seconds, ret);
}

const char *time_to_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]) {
        struct tm tm;

        if (!to_calendar(time, &tm) || strftime(buffer, TIME_TEXT_SIZE, "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                snprintf(buffer, TIME_TEXT_SIZE, "n/a");
        return buffer;
}

const char *time_to_log_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]) {
        struct tm tm;

        if (!to_calendar(time, &tm) || strftime(buffer, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                snprintf(buffer, TIME_TEXT_SIZE, "n/a");
        return buffer;
}

const char *time_to_short_string(uint64_t time, char buffer[static TIME_TEXT_SIZE]) {
        struct tm tm;

        if (!to_calendar(time, &tm) || strftime(buffer, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
                snprintf(buffer, TIME_TEXT_SIZE, "n/a");
        return buffer;
}

/* The two largest units of so many seconds. */
static int format_seconds(uint64_t seconds, char *buffer, size_t size) {
        uint64_t first, second;
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(units) && seconds < units[i].seconds)
                i++;
        first = seconds / units[i].seconds;
        if (i + 1 == ELEMENTSOF(units))
                return snprintf(buffer, size, "%" PRIu64 "%s", first, units[i].name);

        second = seconds % units[i].seconds / units[i + 1].seconds;
        if (second == 0)
                return snprintf(buffer, size, "%" PRIu64 "%s", first, units[i].name);
        return snprintf(buffer, size, "%" PRIu64 "%s %" PRIu64 "%s", first, units[i].name,
                        second, units[i + 1].name);
}

const char *time_to_relative_string(uint64_t time, uint64_t now, char buffer[static TIME_TEXT_SIZE]) {
        bool past = time <= now;
        uint64_t seconds = (past ? now - time : time - now) / USEC_PER_SEC;
        char text[TIME_TEXT_SIZE / 2];

        if (seconds == 0) {
                snprintf(buffer, TIME_TEXT_SIZE, "just now");
                return buffer;
        }
        format_seconds(seconds, text, sizeof(text));
        snprintf(buffer, TIME_TEXT_SIZE, past ? "%s ago" : "in %s", text);
        return buffer;
}

const char *span_to_string(uint64_t span, char buffer[static TIME_TEXT_SIZE]) {
        if (span < USEC_PER_MSEC)
                snprintf(buffer, TIME_TEXT_SIZE, "%" PRIu64 "us", span);
        else if (span < USEC_PER_SEC)
                snprintf(buffer, TIME_TEXT_SIZE, "%" PRIu64 ".%" PRIu64 "ms", span / USEC_PER_MSEC,
                         span % USEC_PER_MSEC / 100);
        else if (span < 60 * USEC_PER_SEC)
                snprintf(buffer, TIME_TEXT_SIZE, "%" PRIu64 ".%03" PRIu64 "s", span / USEC_PER_SEC,
                         span % USEC_PER_SEC / USEC_PER_MSEC);
        else
                format_seconds(span / USEC_PER_SEC, buffer, TIME_TEXT_SIZE);
        return buffer;
}

uint64_t time_now(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}
