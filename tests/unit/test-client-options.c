/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "client-output.h"
#include "options.h"
#include "suite.h"
#include "verbs.h"

#define MAX_WORDS 16

/* A command line, split at blanks, as main() gets it. */
struct line {
        char *text;
        char *words[MAX_WORDS + 1];
        int n;
};

static struct line make_line(const char *text) {
        struct line line = { .text = strdup(text) };
        char *position = line.text, *word;

        line.words[line.n++] = (char *) "exposurectl";
        while ((word = strsep(&position, " ")))
                if (*word && line.n < MAX_WORDS)
                        line.words[line.n++] = word;
        /* As getopt() is told to begin anew. */
        optind = 0;
        return line;
}

static void line_done(struct line *line) {
        free(line->text);
}

static struct options parse(const char *text) {
        _cleanup_(line_done) struct line line = make_line(text);
        struct options options;

        ck_assert_msg(options_parse(&options, line.n, line.words) == 0, "refused: %s", text);
        return options;
}

/* One sentence, with a full stop or a hint, is what a person gets. */
static void assert_one_sentence(void) {
        const char *text = stderr_text();
        size_t length = strlen(text);

        ck_assert_uint_gt(length, 20);
        ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
}

START_TEST(defaults) {
        struct options o = parse("");

        ck_assert_int_eq(o.json, JSON_OFF);
        ck_assert_int_eq(o.sort, SORT_UNIT);
        ck_assert_int_eq(o.transport, TRANSPORT_LOCAL);
        ck_assert_int_eq(o.threshold, NO_THRESHOLD);
        ck_assert_uint_eq(o.lines, LINES_DEFAULT);
        ck_assert_uint_eq(o.until, 0);
        ck_assert_ptr_null(o.reason);
        ck_assert(o.ask_password && !o.regressed);
        ck_assert(o.legend && o.pager);
        ck_assert(!o.all && !o.full && !o.help && !o.quiet && !o.reverse && !o.user && !o.version);
}
END_TEST

START_TEST(flags) {
        ck_assert(parse("--all").all);
        ck_assert(parse("-a").all);
        ck_assert(parse("-r").reverse);
        ck_assert(parse("--reverse").reverse);
        ck_assert(parse("-l").full);
        ck_assert(parse("--full").full);
        ck_assert(parse("-q").quiet);
        ck_assert(parse("--quiet").quiet);
        ck_assert(!parse("--no-legend").legend);
        ck_assert(!parse("--no-pager").pager);
        ck_assert(parse("--user").user);
        ck_assert(!parse("--user --system").user);
        ck_assert(parse("-h").help);
        ck_assert(parse("--help").help);
        ck_assert(parse("--version").version);
        ck_assert(parse("--regressed").regressed);
        ck_assert(!parse("--no-ask-password").ask_password);
        ck_assert(parse("-arq").all && parse("-arq").reverse && parse("-arq").quiet);
}
END_TEST

START_TEST(arguments) {
        ck_assert_int_eq(parse("--json=short").json, JSON_SHORT);
        ck_assert_int_eq(parse("--json pretty").json, JSON_PRETTY);
        ck_assert_int_eq(parse("--json=short --json=off").json, JSON_OFF);
        ck_assert_int_eq(parse("--sort=exposure").sort, SORT_EXPOSURE);
        ck_assert_int_eq(parse("--sort=unit").sort, SORT_UNIT);
        ck_assert_int_eq(parse("--threshold=5.0").threshold, 50);
        ck_assert_int_eq(parse("--threshold=10").threshold, 100);
        ck_assert_int_eq(parse("-Hhost").transport, TRANSPORT_REMOTE);
        ck_assert_int_eq(parse("--machine=m").transport, TRANSPORT_MACHINE);
        ck_assert_int_eq(parse("--host=h -M m").transport, TRANSPORT_MACHINE);
        ck_assert_int_eq(parse("--user --machine=m").transport, TRANSPORT_MACHINE);
        ck_assert_uint_eq(parse("--lines=7").lines, 7);
        ck_assert_uint_eq(parse("-n5").lines, 5);
        ck_assert_uint_eq(parse("-n 4294967296").lines, UINT64_C(4294967296));
        ck_assert_uint_eq(parse("--lines=all").lines, LINES_ALL);
        ck_assert_uint_eq(parse("--lines=0").lines, LINES_ALL);
        ck_assert_uint_eq(parse("--until=9999-12-31T00:00").until / UINT64_C(86400000000), 2932896);
        ck_assert_uint_eq(parse("--until=@4000000000").until, UINT64_C(4000000000000000));
}
END_TEST

/* As long as exposured takes it, to the byte. */
START_TEST(reasons) {
        char reason[1026];
        char *words[] = { (char *) "exposurectl", (char *) "--reason", reason, NULL };
        struct options options;

        keep_stderr();
        memset(reason, 'x', sizeof(reason));
        reason[1025] = '\0';
        optind = 0;
        ck_assert_int_eq(options_parse(&options, 3, words), -EINVAL);
        reason[1024] = '\0';
        optind = 0;
        ck_assert_int_eq(options_parse(&options, 3, words), 0);
        ck_assert_ptr_eq(options.reason, reason);
}
END_TEST

START_TEST(options_stand_anywhere) {
        _cleanup_(line_done) struct line line = make_line("list --all nginx* -r -- --odd");
        struct options options;

        ck_assert_int_eq(options_parse(&options, line.n, line.words), 0);
        ck_assert(options.all && options.reverse);
        ck_assert_int_eq(line.n - optind, 3);
        ck_assert_str_eq(line.words[optind], "list");
        ck_assert_str_eq(line.words[optind + 1], "nginx*");
        ck_assert_str_eq(line.words[optind + 2], "--odd");
}
END_TEST

START_TEST(refuses_wrong_options) {
        static const char *const cases[] = {
                "--nonsense", "--no", "-x", "-ax", "--all=yes", "--json", "--json=", "--json=long",
                "--sort=name", "--threshold", "--threshold=50", "--threshold=x", "-H", "--host=", "-H -x",
                "--lines", "--lines=", "--lines=x", "-n -1", "-n 5x", "--lines=99999999999999999999",
                "--reason", "--reason=", "--reason=\t", "--reason=\xff", "--until", "--until=", "--until=soon",
                "--until=2020-01-01", "--no-ask-password=yes",
                "-M -x", "--user -H host", "--host=host --user", "--j=short=",
        };

        keep_stderr();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(line_done) struct line line = make_line(cases[i]);
                struct options options;

                ck_assert_msg(options_parse(&options, line.n, line.words) == -EINVAL, "taken: %s", cases[i]);
                assert_one_sentence();
        }
}
END_TEST

START_TEST(options_belong_to_verbs) {
        struct options options = parse("--all --threshold=5");

        keep_stderr();
        ck_assert_int_eq(options_check_verb(&options, "list"), 0);
        ck_assert_str_eq(stderr_text(), "");
        ck_assert_int_eq(options_check_verb(&options, "show"), -EINVAL);
        ck_assert_str_eq(stderr_text(), "Option --all means nothing to show.\n");
        ck_assert_int_eq(options_check_verb(&options, "lis"), -EINVAL);
        assert_one_sentence();

        options = parse("--json=short --user");
        ck_assert_int_eq(options_check_verb(&options, "monitor"), 0);
}
END_TEST

static const struct verb *find(const char *text) {
        _cleanup_(line_done) struct line line = make_line(text);

        return verb_find(line.words + 1);
}

START_TEST(finds_verbs) {
        ck_assert_str_eq(find("")->name, "list");
        ck_assert_str_eq(find("list")->name, "list");
        ck_assert_str_eq(find("list a b c d")->name, "list");
        ck_assert_str_eq(find("show a")->name, "show");
        ck_assert_str_eq(find("show a b")->name, "show");
        ck_assert_str_eq(find("regressions")->name, "regressions");
        ck_assert_str_eq(find("regressions a b")->name, "regressions");
        ck_assert_str_eq(find("history")->name, "history");
        ck_assert_str_eq(find("history a")->name, "history");
        ck_assert_str_eq(find("accept a b")->name, "accept");
        ck_assert_str_eq(find("monitor")->name, "monitor");
        ck_assert_str_eq(find("status")->name, "status");
        ck_assert_str_eq(find("rescan")->name, "rescan");
        ck_assert_str_eq(find("help")->name, "help");
}
END_TEST

START_TEST(refuses_wrong_verbs) {
        static const char *const cases[] = {
                "nonsense", "lis", "LIST", "show", "monitor a", "status a", "rescan a", "help a",
                "history a b", "accept",
        };

        keep_stderr();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_msg(!find(cases[i]), "taken: %s", cases[i]);
                assert_one_sentence();
        }
        ck_assert_ptr_null(verb_find((char *[]) { (char *) "show", (char *) "", NULL }));
        assert_one_sentence();
        ck_assert_ptr_null(verb_find((char *[]) { (char *) "", NULL }));
        assert_one_sentence();
}
END_TEST

/* What follows from the rows: each can be asked for, is explained, and leads somewhere. */
START_TEST(tables_are_whole) {
        for (size_t i = 0; i < n_verbs; i++) {
                ck_assert_ptr_nonnull(verb_table[i].run);
                ck_assert_ptr_nonnull(verb_table[i].help);
                ck_assert_uint_le(verb_table[i].min, verb_table[i].max);
                for (size_t j = 0; j < i; j++)
                        ck_assert_str_ne(verb_table[i].name, verb_table[j].name);
        }
        for (size_t i = 0; i < n_option_rows; i++) {
                const struct option_row *row = option_table + i;

                ck_assert_ptr_nonnull(row->help);
                ck_assert_int_eq(row->argument != NULL, row->set != NULL);
                ck_assert_int_eq(row->argument != NULL, row->expected != NULL);
                for (size_t j = 0; j < i; j++) {
                        ck_assert_str_ne(row->name, option_table[j].name);
                        ck_assert(!row->letter || row->letter != option_table[j].letter);
                }
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-options");
        TCase *tests = tcase_create("options");

        tcase_add_test(tests, defaults);
        tcase_add_test(tests, flags);
        tcase_add_test(tests, arguments);
        tcase_add_test(tests, reasons);
        tcase_add_test(tests, options_stand_anywhere);
        tcase_add_test(tests, refuses_wrong_options);
        tcase_add_test(tests, options_belong_to_verbs);
        tcase_add_test(tests, finds_verbs);
        tcase_add_test(tests, refuses_wrong_verbs);
        tcase_add_test(tests, tables_are_whole);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
