/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "client-output.h"
#include "cleanup.h"
#include "suite.h"
#include "text.h"

static void assert_escaped(const char *text, bool utf8, const char *wanted) {
        _cleanup_free_ char *escaped = text_escape(text, utf8);

        char *printed = NULL;
        size_t size;
        FILE *stream = open_memstream(&printed, &size);

        ck_assert_str_eq(escaped, wanted);

        text_print(stream, text, utf8);
        ck_assert_int_eq(fclose(stream), 0);
        ck_assert_str_eq(printed, wanted);
        free(printed);
}

START_TEST(decodes_characters) {
        static const struct {
                const char *bytes;
                size_t length;
                uint32_t character;
        } cases[] = {
                { "a", 1, 'a' },
                { "\x7f", 1, 0x7f },
                { "\xc2\x80", 2, 0x80 },
                { "\xdf\xbf", 2, 0x7ff },
                { "\xe0\xa0\x80", 3, 0x800 },
                { "\xed\x9f\xbf", 3, 0xd7ff },
                { "\xee\x80\x80", 3, 0xe000 },
                { "\xf0\x90\x80\x80", 4, 0x10000 },
                { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
        };
        uint32_t c;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                ck_assert_uint_eq(utf8_decode(cases[i].bytes, &c), cases[i].length);
                ck_assert_uint_eq(c, cases[i].character);
        }
}
END_TEST

START_TEST(refuses_what_is_not_utf8) {
        static const char *const cases[] = {
                "\x80",                 /* goes on without a start */
                "\xc3",                 /* ends too early */
                "\xe2\x82",
                "\xf0\x9f\x98",
                "\xc3(",
                "\xc0\x80",             /* longer than need be */
                "\xe0\x9f\xbf",
                "\xf0\x8f\xbf\xbf",
                "\xed\xa0\x80",         /* surrogates */
                "\xed\xbf\xbf",
                "\xf4\x90\x80\x80",     /* beyond the last character */
                "\xf8\x88\x80\x80\x80",
                "\xff",
        };
        uint32_t c;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_uint_eq(utf8_decode(cases[i], &c), 0);
}
END_TEST

START_TEST(leaves_harmless_text_alone) {
        static const char *const cases[] = {
                "", "nginx.service", "dev-disk\\x2d1.service", "größe", "日本語", "😨", "e\xcc\x81",
                "~!@#$%^&*()",
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_escaped(cases[i], true, cases[i]);
}
END_TEST

START_TEST(escapes_controls) {
        char text[2] = "", wanted[8];

        for (int c = 1; c < 0x20; c++) {
                text[0] = (char) c;
                snprintf(wanted, sizeof(wanted), "\\x%02x", c);
                assert_escaped(text, true, wanted);
                assert_escaped(text, false, wanted);
        }
        assert_escaped("\x7f", true, "\\x7f");
        assert_escaped("a\033[31mb\033]0;title\ac", true, "a\\x1b[31mb\\x1b]0;title\\x07c");
}
END_TEST

START_TEST(escapes_c1_controls) {
        char text[3] = "\xc2", wanted[8];

        for (int c = 0x80; c < 0xa0; c++) {
                text[1] = (char) c;
                snprintf(wanted, sizeof(wanted), "\\u%04x", c);
                assert_escaped(text, true, wanted);
        }
        assert_escaped("\xc2\xa0", true, "\xc2\xa0");
}
END_TEST

START_TEST(escapes_what_reorders_or_hides) {
        static const uint32_t characters[] = {
                0x061c, 0x200b, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d,
                0x202e, 0x2060, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff,
        };
        char text[4], wanted[8];

        for (size_t i = 0; i < ELEMENTSOF(characters); i++) {
                uint32_t c = characters[i];

                if (c < 0x800)
                        snprintf(text, sizeof(text), "%c%c", 0xc0 | c >> 6, 0x80 | (c & 0x3f));
                else
                        snprintf(text, sizeof(text), "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f),
                                 0x80 | (c & 0x3f));
                snprintf(wanted, sizeof(wanted), "\\u%04x", c);
                ck_assert(character_is_unsafe(c));
                assert_escaped(text, true, wanted);
        }
        assert_escaped("\xf3\xa0\x81\x81", true, "\\U000e0041");
}
END_TEST

START_TEST(escapes_bytes_that_are_no_text) {
        assert_escaped("a\xff" "b", true, "a\\xffb");
        assert_escaped("\xe2\x82", true, "\\xe2\\x82");
        assert_escaped("\xc0\x9b", true, "\\xc0\\x9b");
        assert_escaped("\xed\xa0\x80", true, "\\xed\\xa0\\x80");
}
END_TEST

START_TEST(escapes_everything_beyond_ascii_elsewhere) {
        assert_escaped("größe", false, "gr\\u00f6\\u00dfe");
        assert_escaped("😨", false, "\\U0001f628");
        assert_escaped("\xff", false, "\\xff");
}
END_TEST

/* Whatever bytes come in, only printable characters come out. */
START_TEST(escapes_any_two_bytes) {
        char text[3] = "";

        for (int a = 1; a < 0x100; a++)
                for (int b = 1; b < 0x100; b++) {
                        _cleanup_free_ char *escaped = NULL;

                        text[0] = (char) a;
                        text[1] = (char) b;
                        escaped = text_escape(text, true);
                        for (const char *p = escaped; *p;) {
                                uint32_t c;
                                size_t length = utf8_decode(p, &c);

                                ck_assert_uint_gt(length, 0);
                                ck_assert(!character_is_unsafe(c));
                                p += length;
                        }
                }
}
END_TEST

START_TEST(measures_columns) {
        ck_assert_uint_eq(text_width(""), 0);
        ck_assert_uint_eq(text_width("abc"), 3);
        ck_assert_uint_eq(text_width("größe"), 5);
        ck_assert_uint_eq(text_width("日本"), 4);
        ck_assert_uint_eq(text_width("😨"), 2);
        ck_assert_uint_eq(text_width("e\xcc\x81"), 1);
}
END_TEST

START_TEST(fits_whole_characters) {
        ck_assert_uint_eq(text_fit("abc", 2), 2);
        ck_assert_uint_eq(text_fit("abc", 9), 3);
        ck_assert_uint_eq(text_fit("日本", 3), strlen("日"));
        ck_assert_uint_eq(text_fit("日本", 1), 0);
        ck_assert_uint_eq(text_fit("e\xcc\x81x", 1), strlen("e\xcc\x81"));
}
END_TEST

START_TEST(fits_words) {
        ck_assert_uint_eq(text_fit_words("one two three", 9), strlen("one two"));
        ck_assert_uint_eq(text_fit_words("one two three", 7), strlen("one two"));
        ck_assert_uint_eq(text_fit_words("one two three", 13), strlen("one two three"));
        ck_assert_uint_eq(text_fit_words("unbreakable", 5), 5);
        ck_assert_uint_eq(text_fit_words("日本", 1), strlen("日"));
}
END_TEST

static void assert_elided(const char *text, size_t columns, bool utf8, const char *wanted) {
        _cleanup_free_ char *elided = text_elide(text, columns, utf8);

        ck_assert_str_eq(elided, wanted);
        ck_assert_uint_le(text_width(elided), columns);
}

START_TEST(elides) {
        assert_elided("nginx.service", 13, true, "nginx.service");
        assert_elided("nginx.service", 10, true, "nginx.…ice");
        assert_elided("nginx.service", 10, false, "nginx...ce");
        assert_elided("日本日本日本", 7, true, "日本…本");
        assert_elided("nginx.service", 1, true, "…");
        assert_elided("nginx.service", 2, false, "..");
        assert_elided("nginx.service", 0, true, "");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-text");
        TCase *tests = tcase_create("text");

        tcase_add_checked_fixture(tests, use_utf8, NULL);
        tcase_add_test(tests, decodes_characters);
        tcase_add_test(tests, refuses_what_is_not_utf8);
        tcase_add_test(tests, leaves_harmless_text_alone);
        tcase_add_test(tests, escapes_controls);
        tcase_add_test(tests, escapes_c1_controls);
        tcase_add_test(tests, escapes_what_reorders_or_hides);
        tcase_add_test(tests, escapes_bytes_that_are_no_text);
        tcase_add_test(tests, escapes_everything_beyond_ascii_elsewhere);
        tcase_add_test(tests, escapes_any_two_bytes);
        tcase_add_test(tests, measures_columns);
        tcase_add_test(tests, fits_whole_characters);
        tcase_add_test(tests, fits_words);
        tcase_add_test(tests, elides);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
