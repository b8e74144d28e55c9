/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "diff.h"
#include "strv.h"
#include "utf8.h"

#define WHITESPACE " \t"
#define LINE_ENDS "\r\n"
#define ELLIPSIS "…"

/* Whether the line goes on in the next one: its last backslash is not itself escaped. */
static bool is_continued(const char *line, size_t length) {
        size_t n = 0;

        while (n < length && line[length - 1 - n] == '\\')
                n++;
        return n % 2 == 1;
}

static const char *next_line(const char *end) {
        if (end[0] == '\r' && end[1] == '\n')
                return end + 2;
        return *end ? end + 1 : end;
}

/* What is written from start to out gets that end instead of blanks, unless there is nothing else. */
static char *end_line(const char *start, char *out, char end) {
        while (out > start && strchr(WHITESPACE, out[-1]))
                out--;
        if (out > start)
                *out++ = end;
        return out;
}

/* The text as systemd reads it: a line of its own for each setting, and nothing else. NULL: out of memory. */
static char *normalize(const char *text) {
        char *normalized = malloc(strlen(text) + 2), *start = normalized, *out = normalized;

        if (!normalized)
                return NULL;
        while (*text) {
                const char *line = text + strspn(text, WHITESPACE);
                size_t length = strcspn(line, LINE_ENDS);
                bool continued = is_continued(line, length);

                text = next_line(line + length);
                /* Within a continued line too. */
                if (length > 0 && strchr("#;", *line))
                        continue;
                memcpy(out, line, length - continued);
                out += length - continued;
                out = end_line(start, out, continued ? ' ' : '\n');
                if (!continued)
                        start = out;
        }
        out = end_line(start, out, '\n');
        *out = '\0';
        return normalized;
}

struct line {
        const char *text;       /* not terminated */
        size_t length;
};

struct lines {
        struct line *lines;
        size_t n_lines;
};

static void lines_done(struct lines *lines) {
        free(lines->lines);
}

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

static int lines_split(struct lines *lines, const char *text) {
        const char *end;

        lines->lines = calloc(count_lines(text) + 1, sizeof(*lines->lines));
        if (!lines->lines)
                return -ENOMEM;
        for (; (end = strchr(text, '\n')); text = end + 1)
                lines->lines[lines->n_lines++] = (struct line) { text, (size_t) (end - text) };
        return 0;
}

static bool line_equal(const struct line *a, const struct line *b) {
        return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* The two sides, without what they begin and end with alike, and how to get from one to the other. */
struct comparison {
        const struct line *old, *new;
        size_t n_old, n_new;
        uint8_t *steps;         /* a bit for each pair: whether an old line goes before the new one comes */
};

static void comparison_trim(struct comparison *c) {
        while (c->n_old > 0 && c->n_new > 0 && line_equal(c->old, c->new)) {
                c->old++, c->n_old--;
                c->new++, c->n_new--;
        }
        while (c->n_old > 0 && c->n_new > 0 && line_equal(&c->old[c->n_old - 1], &c->new[c->n_new - 1]))
                c->n_old--, c->n_new--;
}

/*
 * The longest common subsequence, from the end. Of the table of lengths only the row below is needed,
 * and a bit for each field: at the bounds above that is half a megabyte, for a moment.
 */
static int comparison_run(struct comparison *c) {
        uint16_t row[DIFF_COMPARE_LINES_MAX + 1] = {};

        c->steps = calloc(c->n_old * c->n_new / 8 + 1, 1);
        if (!c->steps)
                return -ENOMEM;
        for (size_t i = c->n_old; i-- > 0;) {
                uint16_t diagonal = 0;  /* the row below, one to the right */

                for (size_t j = c->n_new; j-- > 0;) {
                        size_t bit = i * c->n_new + j;
                        uint16_t below = row[j];

                        if (line_equal(&c->old[i], &c->new[j]))
                                row[j] = (uint16_t) (diagonal + 1);
                        else if (below >= row[j + 1])
                                c->steps[bit / 8] |= (uint8_t) (1U << bit % 8);
                        else
                                row[j] = row[j + 1];
                        diagonal = below;
                }
        }
        return 0;
}

static bool comparison_old_goes(const struct comparison *c, size_t i, size_t j) {
        size_t bit = i * c->n_new + j;

        if (i == c->n_old || j == c->n_new)
                return j == c->n_new;
        return c->steps[bit / 8] & 1U << bit % 8;
}

/* Called for each line that goes ('-') or comes ('+'). */
typedef int (*line_fn)(void *userdata, char sign, const struct line *line);

static int comparison_walk(const struct comparison *c, line_fn fn, void *userdata) {
        size_t i = 0, j = 0;
        int r = 0;

        while (r >= 0 && (i < c->n_old || j < c->n_new))
                if (i < c->n_old && j < c->n_new && line_equal(&c->old[i], &c->new[j]))
                        i++, j++;
                else if (comparison_old_goes(c, i, j))
                        r = fn(userdata, '-', &c->old[i++]);
                else
                        r = fn(userdata, '+', &c->new[j++]);
        return r;
}

/* A character is shown as it is, or a byte in hexadecimal. Returns how many bytes of the line that took. */
static size_t show_character(const char *text, size_t length, char ret[static 5]) {
        size_t n = utf8_character_length(text, length);

        if (n == 0 || utf8_is_control(text, n)) {
                (void) snprintf(ret, 5, "\\x%02x", (uint8_t) text[0]);
                return 1;
        }
        memcpy(ret, text, n);
        ret[n] = '\0';
        return n;
}

static void show_line(char sign, const struct line *line, char ret[static DIFF_LINE_SIZE_MAX + 1]) {
        size_t n = 0, n_cut = 0;        /* written; and of that, what leaves room for the ellipsis */
        char shown[5];

        ret[n++] = sign;
        for (size_t i = 0; i < line->length;) {
                i += show_character(line->text + i, line->length - i, shown);
                if (n <= DIFF_LINE_SIZE_MAX - strlen(ELLIPSIS))
                        n_cut = n;
                if (n + strlen(shown) > DIFF_LINE_SIZE_MAX) {
                        memcpy(ret + n_cut, ELLIPSIS, sizeof(ELLIPSIS));
                        return;
                }
                memcpy(ret + n, shown, strlen(shown));
                n += strlen(shown);
        }
        ret[n] = '\0';
}

struct output {
        char **lines;
        size_t n_headers;       /* "[Service]" */
        size_t n_settings;      /* other lines that differ */
        size_t n_seen;          /* of those that are shown */
};

static bool is_service_header(const struct line *line) {
        return line_equal(line, &(struct line) { "[Service]", strlen("[Service]") });
}

static int count_line(void *userdata, char sign, const struct line *line) {
        struct output *output = userdata;

        (void) sign;
        if (is_service_header(line))
                output->n_headers++;
        else
                output->n_settings++;
        return 0;
}

static int add_line(void *userdata, char sign, const struct line *line) {
        struct output *output = userdata;
        size_t n = output->n_settings ?: output->n_headers;
        char shown[DIFF_LINE_SIZE_MAX + 1];

        if (output->n_settings > 0 && is_service_header(line))
                return 0;
        output->n_seen++;
        if (output->n_seen > DIFF_LINES_MAX)
                return 0;
        if (output->n_seen == DIFF_LINES_MAX && n > DIFF_LINES_MAX)
                (void) snprintf(shown, sizeof(shown), ELLIPSIS " %zu more", n - DIFF_LINES_MAX + 1);
        else
                show_line(sign, line, shown);
        return strv_extend(&output->lines, shown);
}

static int comparison_show(struct comparison *c, char ***ret_lines) {
        struct output output = {};
        int r;

        comparison_trim(c);
        r = comparison_run(c);
        if (r >= 0)
                r = comparison_walk(c, count_line, &output);
        if (r >= 0)
                r = comparison_walk(c, add_line, &output);
        free(c->steps);
        if (r < 0)
                strv_free(output.lines);
        else
                *ret_lines = output.lines;
        return r;
}

static int diff_normalized(const char *before, const char *now, char ***ret_lines) {
        _cleanup_(lines_done) struct lines old = {}, new = {};
        struct comparison c;
        int r;

        if (count_lines(before) > DIFF_COMPARE_LINES_MAX || count_lines(now) > DIFF_COMPARE_LINES_MAX)
                return 0;
        r = lines_split(&old, before);
        if (r < 0)
                return r;
        r = lines_split(&new, now);
        if (r < 0)
                return r;
        c = (struct comparison) { old.lines, new.lines, old.n_lines, new.n_lines };
        return comparison_show(&c, ret_lines);
}

int diff_settings(const char *before, const char *now, char ***ret_lines) {
        _cleanup_(freep) char *old = normalize(before), *new = normalize(now);
        int r;

        *ret_lines = NULL;
        if (!old || !new)
                return -ENOMEM;
        if (streq(old, new))
                return 0;
        r = diff_normalized(old, new, ret_lines);
        return r < 0 ? r : 1;
}
