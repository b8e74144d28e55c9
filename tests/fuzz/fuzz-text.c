/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Words that a person types, and texts on their way to a terminal or into JSON: one text, whatever it is;
 * up to its first line end it is a unit's name, too, and the line behind a pattern.
 */
#include <json-c/json.h>
#include <locale.h>
#include <wchar.h>

#include "cleanup.h"
#include "exposure.h"
#include "fuzz.h"
#include "input.h"
#include "json.h"
#include "text.h"
#include "unit-name.h"
#include "when.h"

#define NOW (UINT64_C(1700000000) * 1000000)

/* As safe as can be: no character that a terminal would obey, and of known width. */
static void check_escaped(const char *text, bool utf8) {
        size_t width = 0;
        uint32_t c;

        for (const char *s = text; *s;) {
                size_t n = utf8_decode(s, &c);

                fuzz_assert(n > 0 && !character_is_unsafe(c) && (utf8 || c < 0x80));
                fuzz_assert(wcwidth((wchar_t) c) >= 0);
                width += (size_t) wcwidth((wchar_t) c);
                s += n;
        }
        fuzz_assert(text_width(text) == width);
}

/* It fits, and no more than the last character would still have fitted. */
static void check_fit(const char *text, size_t columns, bool utf8) {
        _cleanup_free_ char *elided = text_elide(text, columns, utf8), *head = NULL;
        size_t fit = text_fit(text, columns), words = text_fit_words(text, columns);

        fuzz_assert(elided && fit <= strlen(text) && words <= strlen(text));
        check_escaped(elided, utf8);
        fuzz_assert(text_width(elided) <= columns);
        fuzz_assert(words > 0 || !*text || *text == ' ');
        head = strndup(text, fit);
        fuzz_assert(head && text_width(head) <= columns);
}

static void check_text(const char *text, bool utf8) {
        _cleanup_free_ char *escaped = text_escape(text, utf8), *printed = NULL;
        size_t size;
        FILE *stream = open_memstream(&printed, &size);

        fuzz_assert(escaped && stream);
        check_escaped(escaped, utf8);
        text_print(stream, text, utf8);
        fuzz_assert(fclose(stream) == 0 && streq(printed, escaped));
        for (size_t columns = 0; columns <= 21; columns += columns / 2 + 1)
                check_fit(escaped, columns, utf8);
}

static bool is_utf8(const char *text) {
        uint32_t c;

        for (size_t n; *text; text += n) {
                n = utf8_decode(text, &c);
                if (n == 0)
                        return false;
        }
        return true;
}

/* All that the bus can carry comes back from JSON as it was. */
static void check_json(const char *text) {
        json_object *object = json_object_new_object(), *again;
        _cleanup_free_ char *printed = NULL;
        size_t size;
        FILE *stream = open_memstream(&printed, &size);

        fuzz_assert(object && stream && json_add_string(object, "text", text) >= 0);
        fuzz_assert(json_print(object, JSON_SHORT, stream) >= 0 && fclose(stream) == 0);
        again = json_tokener_parse(printed);
        fuzz_assert(again && streq(json_object_get_string(json_object_object_get(again, "text")), text));
        json_object_put(object);
        json_object_put(again);
}

static void check_words(const char *text) {
        uint64_t when;
        unsigned tenths;

        if (when_parse(text, NOW, &when) >= 0)
                fuzz_assert(when > NOW && when % 1000000 == 0);
        if (exposure_from_string(text, &tenths) >= 0)
                fuzz_assert(tenths <= EXPOSURE_MAX);
}

static void check_name(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_free_ char *name = input_line(&input), *pattern = input_line(&input);
        _cleanup_free_ char *completed = unit_name_complete(name);
        char *patterns[] = { pattern, NULL };

        fuzz_assert(completed && strncmp(completed, name, strlen(name)) == 0);
        if (strlen(pattern) < 32)
                (void) unit_name_matches(completed, patterns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        _cleanup_free_ char *text = input_rest(&input);

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        check_text(text, true);
        check_text(text, false);
        if (is_utf8(text))
                check_json(text);
        check_words(text);
        check_name(data, size);
        return 0;
}
