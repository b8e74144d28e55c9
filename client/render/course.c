/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "course.h"

#include <stdbool.h>
#include <stdio.h>

#include "cleanup.h"
#include "exposure.h"
#include "fields.h"
#include "output.h"

/* So many of the newest events are drawn, and fewer on a narrow terminal. */
#define MAX_BARS 60
/* A smaller range than this, in tenths, would make mountains of molehills. */
#define MIN_RANGE 14

static const char *const bars[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

struct course {
        unsigned points[MAX_BARS + 1];  /* tenths, oldest first */
        size_t n;
        unsigned lowest, highest;
};

static void add_point(struct course *course, unsigned exposure) {
        if (course->n == 0 || exposure < course->lowest)
                course->lowest = exposure;
        if (course->n == 0 || exposure > course->highest)
                course->highest = exposure;
        course->points[course->n++] = exposure;
}

static size_t max_bars(const struct output *output) {
        return output->columns > 0 && output->columns / 2 < MAX_BARS ? output->columns / 2 + 1 : MAX_BARS;
}

/* Whether an event tells what the unit's own exposure became; of others it may have hit, it does not. */
static bool tells_of(const struct event *event, const char *unit) {
        return streq(event->unit, unit) && !streq(event->kind, "gone");
}

/* Where each event led, and in front of them where the oldest one began. */
static void fill(struct course *course, const struct event_list *list, const char *unit, size_t max) {
        const struct event *oldest = NULL;
        size_t n = 0, i = 0;

        for (; i < list->n_events && n < max; i++)
                if (tells_of(list->events + i, unit)) {
                        oldest = list->events + i;
                        n++;
                }
        if (oldest && !streq(oldest->kind, "appeared"))
                add_point(course, oldest->before);
        for (; i > 0; i--)
                if (tells_of(list->events + i - 1, unit))
                        add_point(course, list->events[i - 1].after);
}

static void print_bar(const struct course *course, unsigned exposure, const struct output *output) {
        unsigned range = course->highest - course->lowest;
        const char *on = style_on(output, exposure_level(exposure)->style);

        if (range < MIN_RANGE)
                range = MIN_RANGE;
        fputs(on, output->stream);
        if (output->utf8)
                fputs(bars[(exposure - course->lowest) * (ELEMENTSOF(bars) - 1) / range], output->stream);
        else
                fputc("0123456789"[exposure < EXPOSURE_MAX ? exposure / 10 : 9], output->stream);
        fputs(*on ? style_off(output) : "", output->stream);
}

void course_print(const struct event_list *list, const char *unit, const struct output *output) {
        char lowest[EXPOSURE_TEXT_SIZE], highest[EXPOSURE_TEXT_SIZE], now[EXPOSURE_TEXT_SIZE];
        struct course course = {};

        fill(&course, list, unit, max_bars(output));
        if (course.lowest == course.highest)
                return;

        fprintf(output->stream, "%s", style_on(output, STYLE_STRONG));
        fields_print_text(output, unit);
        fprintf(output->stream, "%s ", style_off(output));
        for (size_t i = 0; i < course.n; i++)
                print_bar(&course, course.points[i], output);
        fprintf(output->stream, " %s, between %s and %s\n\n",
                exposure_to_string(course.points[course.n - 1], now),
                exposure_to_string(course.lowest, lowest), exposure_to_string(course.highest, highest));
}
