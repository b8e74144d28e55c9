/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "strv.h"
#include "suite.h"

/* An array of its own that holds these, up to NULL. */
static char **strv_of(const char *const *strings) {
        char **strv = NULL;

        for (; *strings; strings++)
                ck_assert_int_eq(strv_extend(&strv, *strings), 0);
        return strv;
}

#define STRV(...) strv_of((const char *const[]) { __VA_ARGS__, NULL })

static void assert_strv(char **strv, const char *const *expected) {
        size_t n = 0;

        for (; expected[n]; n++) {
                ck_assert_ptr_nonnull(strv[n]);
                ck_assert_str_eq(strv[n], expected[n]);
        }
        if (n > 0)
                ck_assert_ptr_null(strv[n]);
        ck_assert_uint_eq(strv_length(strv), n);
}

#define EXPECT(strv, ...) assert_strv(strv, (const char *const[]) { __VA_ARGS__, NULL })

START_TEST(the_empty_one) {
        char *end = NULL, *const *empty = &end;

        ck_assert_uint_eq(strv_length(NULL), 0);
        ck_assert_uint_eq(strv_length(empty), 0);
        ck_assert(strv_equal(NULL, NULL));
        ck_assert(strv_equal(NULL, empty));
        ck_assert(strv_equal(empty, NULL));
        ck_assert(!strv_contains(NULL, ""));
        ck_assert(!strv_contains(empty, ""));
        ck_assert_ptr_null(strv_free(NULL));
        strv_remove(NULL, "");
}
END_TEST

START_TEST(extend) {
        char text[] = "one", **strv = NULL;

        ck_assert_int_eq(strv_extend(&strv, text), 0);
        text[0] = 'x';
        ck_assert_int_eq(strv_extend(&strv, ""), 0);
        ck_assert_int_eq(strv_extend(&strv, "three"), 0);
        EXPECT(strv, "one", "", "three");
        ck_assert_ptr_null(strv_free(strv));
}
END_TEST

START_TEST(equal) {
        char **a = STRV("one", "two"), **b = STRV("one", "two");
        char **longer = STRV("one", "two", ""), **other = STRV("two", "one"), **one = STRV("one");

        ck_assert(strv_equal(a, a));
        ck_assert(strv_equal(a, b));
        ck_assert(!strv_equal(a, longer));
        ck_assert(!strv_equal(longer, a));
        ck_assert(!strv_equal(a, other));
        ck_assert(!strv_equal(a, one));
        ck_assert(!strv_equal(a, NULL));
        strv_free(a);
        strv_free(b);
        strv_free(longer);
        strv_free(other);
        strv_free(one);
}
END_TEST

START_TEST(contains) {
        char **strv = STRV("one", "", "two");

        ck_assert(strv_contains(strv, "one"));
        ck_assert(strv_contains(strv, "two"));
        ck_assert(strv_contains(strv, ""));
        ck_assert(!strv_contains(strv, "on"));
        ck_assert(!strv_contains(strv, "one "));
        strv_free(strv);
}
END_TEST

START_TEST(remove_one) {
        char **strv = STRV("a", "b", "a", "c");

        strv_remove(strv, "d");
        EXPECT(strv, "a", "b", "a", "c");
        strv_remove(strv, "a");
        EXPECT(strv, "b", "a", "c");
        strv_remove(strv, "c");
        EXPECT(strv, "b", "a");
        strv_remove(strv, "b");
        strv_remove(strv, "a");
        ck_assert_uint_eq(strv_length(strv), 0);
        ck_assert_int_eq(strv_extend(&strv, "again"), 0);
        EXPECT(strv, "again");
        strv_free(strv);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("strv");
        TCase *tcase = tcase_create("strv");

        tcase_add_test(tcase, the_empty_one);
        tcase_add_test(tcase, extend);
        tcase_add_test(tcase, equal);
        tcase_add_test(tcase, contains);
        tcase_add_test(tcase, remove_one);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
