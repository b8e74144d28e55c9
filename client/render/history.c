/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>

#include "cause.h"
#include "cleanup.h"
#include "course.h"
#include "details.h"
#include "events.h"
#include "exposure.h"
#include "fields.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "table.h"
#include "timestamp.h"
#include "upgrade.h"

static const struct column wide_columns[] = {
        { .title = "TIME" },
        { .title = "" },
        { .title = "EVENT" },
        { .title = "UNIT" },
        { .title = "EXPOSURE", .right = true },
        { .title = "TREND", .right = true },
        { .title = "CAUSE" },
};

/* Where that is too wide for the terminal: the cause on a line of its own. */
static const struct column narrow_columns[] = {
        { .title = "TIME" },
        { .title = "" },
        { .title = "EXPOSURE", .right = true },
        { .title = "TREND", .right = true },
        { .title = "EVENT", .shrink = SHRINK_WRAP },
};

/* Events that say how it is, not how it changed. */
static bool has_before(const struct event *event) {
        return *event->unit && !streq(event->kind, "appeared") && event->before != event->after;
}

#define EXPOSURES_SIZE 32

static const char *exposures_text(const struct event *event, const struct output *output,
                                  char buffer[static EXPOSURES_SIZE]) {
        char before[EXPOSURE_TEXT_SIZE], after[EXPOSURE_TEXT_SIZE];

        if (!*event->unit)
                return "";
        if (streq(event->kind, "gone"))
                snprintf(buffer, EXPOSURES_SIZE, "%s", exposure_to_string(event->before, before));
        else if (has_before(event))
                snprintf(buffer, EXPOSURES_SIZE, "%s %s %s", exposure_to_string(event->before, before),
                         glyph_text(output, GLYPH_ARROW), exposure_to_string(event->after, after));
        else
                snprintf(buffer, EXPOSURES_SIZE, "%s", exposure_to_string(event->after, after));
        return buffer;
}

/* Where the exposure went: "+0.4"; empty where it stands still. */
static const char *trend_text(const struct event *event, char buffer[static EXPOSURES_SIZE]) {
        bool worse = event->after > event->before;
        char text[EXPOSURE_TEXT_SIZE];

        if (!has_before(event) || streq(event->kind, "gone"))
                return "";
        snprintf(buffer, EXPOSURES_SIZE, "%c%s", worse ? '+' : '-',
                 exposure_to_string(worse ? event->after - event->before
                                          : event->before - event->after, text));
        return buffer;
}

static enum style trend_style(const struct event *event) {
        if (streq(event->kind, "accepted"))
                return STYLE_PLAIN;
        return event->after > event->before ? STYLE_BAD : STYLE_GOOD;
}

/* Users are known by their names on this machine only. */
static char *user_text(uint32_t uid, const struct options *options) {
        bool known = uid != EVENT_NO_UID && options->transport == TRANSPORT_LOCAL;
        const struct passwd *user = known ? getpwuid(uid) : NULL;
        char *text;

        if (uid == EVENT_NO_UID)
                return strdup("somebody");
        if (user)
                return strdup(user->pw_name);
        return asprintf(&text, "user %" PRIu32, uid) < 0 ? NULL : text;
}

static char *reason_text(const struct event *event, const struct options *options) {
        _cleanup_free_ char *user = user_text(event->uid, options);
        char until[TIME_TEXT_SIZE], *text;

        if (!user)
                return NULL;
        if (asprintf(&text, "%s: %s%s%s%s", user, event->reason,
                     event->until > 0 ? " (until " : "",
                     event->until > 0 ? time_to_log_string(event->until, until) : "",
                     event->until > 0 ? ")" : "") < 0)
                return NULL;
        return text;
}

/* What another model did, and of another policy which file. NULL when out of memory. */
static char *model_text(const struct event *event, const struct output *output) {
        const struct event_cause *cause = event->causes;
        _cleanup_free_ char *summary = NULL;
        char *text;

        if (*event->unit)
                return upgrade_share(event, output);
        summary = upgrade_summary(event);
        if (!summary || event->n_causes == 0 || !*cause->path)
                return TAKE_PTR(summary);
        return asprintf(&text, "%s %s; %s", cause->path, cause_text(cause), summary) < 0 ? NULL : text;
}

/* The reason of an acceptance, or the first cause. NULL when out of memory. */
static char *why_text(const struct event *event, const struct options *options, const struct output *output) {
        const struct event_cause *cause = event->causes;
        char more[32] = "", *text;

        if (event->reason)
                return reason_text(event, options);
        if (event->hits)
                return model_text(event, output);
        if (event->n_causes == 0)
                return strdup("");
        if (event->n_causes > 1)
                snprintf(more, sizeof(more), " and %zu more", event->n_causes - 1);
        return asprintf(&text, "%s%s%s%s", cause->path, *cause->path && *cause->change ? " " : "",
                        cause_text(cause), more) < 0 ? NULL : text;
}

static char *subject_text(const struct event *event, const struct output *output) {
        size_t n = event_count_others(event);
        char *text;

        if (event->hits)
                return *event->unit ? strdup(event->unit) : upgrade_subject(event, output);
        if (n == 0)
                return strdup(event_subject(event));
        return asprintf(&text, "%s (+%zu)", event_subject(event), n) < 0 ? NULL : text;
}

static int add_wide(struct table *table, const struct event *event, const struct options *options,
                    const struct output *output) {
        _cleanup_free_ char *subject = subject_text(event, output), *why = why_text(event, options, output);
        char time[TIME_TEXT_SIZE], exposures[EXPOSURES_SIZE], trend[EXPOSURES_SIZE];

        if (!subject || !why)
                return -ENOMEM;
        table_add(table, STYLE_PLAIN, time_to_log_string(event->time, time));
        table_add(table, event_style(event), event_glyph(event, output));
        table_add(table, event_style(event), event->kind);
        table_add(table, STYLE_STRONG, subject);
        table_add(table, STYLE_PLAIN, exposures_text(event, output, exposures));
        table_add(table, trend_style(event), trend_text(event, trend));
        return table_add(table, STYLE_PLAIN, why);
}

static int add_narrow(struct table *table, const struct event *event, const struct options *options,
                      const struct output *output) {
        _cleanup_free_ char *subject = subject_text(event, output), *what = NULL;
        _cleanup_free_ char *why = why_text(event, options, output);
        char time[TIME_TEXT_SIZE], exposures[EXPOSURES_SIZE], trend[EXPOSURES_SIZE];
        int r;

        if (!subject || !why || asprintf(&what, "%s %s", subject, event->kind) < 0)
                return -ENOMEM;
        table_add(table, STYLE_PLAIN, time_to_short_string(event->time, time));
        table_add(table, event_style(event), event_glyph(event, output));
        table_add(table, STYLE_PLAIN, exposures_text(event, output, exposures));
        table_add(table, trend_style(event), trend_text(event, trend));
        r = table_add(table, STYLE_STRONG, what);
        if (r < 0 || !*why)
                return r;
        for (size_t i = 0; i + 1 < ELEMENTSOF(narrow_columns); i++)
                table_add(table, STYLE_PLAIN, "");
        return table_add(table, STYLE_PLAIN, why);
}

static int fill_table(const struct event_list *list, bool narrow, const struct options *options,
                      const struct output *output, struct table **ret) {
        int r = narrow ? table_new(narrow_columns, ELEMENTSOF(narrow_columns), output->utf8, ret)
                       : table_new(wide_columns, ELEMENTSOF(wide_columns), output->utf8, ret);

        for (size_t i = 0; r >= 0 && i < list->n_events; i++)
                r = narrow ? add_narrow(*ret, list->events + i, options, output)
                           : add_wide(*ret, list->events + i, options, output);
        return r;
}

static int print_table(const struct event_list *list, const struct options *options,
                       const struct output *output) {
        _cleanup_(table_freep) struct table *wide = NULL, *narrow = NULL;
        int r = fill_table(list, false, options, output, &wide);

        if (r < 0)
                return r;
        if (output->columns == 0 || table_width(wide, options->legend) <= output->columns)
                return table_print(wide, output, options->legend);

        r = fill_table(list, true, options, output, &narrow);
        return r < 0 ? r : table_print(narrow, output, options->legend);
}

static void print_nothing(const char *unit, const struct output *output) {
        if (unit) {
                fputs("Nothing happened to ", output->stream);
                fields_print_text(output, unit);
                fputs(" that is remembered.\n", output->stream);
        } else
                fputs("Nothing happened that is remembered.\n", output->stream);
}

int history_print(const struct event_list *list, const char *unit, bool more, const struct options *options,
                  const struct output *output) {
        int r;

        if (list->n_events == 0) {
                if (options->legend)
                        print_nothing(unit, output);
                return 0;
        }
        if (options->legend && unit)
                course_print(list, unit, output);
        r = print_table(list, options, output);
        if (r >= 0 && options->legend && more)
                fprintf(output->stream, "\nThe newest %zu event%s. Pass --lines=all to see all.\n",
                        list->n_events, list->n_events == 1 ? "" : "s");
        return r;
}

static json_object *row_to_json(const struct event *event) {
        _cleanup_json_ json_object *object = event_to_json(event);

        if (!object ||
            (event->reason ? json_add_string(object, "reason", event->reason)
                           : json_add_null(object, "reason")) < 0 ||
            (event->uid != EVENT_NO_UID ? json_add_unsigned(object, "uid", event->uid)
                                        : json_add_null(object, "uid")) < 0 ||
            (event->until > 0 ? json_add_unsigned(object, "until", event->until)
                              : json_add_null(object, "until")) < 0)
                return NULL;
        return TAKE_PTR(object);
}

json_object *history_to_json(const struct event_list *list) {
        _cleanup_json_ json_object *array = json_object_new_array();

        for (size_t i = 0; array && i < list->n_events; i++)
                if (json_append(array, row_to_json(list->events + i)) < 0)
                        return NULL;
        return TAKE_PTR(array);
}
