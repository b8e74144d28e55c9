/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>

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

bool utf8_is_valid(const char *text, size_t length) {
        size_t n;

        for (; length > 0; text += n, length -= n) {
                n = utf8_character_length(text, length);
                if (n == 0)
                        return false;
        }
        return true;
}
