/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cleanup.h"

/* What a byte takes at most when it is written out: \xNN, or a quarter of \UNNNNNNNN. */
#define ESCAPED_MAX 4
/* Room for the longest escape with its end. */
#define ESCAPE_SIZE sizeof("\\U0010FFFF")

struct range {
        uint32_t first, last;
};

/* In ascending order. */
static const struct range unsafe_ranges[] = {
        { 0x0000, 0x001f },             /* C0 controls */
        { 0x007f, 0x009f },             /* delete, C1 controls */
        { 0x061c, 0x061c },             /* Arabic letter mark */
        { 0x180e, 0x180e },             /* Mongolian vowel separator */
        { 0x200b, 0x200f },             /* zero width characters, left-to-right and right-to-left mark */
        { 0x2028, 0x202e },             /* line separators, bidirectional embedding and override */
        { 0x2060, 0x206f },             /* word joiner, invisible operators, bidirectional isolates */
        { 0xfeff, 0xfeff },             /* byte order mark */
        { 0xfff9, 0xfffb },             /* interlinear annotation */
        { 0xe0000, 0xe007f },           /* tags */
};

size_t utf8_decode(const char *s, uint32_t *ret) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
        const unsigned char *u = (const unsigned char *) s;
        uint32_t c;
        size_t length;

        if (u[0] < 0x80) {
                *ret = u[0];
                return 1;
        }
        if ((u[0] & 0xe0) == 0xc0) {
                length = 2;
                c = u[0] & 0x1f;
        } else if ((u[0] & 0xf0) == 0xe0) {
                length = 3;
                c = u[0] & 0x0f;
        } else if ((u[0] & 0xf8) == 0xf0) {
                length = 4;
                c = u[0] & 0x07;
        } else
                return 0;

        for (size_t i = 1; i < length; i++) {
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (u[i] & 0x3f);
        }
        if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return 0;

        *ret = c;
        return length;
}

bool character_is_unsafe(uint32_t c) {
        for (size_t i = 0; i < ELEMENTSOF(unsafe_ranges) && c >= unsafe_ranges[i].first; i++)
                if (c <= unsafe_ranges[i].last)
                        return true;
        return false;
}

static bool character_is_printable(uint32_t c, bool utf8) {
        if (c < 0x80)
                return c >= 0x20 && c < 0x7f;
        /* What the C library has no width for would break the alignment, and may be anything. */
        return utf8 && !character_is_unsafe(c) && wcwidth((wchar_t) c) >= 0;
}

static int escape_character(char *buffer, uint32_t c) {
        if (c < 0x80)
                return snprintf(buffer, ESCAPE_SIZE, "\\x%02x", (unsigned) c);
        if (c <= 0xffff)
                return snprintf(buffer, ESCAPE_SIZE, "\\u%04x", (unsigned) c);
        return snprintf(buffer, ESCAPE_SIZE, "\\U%08x", (unsigned) c);
}

/* Writes the first character, in a form that is safe. Returns its length, and how much was written. */
static size_t escape_first(const char *s, bool utf8, char buffer[static ESCAPE_SIZE], size_t *ret_written) {
        uint32_t c;
        size_t length = utf8_decode(s, &c);

        if (length == 0) {
                *ret_written = (size_t) snprintf(buffer, ESCAPE_SIZE, "\\x%02x", (unsigned char) *s);
                return 1;
        }
        if (character_is_printable(c, utf8)) {
                memcpy(buffer, s, length);
                *ret_written = length;
        } else
                *ret_written = (size_t) escape_character(buffer, c);
        return length;
}

char *text_escape(const char *s, bool utf8) {
        char *escaped = malloc(strlen(s) * ESCAPED_MAX + ESCAPE_SIZE), *p = escaped;
        size_t written;

        if (!escaped)
                return NULL;

        for (; *s; p += written)
                s += escape_first(s, utf8, p, &written);
        *p = '\0';

        return escaped;
}

void text_print(FILE *stream, const char *s, bool utf8) {
        char buffer[ESCAPE_SIZE];
        size_t written;

        while (*s) {
                s += escape_first(s, utf8, buffer, &written);
                fwrite(buffer, 1, written, stream);
        }
}

/* The length and width of the first character. */
static size_t character_width(const char *s, size_t *ret_width) {
        uint32_t c;
        size_t length = utf8_decode(s, &c);
        int width = length > 1 ? wcwidth((wchar_t) c) : 1;

        *ret_width = width > 0 ? (size_t) width : 0;
        return length ?: 1;
}

size_t text_width(const char *s) {
        size_t total = 0, width;

        for (; *s; total += width)
                s += character_width(s, &width);
        return total;
}

size_t text_fit(const char *s, size_t columns) {
        size_t fit = 0, used = 0;

        while (s[fit]) {
                size_t width, length = character_width(s + fit, &width);

                if (used + width > columns)
                        break;
                used += width;
                fit += length;
        }
        return fit;
}

size_t text_fit_words(const char *s, size_t columns) {
        size_t fit = text_fit(s, columns), width;

        if (s[fit] == '\0' || s[fit] == ' ')
                return fit;

        for (size_t i = fit; i > 0; i--)
                if (s[i - 1] == ' ')
                        return i - 1;
        return fit ?: character_width(s, &width);
}

/* Where the text begins of which the last so many columns are made. */
static const char *text_tail(const char *s, size_t columns) {
        size_t total = text_width(s), width;

        while (total > columns) {
                s += character_width(s, &width);
                total -= width;
        }
        return s;
}

char *text_elide(const char *s, size_t columns, bool utf8) {
        const char *dots = utf8 ? "…" : "...";
        size_t room = columns, head, tail;
        char *elided;

        if (text_width(s) <= columns)
                return strdup(s);

        room -= columns < text_width(dots) ? columns : text_width(dots);
        tail = room / 3;
        head = text_fit(s, room - tail);
        if (asprintf(&elided, "%.*s%.*s%s", (int) head, s,
                     (int) text_fit(dots, columns), dots, text_tail(s, tail)) < 0)
                return NULL;
        return elided;
}
