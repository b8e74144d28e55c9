/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "suite.h"
#include "unit-name.h"

START_TEST(completes_names) {
        static const struct {
                const char *typed, *unit;
        } cases[] = {
                { "ssh", "ssh.service" },
                { "ssh.service", "ssh.service" },
                { "getty@tty1", "getty@tty1.service" },
                { "foo@.service", "foo@.service" },
                { "foo@", "foo@.service" },
                { "a.socket", "a.socket" },
                { "a.automount", "a.automount" },
                { "org.example.daemon", "org.example.daemon.service" },
                { "a.Service", "a.Service.service" },
                { "mnt\\x2ddata", "mnt\\x2ddata.service" },
                { "ssh*", "ssh*" },
                { "ss?", "ss?" },
                { "[ab]", "[ab]" },
                { ".service", ".service" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *unit = unit_name_complete(cases[i].typed);

                ck_assert_str_eq(unit, cases[i].unit);
        }
}
END_TEST

START_TEST(completes_many) {
        char *typed[] = { (char *) "a", (char *) "b.service", NULL };
        _cleanup_strv_ char **units = unit_names_complete(typed);

        ck_assert_str_eq(units[0], "a.service");
        ck_assert_str_eq(units[1], "b.service");
        ck_assert_ptr_null(units[2]);
}
END_TEST

START_TEST(matches_patterns) {
        static const struct {
                const char *unit, *pattern;
                bool matches;
        } cases[] = {
                { "ssh.service", "ssh.service", true },
                { "ssh.service", "ssh*", true },
                { "ssh.service", "*", true },
                { "ssh.service", "ss?.service", true },
                { "ssh.service", "[a-s]sh.service", true },
                { "ssh.service", "ssh", false },
                { "ssh.service", "SSH*", false },
                { "sshd.service", "ssh.service", false },
                { "mnt\\x2ddata.service", "mnt\\x2ddata.service", true },
                { "mnt\\x2ddata.service", "mnt\\x2d*", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *patterns[] = { (char *) "never", (char *) cases[i].pattern, NULL };

                ck_assert_msg(unit_name_matches(cases[i].unit, patterns) == cases[i].matches,
                              "%s, %s", cases[i].unit, cases[i].pattern);
        }
}
END_TEST

START_TEST(no_pattern_matches_all) {
        char *none[] = { NULL };

        ck_assert(unit_name_matches("a.service", none));
}
END_TEST

START_TEST(knows_templates) {
        static const struct {
                const char *a, *b;
                bool is_template, sibling;
        } cases[] = {
                { "t@.service", "t@1.service", true, true },
                { "t@.service", "t@.service", true, true },
                { "t@1.service", "t@2.service", false, true },
                { "t@1@2.service", "t@a.b.service", false, true },
                { "t@.a.service", "t@1.service", false, true },
                { "t@.service", "u@1.service", true, false },
                { "t@.service", "tt@1.service", true, false },
                { "t@.service", "t@1.socket", true, false },
                { "t@.service", "t.service", true, false },
                { "t.service", "t.service", false, false },
                { "t@1", "t@2", false, false },
                { "", "", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_msg(unit_name_is_template(cases[i].a) == cases[i].is_template, "%s", cases[i].a);
                ck_assert_msg(unit_name_is_sibling(cases[i].a, cases[i].b) == cases[i].sibling &&
                              unit_name_is_sibling(cases[i].b, cases[i].a) == cases[i].sibling,
                              "%s, %s", cases[i].a, cases[i].b);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-name");
        TCase *tests = tcase_create("unit-name");

        tcase_add_test(tests, completes_names);
        tcase_add_test(tests, completes_many);
        tcase_add_test(tests, matches_patterns);
        tcase_add_test(tests, no_pattern_matches_all);
        tcase_add_test(tests, knows_templates);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
