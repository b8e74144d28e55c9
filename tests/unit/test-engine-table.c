/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <exposured/macro.h>

#include "engine-expected.h"
#include "suite.h"

_Static_assert(_CHECK_MAX == 81, "the checks of systemd-analyze");

START_TEST(rows_are_those_of_systemd) {
        const struct check_info *info = check_info(_i);

        ck_assert_str_eq(info->json_field, expected[_i].json_field);
        ck_assert_str_eq(info->name, expected[_i].name);
        ck_assert_uint_eq(info->weight, expected[_i].weight);
        ck_assert_uint_eq(info->range, expected[_i].range);
}
END_TEST

START_TEST(json_fields_are_found) {
        char prefix[128], *end;

        ck_assert_int_eq(check_from_json_field(expected[_i].json_field), _i);

        end = stpncpy(prefix, expected[_i].json_field, sizeof(prefix) - 1);
        end[-1] = 0;
        ck_assert_int_eq(check_from_json_field(prefix), -1);
}
END_TEST

START_TEST(what_is_not_known_is_not_found) {
        ck_assert_int_eq(check_from_json_field(""), -1);
        ck_assert_int_eq(check_from_json_field("privatetmp"), -1);
        ck_assert_int_eq(check_from_json_field("PrivateTmp="), -1);
        ck_assert_int_eq(check_from_json_field("UMask "), -1);
        ck_assert_ptr_null(check_info(_CHECK_MAX));
        ck_assert_ptr_null(check_info((enum check) -1));
}
END_TEST

static void assert_sentence(const char *text) {
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_ge(strlen(text), 10);
        ck_assert_uint_le(strlen(text), 90);
        ck_assert_msg(text[0] >= 'A' && text[0] <= 'Z', "no capital: %s", text);
        ck_assert_msg(text[strlen(text) - 1] != '.', "full stop: %s", text);

        for (const char *p = text; *p; p++)
                ck_assert_msg(*p >= ' ' && *p <= '~', "odd character: %s", text);
}

START_TEST(texts_are_sentences) {
        const struct check_info *info = check_info(_i);

        assert_sentence(info->texts[RESULT_GOOD]);
        assert_sentence(info->texts[RESULT_BAD]);
        if (info->texts[RESULT_NOT_APPLICABLE])
                assert_sentence(info->texts[RESULT_NOT_APPLICABLE]);
}
END_TEST

START_TEST(texts_are_each_their_own) {
        const struct check_info *info = check_info(_i);

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                const struct check_info *other = check_info(i);

                ck_assert_str_ne(info->texts[RESULT_GOOD], other->texts[RESULT_BAD]);
                if (i == (unsigned) _i)
                        continue;

                ck_assert_str_ne(info->texts[RESULT_GOOD], other->texts[RESULT_GOOD]);
                ck_assert_str_ne(info->texts[RESULT_BAD], other->texts[RESULT_BAD]);
        }
}
END_TEST

/* Each line has the name of a setting that the check's name has too. */
START_TEST(settings_are_lines_of_a_unit) {
        static const struct {
                const char *json_field;
                const char *setting;
        } others[] = {
                { "DeviceAllow", "DevicePolicy=closed" },
                { "UserOrDynamicUser", "DynamicUser=yes" },
                { "RootDirectoryOrRootImage", "RootImage=/path/to/image.raw" },
        };
        const struct check_info *info = check_info(_i);
        size_t length;

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                if (streq(info->json_field, others[i].json_field)) {
                        ck_assert_str_eq(info->setting, others[i].setting);
                        return;
                }

        length = strcspn(info->name, "=") + 1;
        ck_assert_msg(strncmp(info->setting, info->name, length) == 0,
                      "%s does not set %s", info->setting, info->name);
        ck_assert_ptr_null(strchr(info->setting, '\n'));
}
END_TEST

START_TEST(results_have_names) {
        ck_assert_str_eq(result_to_string(RESULT_GOOD), "good");
        ck_assert_str_eq(result_to_string(RESULT_BAD), "bad");
        ck_assert_str_eq(result_to_string(RESULT_NOT_APPLICABLE), "not-applicable");
        ck_assert_ptr_null(result_to_string(_RESULT_MAX));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-table");
        TCase *tcase = tcase_create("table");

        tcase_add_loop_test(tcase, rows_are_those_of_systemd, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, json_fields_are_found, 0, _CHECK_MAX);
        tcase_add_test(tcase, what_is_not_known_is_not_found);
        tcase_add_loop_test(tcase, texts_are_sentences, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, texts_are_each_their_own, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, settings_are_lines_of_a_unit, 0, _CHECK_MAX);
        tcase_add_test(tcase, results_have_names);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
