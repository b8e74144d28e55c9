/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "diff.h"
#include "memory.h"
#include "random.h"
#include "strv.h"
#include "suite.h"
#include "utf8.h"

/* The lines in one text, each ended. */
static char *join(char *const *lines) {
        char *text;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        for (; lines && *lines; lines++)
                fprintf(f, "%s\n", *lines);
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static char *repeat(const char *text, size_t n) {
        size_t length = strlen(text);
        char *repeated = malloc(n * length + 1);

        ck_assert_ptr_nonnull(repeated);
        for (size_t i = 0; i < n; i++)
                memcpy(repeated + i * length, text, length);
        repeated[n * length] = '\0';
        return repeated;
}

/* lines: NULL where both say the same. */
static void assert_diff(const char *before, const char *now, const char *lines) {
        _cleanup_(strv_freep) char **diff = (char **) 1;
        _cleanup_(freep) char *joined = NULL;

        ck_assert_int_eq(diff_settings(before, now, &diff), lines != NULL);
        joined = join(diff);
        ck_assert_str_eq(joined, lines ?: "");
        if (lines && !*lines)
                ck_assert_ptr_null(diff);
}

static const struct {
        const char *before, *now, *lines;
} table[] = {
        { "", "", NULL },
        { "A=1\n", "A=1\n", NULL },
        { "A=1\n", "A=2\n", "-A=1\n+A=2\n" },
        { "A=1\nB=1\nC=1\n", "A=1\nB=2\nC=1\n", "-B=1\n+B=2\n" },
        { "A=1\nB=1\n", "B=1\n", "-A=1\n" },
        { "B=1\n", "A=1\nB=1\n", "+A=1\n" },
        { "", "A=1\nB=2\n", "+A=1\n+B=2\n" },
        { "A=1\nB=2\n", "", "-A=1\n-B=2\n" },
        /* What is taken back counts. */
        { "A=1\n", "A=1\nA=\n", "+A=\n" },
        /* Moved is gone here and come there. */
        { "A=1\nB=1\nC=1\n", "B=1\nC=1\nA=1\n", "-A=1\n+A=1\n" },
        { "A=1\nB=1\nC=1\nD=1\n", "A=2\nB=1\nC=2\nD=1\n", "-A=1\n+A=2\n-C=1\n+C=2\n" },

        /* How a line is ended, and what is around it. */
        { "A=1", "A=1\n", NULL },
        { "A=1\r\nB=2\r\n", "A=1\nB=2\n", NULL },
        { "A=1\rB=2\r", "A=1\nB=2\n", NULL },
        { "\n\n  A=1\t \n\n\t\nB=2", "A=1\nB=2\n", NULL },
        { "A=1\r\n", "A=2\r\n", "-A=1\n+A=2\n" },
        { "A=1", "A=2", "-A=1\n+A=2\n" },
        { "A=1 2\n", "A=12\n", "-A=1 2\n+A=12\n" },
        { "A=1\tx\n", "A=1\ty\n", "-A=1\tx\n+A=1\ty\n" },

        /* Comments. */
        { "# one\nA=1\n", "; two\nA=1\n  # three\n", NULL },
        { "#A=1\n", "A=1\n", "+A=1\n" },
        { "A=1 # x\n", "A=1 # y\n", "-A=1 # x\n+A=1 # y\n" },
        { "# a \\\nA=1\n", "A=1\n", NULL },

        /* Lines that go on. */
        { "A=1 \\\n  2\n", "A=1 2\n", NULL },
        { "A=1 \\\r\n  2\r\n", "A=1 2\n", NULL },
        { "A=1 \\\n# x\n;\n  2\n", "A=1 2\n", NULL },
        { "A=1 \\\n\n  2\n", "A=1\n2\n", NULL },
        { "A=1 \\", "A=1", NULL },
        { "A=1 \\\n", "A=1", NULL },
        { "\\\n\\\n", "", NULL },
        { "\\\n A=1\n", "A=1\n", NULL },
        { "A=1\\\\\nB=2\n", "A=1\\\\ B=2\n", "-A=1\\\\\n-B=2\n+A=1\\\\ B=2\n" },
        { "A=1\\\\\\\nB=2\n", "A=1\\\\ B=2\n", NULL },
        { "A=1 \\\n 2 \\\n 3\nB=1\n", "A=1 \\\n 2 \\\n 4\nB=1\n", "-A=1 2 3\n+A=1 2 4\n" },

        /* Sections. */
        { "", "[Service]\nA=1\n", "+A=1\n" },
        { "[Service]\nA=1\n", "[Service]\nA=1\n[Unit]\nB=1\n", "+[Unit]\n+B=1\n" },
        { "[Service]\nA=1\n", "[Sevice]\nA=1\n", "+[Sevice]\n" },
        { "[Service]\nA=1\n", "A=1\n", "-[Service]\n" },

        /* What may be seen. */
        { "", "A=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\xa8\n", "+A=\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\xa8\n" },
        { "", "A=\xff\xc3\n", "+A=\\xff\\xc3\n" },
        { "", "A=\xc0\xaf\xed\xa0\x80\n", "+A=\\xc0\\xaf\\xed\\xa0\\x80\n" },
        { "", "A=\x1b[2J\x7f\x01\n", "+A=\\x1b[2J\\x7f\\x01\n" },
        { "", "A=\xc2\x9b\xc2\xa0\n", "+A=\\xc2\\x9b\xc2\xa0\n" },
        { "", "A=\xef\xbf\xbe\n", "+A=\\xef\\xbf\\xbe\n" },
        { "A=\xfe\n", "A=\xff\n", "-A=\\xfe\n+A=\\xff\n" },
};

START_TEST(settings) {
        assert_diff(table[_i].before, table[_i].now, table[_i].lines);
}
END_TEST

/* A line of so many bytes with its sign, made of "A=", x and what it ends in. */
static void assert_shown(const char *end, size_t n_x, const char *shown_end, size_t n_x_shown) {
        _cleanup_(freep) char *x = repeat("x", n_x), *text = NULL;
        _cleanup_(freep) char *shown_x = repeat("x", n_x_shown), *shown = NULL;

        ck_assert_int_ge(asprintf(&text, "A=%s%s", x, end), 0);
        ck_assert_int_ge(asprintf(&shown, "+A=%s%s\n", shown_x, shown_end), 0);
        assert_diff("", text, shown);
}

START_TEST(long_lines) {
        /* 3 bytes before the x */
        assert_shown("", 197, "", 197);
        assert_shown("", 198, "…", 194);
        assert_shown("", 100000, "…", 194);
        /* no character is cut into pieces */
        assert_shown("\xc3\xa4", 195, "\xc3\xa4", 195);
        assert_shown("\xc3\xa4", 196, "…", 194);
        assert_shown("\xe2\x82\xac\xe2\x82\xac", 191, "\xe2\x82\xac\xe2\x82\xac", 191);
        assert_shown("\xe2\x82\xac\xe2\x82\xac", 192, "…", 192);
        assert_shown("\xf0\x9f\x98\xa8", 193, "\xf0\x9f\x98\xa8", 193);
        assert_shown("\xf0\x9f\x98\xa8", 194, "…", 194);
        assert_shown("\xff", 193, "\\xff", 193);
        assert_shown("\xff\xff", 190, "\\xff…", 190);
        assert_shown("\xff\xff", 191, "…", 191);
        assert_shown("\xff", 194, "…", 194);
}
END_TEST

/* Lines that are shown alike are compared as they are. */
START_TEST(difference_beyond_the_cut) {
        _cleanup_(freep) char *x = repeat("x", 300), *before = NULL, *now = NULL;
        _cleanup_(strv_freep) char **lines = NULL;

        ck_assert_int_ge(asprintf(&before, "%s1\n", x), 0);
        ck_assert_int_ge(asprintf(&now, "%s2\n", x), 0);
        ck_assert_int_eq(diff_settings(before, now, &lines), 1);
        ck_assert_uint_eq(strv_length(lines), 2);
}
END_TEST

static void assert_n_lines(const char *text, size_t n, const char *last, const char *last_before) {
        _cleanup_(strv_freep) char **came = NULL, **went = NULL;

        ck_assert_int_eq(diff_settings("", text, &came), 1);
        ck_assert_int_eq(diff_settings(text, "", &went), 1);
        ck_assert_uint_eq(strv_length(came), n);
        ck_assert_uint_eq(strv_length(went), n);
        if (n == 0)
                return;
        ck_assert_str_eq(came[n - 1], last);
        ck_assert_str_eq(went[n - 1], last_before);
}

START_TEST(many_lines) {
        static const struct {
                size_t n, n_shown;
                const char *last, *last_before;
        } sizes[] = {
                { 39, 39, "+A=1", "-A=1" },
                { 40, 40, "+A=1", "-A=1" },
                { 41, 40, "… 2 more", "… 2 more" },
                { 2000, 40, "… 1961 more", "… 1961 more" },
                { 2001, 0 },
                { 100000, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                _cleanup_(freep) char *text = repeat("A=1\n", sizes[i].n);
                _cleanup_(freep) char *headers = repeat("[Service]\n", sizes[i].n);

                assert_n_lines(text, sizes[i].n_shown, sizes[i].last, sizes[i].last_before);
                if (sizes[i].n > 40)
                        assert_n_lines(headers, sizes[i].n_shown, sizes[i].last, sizes[i].last_before);
        }
}
END_TEST

/* Only settings count. */
START_TEST(many_comments) {
        _cleanup_(freep) char *comments = repeat("# \n\n", 100000), *text = NULL;

        ck_assert_int_ge(asprintf(&text, "%s[Service]\nA=1\n%s", comments, comments), 0);
        assert_diff(comments, text, "+A=1\n");
        assert_diff(text, "", "-A=1\n");
}
END_TEST

/* Nothing in common, at the bound: it must not take long, nor go beyond its table. */
START_TEST(largest) {
        _cleanup_(freep) char *before = repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1\n", 2000);
        _cleanup_(freep) char *now = repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2\n", 2000);
        _cleanup_(strv_freep) char **lines = NULL;

        ck_assert_int_eq(diff_settings(before, now, &lines), 1);
        ck_assert_uint_eq(strv_length(lines), 40);
        ck_assert_str_eq(lines[0], "-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1");
        ck_assert_str_eq(lines[39], "… 3961 more");
}
END_TEST

#define SIDE_MAX 16

/* A side is a text of letters, each a line. */
static size_t common(const char *a, const char *b) {
        size_t lengths[SIDE_MAX + 1][SIDE_MAX + 1] = {};
        size_t n = strlen(a), m = strlen(b);

        for (size_t i = 1; i <= n; i++)
                for (size_t j = 1; j <= m; j++)
                        if (a[i - 1] == b[j - 1])
                                lengths[i][j] = lengths[i - 1][j - 1] + 1;
                        else
                                lengths[i][j] = lengths[i - 1][j] > lengths[i][j - 1] ? lengths[i - 1][j] :
                                                                                       lengths[i][j - 1];
        return lengths[n][m];
}

static void random_side(char side[static SIDE_MAX + 1]) {
        size_t n = random_below(SIDE_MAX + 1);

        for (size_t i = 0; i < n; i++)
                side[i] = (char) ('a' + random_below(4));
        side[n] = '\0';
}

static char *side_text(const char *side) {
        char *text = repeat("X\n", strlen(side));

        for (size_t i = 0; side[i]; i++)
                text[2 * i] = side[i];
        return text;
}

/* Leaves out of a side what has that sign, in its order; all of it must be there. Returns how much it was. */
static size_t take_out(char *const *lines, char sign, const char *side) {
        size_t n = 0;

        for (; lines && *lines; lines++) {
                if ((*lines)[0] != sign)
                        continue;
                side = strchr(side, (*lines)[1]);
                ck_assert_ptr_nonnull(side);
                side++;
                n++;
        }
        return n;
}

/* As few lines as can be, each of its side and in its order. */
START_TEST(shortest) {
        random_start();
        for (unsigned i = 0; i < 5000; i++) {
                char a[SIDE_MAX + 1], b[SIDE_MAX + 1];
                _cleanup_(freep) char *before = NULL, *now = NULL;
                _cleanup_(strv_freep) char **lines = NULL;

                random_side(a);
                random_side(b);
                before = side_text(a);
                now = side_text(b);
                ck_assert_int_eq(diff_settings(before, now, &lines), !streq(a, b));
                ck_assert_uint_eq(take_out(lines, '-', a), strlen(a) - common(a, b));
                ck_assert_uint_eq(take_out(lines, '+', b), strlen(b) - common(a, b));
        }
}
END_TEST

static void random_bytes(char *text, size_t size) {
        static const char pieces[] = "\n\n\r\\\\#; \tA=[]\xc3\xa4\xe2\x82\xac\xff\x1b";
        size_t n = random_below(size);

        for (size_t i = 0; i < n; i++)
                text[i] = random_below(20) == 0 ? (char) (1 + random_below(255)) :
                                                  pieces[random_below(sizeof(pieces) - 1)];
        text[n] = '\0';
}

static void assert_line(const char *line) {
        size_t n = strlen(line);

        if (n < 2 || n > DIFF_LINE_SIZE_MAX || !utf8_is_valid(line, n))
                ck_abort_msg("%s", line);
        if (line[0] != '-' && line[0] != '+' && strncmp(line, "… ", strlen("… ")) != 0)
                ck_abort_msg("%s", line);
        for (size_t i = 0; i < n; i++)
                if ((unsigned char) line[i] < ' ' && line[i] != '\t')
                        ck_abort_msg("%s", line);
}

START_TEST(any_bytes) {
        random_start();
        for (unsigned i = 0; i < 3000; i++) {
                _cleanup_(strv_freep) char **lines = NULL;
                char before[600], now[600];
                int r;

                random_bytes(before, random_coin() ? 20 : sizeof(before));
                random_bytes(now, random_coin() ? 20 : sizeof(now));
                r = diff_settings(before, now, &lines);
                ck_assert(r == 0 || r == 1);
                ck_assert_int_eq(r, lines != NULL);
                ck_assert_uint_le(strv_length(lines), DIFF_LINES_MAX);
                for (char **l = lines; l && *l; l++)
                        assert_line(*l);
        }
}
END_TEST

static int attempt(void *userdata) {
        _cleanup_(strv_freep) char **lines = NULL;
        int r;

        (void) userdata;
        r = diff_settings("A=1\nB=1\nC=1\n", "A=2\nB=1\nC=2\n", &lines);
        if (r < 0)
                ck_assert_ptr_null(lines);
        return r;
}

START_TEST(out_of_memory) {
        ck_assert_uint_ge(memory_fail_each(attempt, NULL), 5);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("diff");
        TCase *tcase = tcase_create("diff");

        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, settings, 0, ELEMENTSOF(table));
        tcase_add_test(tcase, long_lines);
        tcase_add_test(tcase, difference_beyond_the_cut);
        tcase_add_test(tcase, many_lines);
        tcase_add_test(tcase, many_comments);
        tcase_add_test(tcase, largest);
        tcase_add_test(tcase, shortest);
        tcase_add_test(tcase, any_bytes);
        tcase_add_test(tcase, out_of_memory);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
