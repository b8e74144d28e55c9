/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-output.h"
#include "cleanup.h"
#include "random.h"
#include "render/table.h"
#include "suite.h"
#include "text.h"

static const struct column columns[] = {
        { .title = "UNIT", .shrink = SHRINK_ELIDE },
        { .title = "EXPOSURE", .right = true },
        { .title = "PREDICATE" },
        { .title = "" },
};

static struct table *make_table(const struct column *c, size_t n_columns, const char *const *texts,
                                size_t n_texts) {
        struct table *table;

        ck_assert_int_eq(table_new(c, n_columns, true, &table), 0);
        for (size_t i = 0; i < n_texts; i++)
                ck_assert_int_eq(table_add(table, STYLE_PLAIN, texts[i]), 0);
        return table;
}

static const char *const cells[] = {
        "nginx.service", "5.1", "MEDIUM", "▲",
        "größe.service", "10.0", "DANGEROUS", "",
        "日本.service", "0.1", "SAFE", "",
};

START_TEST(aligns) {
        struct output *output = output_new(0);
        struct table *table = make_table(columns, ELEMENTSOF(columns), cells, ELEMENTSOF(cells));

        ck_assert_int_eq(table_print(table, output, true), 0);
        ck_assert_str_eq(output_text(output),
                         "UNIT          EXPOSURE PREDICATE\n"
                         "nginx.service      5.1 MEDIUM    ▲\n"
                         "größe.service     10.0 DANGEROUS\n"
                         "日本.service       0.1 SAFE\n");
        ck_assert_uint_eq(table_width(table, true), 34);

        ck_assert_int_eq(table_print(table, output, false), 0);
        ck_assert_str_eq(output_text(output),
                         "nginx.service  5.1 MEDIUM    ▲\n"
                         "größe.service 10.0 DANGEROUS\n"
                         "日本.service   0.1 SAFE\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(leaves_out_empty_columns) {
        static const char *const some[] = { "a", "", "b", "", "c", "", "", "" };
        struct output *output = output_new(0);
        struct table *table = make_table(columns, ELEMENTSOF(columns), some, ELEMENTSOF(some));

        ck_assert_int_eq(table_print(table, output, false), 0);
        ck_assert_str_eq(output_text(output), "a b\nc\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(has_a_header_without_rows) {
        struct output *output = output_new(80);
        struct table *table = make_table(columns, ELEMENTSOF(columns), NULL, 0);

        ck_assert_int_eq(table_print(table, output, true), 0);
        ck_assert_str_eq(output_text(output), "UNIT EXPOSURE PREDICATE\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(elides_on_a_terminal) {
        struct output *output = output_new(33);
        struct table *table = make_table(columns, ELEMENTSOF(columns), cells, ELEMENTSOF(cells));

        ck_assert_int_eq(table_print(table, output, true), 0);
        ck_assert_str_eq(output_text(output),
                         "UNIT         EXPOSURE PREDICATE\n"
                         "nginx.se…ice      5.1 MEDIUM    ▲\n"
                         "größe.se…ice     10.0 DANGEROUS\n"
                         "日本.service      0.1 SAFE\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(wraps_on_a_terminal) {
        static const struct column wrapped[] = {
                { .title = "" },
                { .title = "SHARE", .right = true },
                { .title = "MEANING", .shrink = SHRINK_WRAP },
        };
        static const char *const texts[] = {
                "✗", "0.5", "An intruder can send signals to the processes of every user",
                "✓", "", "unbreakable-and-longer-than-the-column-is",
                "", "", "short",
        };
        struct output *output = output_new(38);
        struct table *table = make_table(wrapped, ELEMENTSOF(wrapped), texts, ELEMENTSOF(texts));

        ck_assert_int_eq(table_print(table, output, true), 0);
        ck_assert_str_eq(output_text(output),
                         "  SHARE MEANING\n"
                         "✗   0.5 An intruder can send signals\n"
                         "        to the processes of every user\n"
                         "✓       unbreakable-and-longer-than-th\n"
                         "        e-column-is\n"
                         "        short\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(colours_cells_and_header) {
        struct output *output = output_new(80);
        struct table *table;

        output->colors = true;
        ck_assert_int_eq(table_new(columns, ELEMENTSOF(columns), true, &table), 0);
        table_add(table, STYLE_PLAIN, "a.service");
        table_add(table, STYLE_PLAIN, "9.6");
        table_add(table, STYLE_BAD, "UNSAFE");
        table_add(table, STYLE_BAD, "");
        ck_assert_int_eq(table_print(table, output, true), 0);
        ck_assert_str_eq(output_text(output),
                         "\033[4mUNIT      EXPOSURE PREDICATE\033[0m\n"
                         "a.service      9.6 \033[0;1;31mUNSAFE\033[0m\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(escapes_cells) {
        static const char *const hostile[] = { "a\033[31m\n", "1", "\xc2\x9b", "" };
        struct output *output = output_new(0);
        struct table *table = make_table(columns, ELEMENTSOF(columns), hostile, ELEMENTSOF(hostile));

        ck_assert_int_eq(table_print(table, output, false), 0);
        ck_assert_str_eq(output_text(output), "a\\x1b[31m\\x0a 1 \\u009b\n");
        table_free(table);
        output_free(output);
}
END_TEST

START_TEST(refuses_no_columns_and_too_many) {
        static const struct column many[17];
        struct table *table;

        ck_assert_int_lt(table_new(columns, 0, true, &table), 0);
        ck_assert_int_lt(table_new(many, ELEMENTSOF(many), true, &table), 0);
        ck_assert_ptr_null(table_free(NULL));
}
END_TEST

static void random_text(char *text) {
        static const char *const pieces[] = { "a", "service", "b c", "日", "ö", "-", "@" };

        *text = '\0';
        for (uint64_t n = random_below(20); n > 0; n--)
                text = stpcpy(text, pieces[random_below(ELEMENTSOF(pieces))]);
}

/* Whatever is in it, no line of a table with a column that gives way is wider than the terminal. */
START_TEST(never_wider_than_the_terminal) {
        static const struct column mixed[] = {
                { .title = "A", .shrink = SHRINK_ELIDE },
                { .title = "B", .right = true },
                { .title = "C", .shrink = SHRINK_WRAP },
        };

        random_start();
        for (int round = 0; round < 300; round++) {
                struct output *output = output_new(60 + (unsigned) random_below(100));
                struct table *table;
                _cleanup_free_ char *text = NULL;
                char *position, *line;

                ck_assert_int_eq(table_new(mixed, ELEMENTSOF(mixed), true, &table), 0);
                for (int row = 0; row < 10; row++) {
                        char first[256], last[256];

                        random_text(first);
                        random_text(last);
                        table_add(table, STYLE_PLAIN, first);
                        table_add(table, STYLE_PLAIN, "10.0");
                        table_add(table, STYLE_PLAIN, last);
                }
                ck_assert_int_eq(table_print(table, output, true), 0);
                text = strdup(output_text(output));
                position = text;
                while ((line = strsep(&position, "\n"))) {
                        ck_assert_uint_le(text_width(line), output->columns);
                        ck_assert(!*line || line[strlen(line) - 1] != ' ');
                }
                table_free(table);
                output_free(output);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-table");
        TCase *tests = tcase_create("table");

        tcase_add_test(tests, aligns);
        tcase_add_test(tests, leaves_out_empty_columns);
        tcase_add_test(tests, has_a_header_without_rows);
        tcase_add_test(tests, elides_on_a_terminal);
        tcase_add_test(tests, wraps_on_a_terminal);
        tcase_add_test(tests, colours_cells_and_header);
        tcase_add_test(tests, escapes_cells);
        tcase_add_test(tests, refuses_no_columns_and_too_many);
        tcase_add_test(tests, never_wider_than_the_terminal);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
