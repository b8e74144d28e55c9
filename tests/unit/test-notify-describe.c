/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "alert.h"
#include "describe.h"
#include "suite.h"

static struct alert sample = {
        .unit = (char *) "nginx.service",
        .units = (char *[]) { (char *) "nginx.service", NULL },
        .n_units = 1,
        .path = (char *) "/etc/a.conf",
        .change = (char *) "created",
        .n_causes = 1,
        .checks = { (char *) "PrivateTmp" },
        .n_checks = 1,
        .before = 28,
        .after = 51,
};

static struct description d;

static void describe_one(const struct alert *alert, bool has_body, bool has_markup) {
        describe(&d, &alert, 1, has_body, has_markup);
}

START_TEST(words_of_others_are_text) {
        static const struct {
                const char *words, *plain, *marked;
        } cases[] = {
                { "plain", "plain", "plain" },
                { "<b>&\"'</b>", "<b>&\"'</b>", "&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;" },
                { "&amp;", "&amp;", "&amp;amp;" },
                { "a\tb\nc", "a b c", "a b c" },
                { "\033[31m", "�[31m", "�[31m" },
                { "\xc2\x9b", "�", "�" },
                { "\xe2\x80\xae", "�", "�" },
                { "\xff\xc3", "��", "��" },
                { "\xef\xbf\xbe", "�", "�" },
                { "größe 😨", "größe 😨", "größe 😨" },
        };
        struct text_buffer text;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                text_buffer_init(&text, false);
                text_buffer_add_foreign(&text, cases[i].words, 100);
                ck_assert_str_eq(text.text, cases[i].plain);
                text_buffer_init(&text, true);
                text_buffer_add_foreign(&text, cases[i].words, 100);
                ck_assert_str_eq(text.text, cases[i].marked);
        }
}
END_TEST

START_TEST(long_words_lose_their_middle) {
        struct text_buffer text;

        text_buffer_init(&text, false);
        text_buffer_add_foreign(&text, "0123456789", 10);
        ck_assert_str_eq(text.text, "0123456789");
        text_buffer_init(&text, false);
        text_buffer_add_foreign(&text, "0123456789a", 10);
        ck_assert_str_eq(text.text, "012…56789a");
        text_buffer_init(&text, true);
        text_buffer_add_foreign(&text, "<<<<<<<<<<<<", 4);
        ck_assert_str_eq(text.text, "&lt;…&lt;&lt;");
}
END_TEST

START_TEST(a_full_buffer_ends_with_a_whole_character) {
        struct text_buffer text;

        text_buffer_init(&text, true);
        for (size_t i = 0; i < 2 * TEXT_BUFFER_SIZE; i++)
                text_buffer_add_foreign(&text, "<", 1);
        ck_assert_uint_lt(text.length, TEXT_BUFFER_SIZE);
        ck_assert_uint_eq(text.length, strlen(text.text));
        ck_assert_uint_eq(text.length % 4, 0);
}
END_TEST

START_TEST(one_cause) {
        describe_one(&sample, true, true);
        ck_assert_str_eq(d.title.text, "nginx became weaker");
        ck_assert_str_eq(d.body.text, "System service, exposure 2.8 → <b>5.1 MEDIUM</b>\n"
                                      "Weaker: PrivateTmp\nsince /etc/a.conf was created");
        describe_one(&sample, true, false);
        ck_assert_str_eq(d.body.text, "System service, exposure 2.8 → 5.1 MEDIUM\n"
                                      "Weaker: PrivateTmp\nsince /etc/a.conf was created");
        describe_one(&sample, false, true);
        ck_assert_str_eq(d.title.text, "nginx became weaker: 2.8 → 5.1 MEDIUM since /etc/a.conf was created");
        ck_assert_str_eq(d.body.text, "");
}
END_TEST

START_TEST(causes_in_words) {
        static const struct {
                const char *path, *change, *line;
        } cases[] = {
                { "/etc/a", "changed", "\nWeaker: PrivateTmp\nsince /etc/a was changed" },
                { "", "manager", "\nWeaker: PrivateTmp\nsince systemd itself changed" },
                { "", "unknown", "\nWeaker: PrivateTmp" },
                { "", "", "\nWeaker: PrivateTmp" },
                { "/etc/a", "newword", "\nWeaker: PrivateTmp\nsince /etc/a newword" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct alert alert = sample;

                alert.path = (char *) cases[i].path;
                alert.change = (char *) cases[i].change;
                describe_one(&alert, true, false);
                ck_assert_str_eq(strchr(d.body.text, '\n'), cases[i].line);
        }
}
END_TEST

START_TEST(several_units) {
        struct alert alert = sample;

        alert.n_units = 5;
        alert.scope = SCOPE_USER;
        describe_one(&alert, true, false);
        ck_assert_str_eq(d.title.text, "nginx and 4 more became weaker");
        ck_assert_ptr_eq(strstr(d.body.text, "Your services, exposure up to "), d.body.text);
        /* A template is none of its instances. */
        alert.unit = (char *) "getty@.service";
        describe_one(&alert, true, false);
        ck_assert_str_eq(d.title.text, "getty@ (5 instances) became weaker");
}
END_TEST

START_TEST(the_same_number) {
        struct alert alert = sample;

        alert.before = alert.after;
        describe_one(&alert, true, false);
        ck_assert_ptr_nonnull(strstr(d.body.text, "exposure 5.1 MEDIUM\n"));
}
END_TEST

START_TEST(summaries_are_short) {
        const struct alert *alerts[40];

        for (size_t i = 0; i < ELEMENTSOF(alerts); i++)
                alerts[i] = &sample;
        describe(&d, alerts, 40, true, false);
        ck_assert_str_eq(d.title.text, "40 system services became weaker");
        ck_assert_str_eq(strrchr(d.body.text, '\n'), "\nand 36 more");
        /* One more is shown rather than counted. */
        describe(&d, alerts, 5, true, false);
        ck_assert_str_eq(strrchr(d.body.text, '\n'), "\nnginx  2.8 → 5.1 MEDIUM");
}
END_TEST

static size_t count(const char *text, const char *word) {
        size_t n = 0;

        for (; (text = strstr(text, word)); text++)
                n++;
        return n;
}

/* Whatever the length of names, markup is balanced and the last line is there. */
START_TEST(details_of_many_end_well) {
        enum { N = 17, LENGTH = 250 };
        const struct alert *alerts[N];
        struct alert alert = sample;
        char name[LENGTH + 1] = "", *units[] = { name, NULL };

        alert.unit = alert.path = name;
        alert.units = units;
        for (size_t i = 0; i < ALERT_CHECKS_MAX; i++)
                alert.checks[i] = name;
        alert.n_checks = 20;
        for (size_t i = 0; i < N; i++)
                alerts[i] = &alert;
        for (size_t length = 1; length < LENGTH; length++) {
                for (size_t i = 0; i < length; i++)
                        name[i] = i % 5 == 0 ? '&' : 'x';
                for (size_t n = 1; n <= N; n++) {
                        describe_details(&d, alerts, n, true);
                        ck_assert_uint_eq(count(d.body.text, "<b>"), count(d.body.text, "</b>"));
                        ck_assert_str_eq(strrchr(d.body.text, '\n'), "\nMore: exposurectl regressions");
                        /* Rows are whole, and what is left out is counted. */
                        ck_assert_uint_eq(count(d.body.text, "</b>\n"), count(d.body.text, " and 16 more\n"));
                        ck_assert(count(d.body.text, "</b>") == n || strstr(d.body.text, "\nand "));
                }
        }
}
END_TEST

START_TEST(outcomes) {
        describe_outcome(&d, "Accepted", "nginx.service", 2, NULL, true, true);
        ck_assert_str_eq(d.title.text, "Accepted: nginx and 2 more");
        ck_assert_str_eq(d.body.text, "");
        ck_assert_int_eq(d.urgency, URGENCY_NORMAL);
        describe_outcome(&d, "Failed", NULL, 0, "<why>", true, true);
        ck_assert_str_eq(d.title.text, "Failed");
        ck_assert_str_eq(d.body.text, "&lt;why&gt;");
        ck_assert_int_eq(d.urgency, URGENCY_NORMAL);
        describe_outcome(&d, "Failed", "nginx.service", 0, "<why>", false, false);
        ck_assert_str_eq(d.title.text, "Failed: nginx: <why>");
        ck_assert_str_eq(d.body.text, "");
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                words_of_others_are_text, long_words_lose_their_middle, a_full_buffer_ends_with_a_whole_character,
                one_cause, causes_in_words, several_units, the_same_number, summaries_are_short,
                details_of_many_end_well, outcomes,
        };
        Suite *suite = suite_create("notify-describe");
        TCase *tcase = tcase_create("describe");

        for (size_t i = 0; i < ELEMENTSOF(tests); i++)
                tcase_add_test(tcase, tests[i]);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
