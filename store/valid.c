/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "store.h"
#include "valid.h"

/* The length of the sequence that the byte starts, and the bits that it gives; 0: it starts none. */
static unsigned sequence_start(unsigned char byte, uint32_t *ret_bits) {
        static const struct {
                unsigned char mask, start;
                unsigned length;
        } starts[] = {
                { 0x80, 0x00, 1 },
                { 0xe0, 0xc0, 2 },
                { 0xf0, 0xe0, 3 },
                { 0xf8, 0xf0, 4 },
        };

        for (size_t i = 0; i < ELEMENTSOF(starts); i++)
                if ((byte & starts[i].mask) == starts[i].start) {
                        *ret_bits = byte & (unsigned char) ~starts[i].mask;
                        return starts[i].length;
                }

        return 0;
}

/* In its shortest form, no surrogate, and none of the numbers that are no characters: no bus takes those. */
static bool valid_code_point(uint32_t code, unsigned length) {
        static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

        return code >= smallest[length] && code <= 0x10ffff &&
                (code < 0xd800 || code > 0xdfff) &&
                (code < 0xfdd0 || code > 0xfdef) &&
                (code & 0xfffe) != 0xfffe;
}

bool valid_utf8(const char *text, size_t length) {
        const unsigned char *byte = (const unsigned char *) text, *end = byte + length;

        while (byte < end) {
                uint32_t code = 0;
                unsigned n = sequence_start(*byte, &code);

                if (n == 0 || n > (size_t) (end - byte))
                        return false;
                for (unsigned i = 1; i < n; i++) {
                        if ((byte[i] & 0xc0) != 0x80)
                                return false;
                        code = code << 6 | (byte[i] & 0x3f);
                }
                if (!valid_code_point(code, n))
                        return false;
                byte += n;
        }

        return true;
}

bool valid_text(const char *text, size_t max) {
        size_t length;

        if (!text)
                return false;
        length = strlen(text);
        return length <= max && valid_utf8(text, length);
}

bool valid_name(const char *text, size_t max) {
        return valid_text(text, max) && *text;
}

bool valid_id(const char *id) {
        return id && strspn(id, "0123456789abcdef") == ID_LENGTH && id[ID_LENGTH] == '\0';
}

bool valid_word(const char *word) {
        size_t length;

        if (!word)
                return false;
        length = strspn(word, "abcdefghijklmnopqrstuvwxyz-");
        return length > 0 && length <= WORD_MAX && word[length] == '\0';
}

bool valid_exposure(uint8_t exposure) {
        return exposure <= 100 || exposure == STORE_NO_EXPOSURE;
}
