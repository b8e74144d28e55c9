/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "suite.h"
#include "utf8.h"

/* Encodes any number in so many bytes, right or not. */
static void encode(uint32_t c, size_t length, char bytes[static 4]) {
        static const uint8_t marks[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };

        for (size_t i = length - 1; i > 0; i--) {
                bytes[i] = (char) (0x80 | (c & 0x3f));
                c >>= 6;
        }
        bytes[0] = (char) (marks[length] | c);
}

static bool is_character(uint32_t c) {
        if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return false;
        return (c < 0xfdd0 || c > 0xfdef) && (c & 0xffff) < 0xfffe;
}

/* Every character in every length: only the shortest is right, and only of what is a character. */
START_TEST(every_character) {
        static const uint32_t ends[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };

        for (size_t length = 1; length <= 4; length++)
                for (uint32_t c = 0; c < ends[length]; c++) {
                        bool valid = c >= ends[length - 1] && is_character(c);
                        char bytes[4];

                        encode(c, length, bytes);
                        if (utf8_is_valid(bytes, length) != valid ||
                            utf8_character_length(bytes, length) != (valid ? length : 0))
                                ck_abort_msg("U+%X in %zu", c, length);
                }
}
END_TEST

START_TEST(cut_off) {
        static const char *const texts[] = { "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\xa8" };

        ck_assert(utf8_is_valid("", 0));
        for (size_t i = 0; i < 3; i++) {
                size_t n = strlen(texts[i]);

                ck_assert(utf8_is_valid(texts[i], n));
                for (size_t k = 1; k < n; k++) {
                        ck_assert(!utf8_is_valid(texts[i], k));
                        ck_assert(!utf8_is_valid(texts[i] + k, n - k));
                }
        }
}
END_TEST

START_TEST(anywhere) {
        char text[] = "abc\xc3\xa9xyz";

        ck_assert(utf8_is_valid(text, strlen(text)));
        for (size_t i = 0; i < strlen(text); i++) {
                char copy[sizeof(text)];

                memcpy(copy, text, sizeof(text));
                copy[i] = '\xff';
                ck_assert(!utf8_is_valid(copy, strlen(text)));
                copy[i] = '\0';
                ck_assert(!utf8_is_valid(copy, strlen(text)));
        }
}
END_TEST

START_TEST(fits) {
        static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\xa8";
        static const size_t whole[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10, 10 };

        for (size_t max = 0; max < sizeof(whole) / sizeof(whole[0]); max++)
                ck_assert_uint_eq(utf8_fit(text, max), whole[max]);
        ck_assert_uint_eq(utf8_fit("ab\xff" "cd", 10), 2);
        ck_assert_uint_eq(utf8_fit("", 10), 0);
}
END_TEST

START_TEST(cleans) {
        static const struct {
                const char *text, *clean;
        } cases[] = {
                { "", "" },
                { "a\tb \"\\ \xc3\xa9\xf0\x9f\x98\xa8", "a\tb \"\\ \xc3\xa9\xf0\x9f\x98\xa8" },
                { "\033[31m\n\r\x7f", "\\x1b[31m\\x0a\\x0d\\x7f" },
                { "\xc2\x9b" "1m", "\\xc2\\x9b" "1m" },
                { "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8", "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\xa8" },
                { "\xd8\x9c", "\\xd8\\x9c" },
                { "\xff\xc3(\xe2\x82", "\\xff\\xc3(\\xe2\\x82" },
        };
        char clean[64];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                utf8_clean(cases[i].text, clean, sizeof(clean));
                ck_assert_str_eq(clean, cases[i].clean);
        }
}
END_TEST

/* Neither a character nor what stands for a byte is cut. */
START_TEST(cleans_what_fits) {
        static const char text[] = "a\xc3\xa9\n\xe2\x82\xac";
        static const char *const fitting[] = { "", "a", "a", "a\xc3\xa9", "a\xc3\xa9", "a\xc3\xa9", "a\xc3\xa9",
                                               "a\xc3\xa9\\x0a", "a\xc3\xa9\\x0a" };
        char clean[16];

        for (size_t i = 0; i < sizeof(fitting) / sizeof(fitting[0]); i++) {
                memset(clean, 'x', sizeof(clean));
                utf8_clean(text, clean, i + 1);
                ck_assert_str_eq(clean, fitting[i]);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("utf8");
        TCase *tcase = tcase_create("utf8");

        tcase_set_timeout(tcase, 30);
        tcase_add_test(tcase, every_character);
        tcase_add_test(tcase, cut_off);
        tcase_add_test(tcase, anywhere);
        tcase_add_test(tcase, fits);
        tcase_add_test(tcase, cleans);
        tcase_add_test(tcase, cleans_what_fits);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
