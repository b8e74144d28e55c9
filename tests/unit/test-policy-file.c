/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "capture.h"
#include "policy-file.h"
#include "suite.h"
#include "temp.h"

/* Parses, with what is logged in *ret_log. The policy is built in where it fails. */
static int parse_bytes(const char *text, size_t length, struct policy *ret_policy, char **ret_log) {
        int r;

        capture_start();
        r = policy_parse("/x.policy", text, length, ret_policy);
        *ret_log = capture_end();
        if (r < 0)
                policy_init(ret_policy);
        return r;
}

static void assert_row(const struct policy *policy, enum check check, uint64_t weight, uint64_t range) {
        ck_assert_uint_eq(policy->rows[check].weight, weight);
        ck_assert_uint_eq(policy->rows[check].range, range);
}

/* Every row but this one is built in. */
static void assert_others(const struct policy *policy, int check) {
        struct policy expected;

        policy_init(&expected);
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                if ((int) i == check)
                        continue;
                assert_row(policy, (enum check) i, expected.rows[i].weight, expected.rows[i].range);
                for (unsigned j = 0; j < _RESULT_MAX; j++)
                        ck_assert_ptr_null(policy->rows[i].texts[j]);
        }
}

START_TEST(whole_row) {
        static const char text[] = "{\"UMask\": {\"weight\": 7, \"range\": 9, \"description_good\": \"G\","
                                   "\"description_bad\": \"B\", \"description_na\": \"N\"}}";
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        ck_assert_str_eq(log, "");
        assert_row(&policy, CHECK_UMASK, 7, 9);
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_GOOD], "G");
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_BAD], "B");
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_NOT_APPLICABLE], "N");
        assert_others(&policy, CHECK_UMASK);
        policy_done(&policy);
}
END_TEST

START_TEST(every_check_is_known) {
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                _cleanup_(freep) char *log = NULL;
                struct policy policy;
                char text[256];

                (void) snprintf(text, sizeof(text), "{\"%s\": {\"weight\": 1234, \"range\": 5}}",
                                check_info((enum check) i)->json_field);
                ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
                ck_assert_str_eq(log, "");
                assert_row(&policy, (enum check) i, 1234, 5);
                assert_others(&policy, (int) i);
                policy_done(&policy);
        }
}
END_TEST

#define KEEP UINT64_MAX

/* One row, UMask, as JSON; what comes of it, where KEEP is what is built in; and what is said. */
static const struct {
        const char *json;
        uint64_t weight, range;
        const char *log;        /* NULL: nothing */
} rows[] = {
        { "{}", KEEP, KEEP, NULL },
        { "{\"weight\": 0}", 0, KEEP, NULL },
        { "{\"range\": 1}", KEEP, 1, NULL },
        { "{\"weight\": 9223372036854775807}", INT64_MAX, KEEP, NULL },
        { "{\"weight\": 18446744073709551615}", UINT64_MAX, KEEP, NULL },
        { "{\"weight\": 1.0}", 1, KEEP, NULL },
        { "{\"weight\": 1e3, \"range\": 4294967296.0}", 1000, UINT64_C(1) << 32, NULL },
        { "{\"weight\": -0.0}", 0, KEEP, NULL },
        { "{\"comment\": [1, {}]}", KEEP, KEEP, NULL },
        { "{\"weight\": 5, \"range\": 0}", 5, KEEP, ":3: range of UMask must be at least 1" },
        { "{\"range\": -1}", KEEP, KEEP, ":3: range of UMask must be an unsigned integer" },
        { "{\"weight\": -1, \"range\": 4}", KEEP, 4, ":3: weight of UMask must be an unsigned integer" },
        { "{\"weight\": -9223372036854775809}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": 1.5}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": -1.0}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": 18446744073709551616.0}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": 1e400}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": \"5\"}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": true}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": null}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": []}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"weight\": {}}", KEEP, KEEP, ":3: weight of UMask must be" },
        { "{\"description_bad\": 5, \"weight\": 6}", 6, KEEP,
          ":3: description_bad of UMask must be a string" },
        { "{\"description_na\": null}", KEEP, KEEP, ":3: description_na of UMask must be a string" },
        { "{\"description_good\": {}}", KEEP, KEEP, ":3: description_good of UMask must be a string" },
        { "5", KEEP, KEEP, ":3: UMask must be an object" },
        { "null", KEEP, KEEP, ":3: UMask must be an object" },
        { "[]", KEEP, KEEP, ":3: UMask must be an object" },
        { "\"UMask\"", KEEP, KEEP, ":3: UMask must be an object" },
};

/* A wrong member of a row is passed over, and said so; the rest of the policy counts. */
START_TEST(each_row) {
        _cleanup_(freep) char *log = NULL;
        struct policy policy, built_in;
        char text[256];

        (void) snprintf(text, sizeof(text), "{\n\"Delegate\": {\"weight\": 77},\n\"UMask\": %s,\n"
                                            "\"RemoveIPC\": {\"range\": 33}\n}\n", rows[_i].json);
        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        if (rows[_i].log)
                ck_assert_msg(strstr(log, rows[_i].log) == log + strlen("/x.policy"), "%s", log);
        else
                ck_assert_str_eq(log, "");

        policy_init(&built_in);
        assert_row(&policy, CHECK_UMASK,
                   rows[_i].weight == KEEP && !strstr(rows[_i].json, "18446744073709551615") ?
                        built_in.rows[CHECK_UMASK].weight : rows[_i].weight,
                   rows[_i].range == KEEP ? built_in.rows[CHECK_UMASK].range : rows[_i].range);
        ck_assert_uint_eq(policy.rows[CHECK_DELEGATE].weight, 77);
        ck_assert_uint_eq(policy.rows[CHECK_REMOVE_IPC].range, 33);
        policy_done(&policy);
}
END_TEST

START_TEST(unknown_check) {
        static const char text[] = "{\"umask\": {\"weight\": 1},\n\"\": 5,\n\"Delegate\": {\"weight\": 2}}";
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        ck_assert_msg(strstr(log, "/x.policy:1: there is no check umask, passing over it.\n") == log, "%s",
                      log);
        ck_assert_uint_eq(policy.rows[CHECK_DELEGATE].weight, 2);
        assert_others(&policy, CHECK_DELEGATE);
        policy_done(&policy);
}
END_TEST

#define TEXT(text) { text, sizeof(text) - 1 }

static const struct {
        const char *text;
        size_t length;
} broken[] = {
        TEXT(""),
        TEXT(" \n"),
        TEXT("\0"),
        TEXT("null"),
        TEXT("true"),
        TEXT("5"),
        TEXT("\"UMask\""),
        TEXT("[]"),
        TEXT("[{\"UMask\": {\"weight\": 5}}]"),
        TEXT("{"),
        TEXT("}"),
        TEXT("{\"UMask\""),
        TEXT("{\"UMask\": {\"weight\": 5"),
        TEXT("{\"UMask\": {\"weight\": 5}"),
        TEXT("{\"UMask\": {\"weight\": }}"),
        TEXT("{\"UMask\" {}}"),
        TEXT("{UMask: {\"weight\": 5}}"),
        TEXT("{\"UMask\": {\"weight\": 5}} {}"),
        TEXT("{\"UMask\": {\"weight\": 5}} x"),
        TEXT("{\"UMask\": {\"weight\": 5}}\0"),
        TEXT("{\"UMask\": {\"weight\": 5}\0}"),
        TEXT("weight = 5\n"),
        TEXT("\xff\xfe{\0}\0"),
        TEXT("{\"UMask\": {\"description_bad\": \"\xff\"}}"),
        TEXT("{\"UMask\": {\"description_bad\": \"\xc3(\"}}"),
        TEXT("{\"UMask\": {\"description_bad\": \"\xed\xa0\x80\"}}"),
        TEXT("{\"UMask\": {\"description_bad\": \"\xc0\xaf\"}}"),
        TEXT("{\"UMask\": {\"description_bad\": \"\xf5\x80\x80\x80\"}}"),
        TEXT("\x7f""ELF"),
};

START_TEST(each_broken_text) {
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(broken[_i].text, broken[_i].length, &policy, &log), -EBADMSG);
        ck_assert_msg(strstr(log, "/x.policy:1: no policy: ") == log ||
                      strstr(log, "/x.policy:2: no policy: ") == log, "%s", log);
        ck_assert_ptr_eq(strchr(log, '\n'), log + strlen(log) - 1);
}
END_TEST

/* Cut off anywhere, a policy is none. */
START_TEST(truncated) {
        static const char text[] = "{\"UMask\": {\"weight\": 7, \"range\": 9,"
                                   "\"description_bad\": \"\\u00e9\"}, \"Delegate\": {}}";

        for (size_t n = 0; n < strlen(text); n++) {
                _cleanup_(freep) char *log = NULL, *copy = strndup(text, n);
                struct policy policy;

                ck_assert_ptr_nonnull(copy);
                ck_assert_msg(parse_bytes(copy, n, &policy, &log) == -EBADMSG, "%s", copy);
        }
}
END_TEST

/* Deep nesting ends with an error, not with the stack. */
START_TEST(nested) {
        static const unsigned depths[] = { 100, 100000 };

        for (size_t i = 0; i < ELEMENTSOF(depths); i++) {
                _cleanup_(freep) char *log = NULL, *text = malloc(depths[i] + 32);
                struct policy policy;
                size_t n;

                ck_assert_ptr_nonnull(text);
                n = (size_t) sprintf(text, "{\"UMask\": ");
                memset(text + n, '[', depths[i]);
                ck_assert_int_eq(parse_bytes(text, n + depths[i], &policy, &log), -EBADMSG);
        }
}
END_TEST

/* Texts may hold anything that the bus can carry. */
START_TEST(texts) {
        static const char text[] = "{\"UMask\": {"
                                   "\"description_bad\": \"\\u001b[31m \\\" \xc3\xa9 \\ud83d\\ude28\","
                                   "\"description_good\": \"\", \"description_na\": \"a\\u0000b\"}}";
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_BAD], "\033[31m \" \xc3\xa9 \xf0\x9f\x98\xa8");
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_GOOD], "");
        ck_assert_str_eq(policy.rows[CHECK_UMASK].texts[RESULT_NOT_APPLICABLE], "a");
        policy_done(&policy);
}
END_TEST

/* An escape may be of what is no character, which the bus refuses. */
START_TEST(text_that_no_bus_carries) {
        static const char text[] = "{\"UMask\": {\"weight\": 5, \"description_bad\": \"a\\uffff\"}}";
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        ck_assert_ptr_nonnull(strstr(log, "description_bad of UMask must be valid Unicode text"));
        ck_assert_ptr_null(policy.rows[CHECK_UMASK].texts[RESULT_BAD]);
        ck_assert_uint_eq(policy.rows[CHECK_UMASK].weight, 5);
        policy_done(&policy);
}
END_TEST

/* systemd-analyze takes the first of two, which the parser does not keep. */
static const char *const twins[] = {
        "{\"UMask\": {\"weight\": 1}, \"UMask\": {\"weight\": 2}}",
        "{\"UMask\": {\"weight\": 1, \"weight\": 1}}",
        "{\"UMask\": {\"weight\": 1}, \"UM\\u0061sk\": {}}",
        "{\"UMask\": {\"comment\": [{\"a\": \"\\\":\", \"b\": {}, \"a\": 1}]}}",
};

START_TEST(each_identifier_once) {
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(twins[_i], strlen(twins[_i]), &policy, &log), -EBADMSG);
        ck_assert_str_eq(log, "/x.policy: no policy: an identifier stands twice in an object.\n");
}
END_TEST

/* Colons in texts, and the same identifier in different objects, are no twins. */
START_TEST(no_twins) {
        static const char text[] = "{\"UMask\": {\"weight\": 1, \"description_bad\": \":\\\":\\\\\"},"
                                   " \"KeyringMode\": {\"weight\": 2, \"a:b\": [{\"weight\": 1}, {\"weight\": 1}]}}";
        _cleanup_(freep) char *log = NULL;
        struct policy policy;

        ck_assert_int_eq(parse_bytes(text, strlen(text), &policy, &log), 0);
        ck_assert_str_eq(log, "");
        ck_assert_uint_eq(policy.rows[CHECK_UMASK].weight, 1);
        ck_assert_uint_eq(policy.rows[CHECK_KEYRING_MODE].weight, 2);
        policy_done(&policy);
}
END_TEST

/* Looks in the folders "a" and "b". */
static int load(const char *folder, struct policy *ret_policy, char **ret_path) {
        _cleanup_(freep) char *a = temp_path(folder, "a"), *b = temp_path(folder, "b"), *log = NULL, *problem = NULL;
        const char *const folders[] = { a, b, NULL };
        int r;

        capture_start();
        r = policy_file_load(folders, ret_policy, ret_path, &problem);
        log = capture_end();
        ck_assert_int_eq(problem != NULL, *log != '\0');
        ck_assert(r != POLICY_BROKEN || (problem && strstr(problem, *ret_path)));

        return r;
}

static void assert_read(const char *folder, const char *entry, uint64_t weight) {
        _cleanup_(freep) char *expected = temp_path(folder, entry), *path = NULL;
        struct policy policy;

        ck_assert_int_eq(load(folder, &policy, &path), POLICY_READ);
        ck_assert_str_eq(path, expected);
        ck_assert_uint_eq(policy.rows[CHECK_UMASK].weight, weight);
        policy_done(&policy);
}

static void assert_found(const char *folder, enum policy_found found, const char *entry) {
        _cleanup_(freep) char *expected = entry ? temp_path(folder, entry) : NULL, *path = NULL;
        struct policy policy;

        ck_assert_int_eq(load(folder, &policy, &path), (int) found);
        ck_assert(streq_ptr(path, expected));
}

#define A "a/" POLICY_FILE_NAME
#define B "b/" POLICY_FILE_NAME
#define WEIGHT(n) "{\"UMask\": {\"weight\": " #n "}}"

START_TEST(first_file_counts) {
        _cleanup_(temp_freep) char *folder = temp_new();

        assert_found(folder, POLICY_NONE, NULL);
        temp_write(folder, B, WEIGHT(2));
        assert_read(folder, B, 2);
        temp_mkdir(folder, "a");
        assert_read(folder, B, 2);
        temp_write(folder, A, WEIGHT(1));
        assert_read(folder, A, 1);
        temp_remove(folder, B);
        assert_read(folder, A, 1);
}
END_TEST

/* A broken file hides the ones behind it. */
START_TEST(broken_file) {
        _cleanup_(temp_freep) char *folder = temp_new();
        char *large;

        temp_write(folder, B, WEIGHT(2));
        temp_write(folder, A, "{");
        assert_found(folder, POLICY_BROKEN, A);
        temp_write(folder, A, "");
        assert_found(folder, POLICY_BROKEN, A);
        temp_remove(folder, A);
        temp_mkdir(folder, A);
        assert_found(folder, POLICY_BROKEN, A);
        temp_remove(folder, A);
        temp_mkfifo(folder, A);
        assert_found(folder, POLICY_BROKEN, A);
        temp_remove(folder, A);

        large = malloc(1024 * 1024 + 1);
        ck_assert_ptr_nonnull(large);
        memset(large, ' ', 1024 * 1024 + 1);
        memcpy(large, WEIGHT(3), strlen(WEIGHT(3)));
        temp_write_bytes(folder, A, large, 1024 * 1024);
        assert_read(folder, A, 3);
        temp_write_bytes(folder, A, large, 1024 * 1024 + 1);
        assert_found(folder, POLICY_BROKEN, A);
        free(large);
}
END_TEST

/* A link to nothing is passed over and said so: another one may see what it leads to. */
START_TEST(link_to_nothing) {
        _cleanup_(temp_freep) char *folder = temp_new(), *a = temp_path(folder, "a"), *b = temp_path(folder, "b");
        const char *const folders[] = { a, b, NULL };
        _cleanup_(freep) char *path = NULL, *problem = NULL, *log = NULL;
        struct policy policy;

        temp_mkdir(folder, "a");
        temp_symlink(folder, A, "../c");
        assert_found(folder, POLICY_NONE, NULL);
        temp_write(folder, B, WEIGHT(2));
        assert_read(folder, B, 2);

        capture_start();
        ck_assert_int_eq(policy_file_load(folders, &policy, &path, &problem), POLICY_READ);
        log = capture_end();
        policy_done(&policy);
        ck_assert_ptr_nonnull(strstr(problem, A " is a link"));
        ck_assert_ptr_nonnull(strstr(log, problem));

        temp_write(folder, "c", WEIGHT(3));
        assert_read(folder, A, 3);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("policy-file");
        TCase *tcase = tcase_create("policy-file");

        tcase_add_test(tcase, whole_row);
        tcase_add_test(tcase, every_check_is_known);
        tcase_add_loop_test(tcase, each_row, 0, ELEMENTSOF(rows));
        tcase_add_test(tcase, unknown_check);
        tcase_add_loop_test(tcase, each_broken_text, 0, ELEMENTSOF(broken));
        tcase_add_test(tcase, truncated);
        tcase_add_test(tcase, nested);
        tcase_add_test(tcase, texts);
        tcase_add_test(tcase, text_that_no_bus_carries);
        tcase_add_loop_test(tcase, each_identifier_once, 0, ELEMENTSOF(twins));
        tcase_add_test(tcase, no_twins);
        tcase_add_test(tcase, first_file_counts);
        tcase_add_test(tcase, broken_file);
        tcase_add_test(tcase, link_to_nothing);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
