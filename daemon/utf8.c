/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "utf8.h"

/* First bytes, and what the second one must be; those after it are 0x80 to 0xbf. */
static const struct {
        uint8_t first_min, first_max, second_min, second_max;
        size_t length;
} sequences[] = {
        { 0x01, 0x7f, 0x00, 0x00, 1 },
        { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 },
        { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 },
        { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Encoded for sure; the first byte says how long it is. */
static uint32_t decode(const uint8_t *bytes, size_t n) {
        static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
        uint32_t c = bytes[0] & masks[n];

        for (size_t k = 1; k < n; k++)
                c = c << 6 | (bytes[k] & 0x3f);
        return c;
}

static bool is_noncharacter(uint32_t c) {
        return (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe;
}

static size_t sequence_length(const uint8_t *bytes, size_t n) {
        for (size_t i = 0; i < ELEMENTSOF(sequences); i++) {
                if (bytes[0] < sequences[i].first_min || bytes[0] > sequences[i].first_max)
                        continue;
                if (sequences[i].length > n)
                        return 0;
                if (sequences[i].length > 1 &&
                    (bytes[1] < sequences[i].second_min || bytes[1] > sequences[i].second_max))
                        return 0;
                for (size_t k = 2; k < sequences[i].length; k++)
                        if (bytes[k] < 0x80 || bytes[k] > 0xbf)
                                return 0;
                return sequences[i].length;
        }
        return 0;
}

size_t utf8_character_length(const char *text, size_t length) {
        const uint8_t *bytes = (const uint8_t *) text;
        size_t n = length > 0 ? sequence_length(bytes, length) : 0;

        return n > 0 && is_noncharacter(decode(bytes, n)) ? 0 : n;
}

size_t utf8_fit(const char *text, size_t max) {
        size_t length = strnlen(text, max), fit = 0, n;

        while ((n = utf8_character_length(text + fit, length - fit)) > 0)
                fit += n;
        return fit;
}

bool utf8_is_control(const char *character, size_t length) {
        uint32_t c = decode((const uint8_t *) character, length);

        return c != '\t' && (c < 0x20 || (c >= 0x7f && c <= 0x9f));
}

/* What changes the order of the text around it, or ends its line. */
static bool is_layout(uint32_t c) {
        static const struct {
                uint32_t first, last;
        } ranges[] = {
                { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
        };

        for (size_t i = 0; i < ELEMENTSOF(ranges); i++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                        return true;
        return false;
}

static bool is_clean(const char *character, size_t length) {
        return length > 0 && !utf8_is_control(character, length) &&
               !is_layout(decode((const uint8_t *) character, length));
}

void utf8_clean(const char *text, char *ret, size_t size) {
        size_t left = strlen(text), n, written;
        char shown[5];

        for (; left > 0; text += n, left -= n, ret += written, size -= written) {
                n = utf8_character_length(text, left);
                written = n;
                if (is_clean(text, n))
                        memcpy(shown, text, n);
                else {
                        n = 1;
                        written = (size_t) snprintf(shown, sizeof(shown), "\\x%02x", (uint8_t) *text);
                }
                if (written >= size)
                        break;
                memcpy(ret, shown, written);
        }
        *ret = '\0';
}

bool utf8_is_valid(const char *text, size_t length) {
        size_t n;

        for (; length > 0; text += n, length -= n) {
                n = utf8_character_length(text, length);
                if (n == 0)
                        return false;
        }
        return true;
}
