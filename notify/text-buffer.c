/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text-buffer.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <exposured/macro.h>

#include "text.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define DOTS "…"
#define BOLD "<b>"
#define BOLD_END "</b>"

void text_buffer_init(struct text_buffer *buffer, bool markup) {
        buffer->text[0] = '\0';
        buffer->length = buffer->reserved = 0;
        buffer->markup = markup;
        buffer->bold = buffer->full = false;
}

void text_buffer_reserve(struct text_buffer *buffer, size_t size) {
        buffer->reserved = size;
}

void text_buffer_cut(struct text_buffer *buffer, size_t length) {
        buffer->length = length;
        buffer->text[length] = '\0';
        buffer->bold = buffer->full = false;
}

static void put(struct text_buffer *buffer, const char *bytes, size_t length) {
        memcpy(buffer->text + buffer->length, bytes, length);
        buffer->length += length;
        buffer->text[buffer->length] = '\0';
}

static bool fits(const struct text_buffer *buffer, size_t length) {
        size_t end = buffer->reserved + (buffer->bold ? strlen(BOLD_END) : 0);

        return buffer->length + length + end < sizeof(buffer->text);
}

/* What does not fit is left out whole: half a character or half an entity would be rubbish. */
static void append(struct text_buffer *buffer, const char *bytes, size_t length) {
        buffer->full = buffer->full || !fits(buffer, length);
        if (!buffer->full)
                put(buffer, bytes, length);
}

static const struct {
        char character;
        const char *entity;
} entities[] = {
        { '&', "&amp;" },
        { '<', "&lt;" },
        { '>', "&gt;" },
        { '"', "&quot;" },
        { '\'', "&#39;" },
};

static const char *find_entity(char c) {
        for (size_t i = 0; i < ELEMENTSOF(entities); i++)
                if (entities[i].character == c)
                        return entities[i].entity;
        return NULL;
}

/* Noncharacters such as U+FFFE may not be sent over the bus. */
static bool is_noncharacter(uint32_t c) {
        return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef);
}

/* Adds the first character, in a form that is safe, and returns its length. */
static size_t add_character(struct text_buffer *buffer, const char *s) {
        const char *entity = buffer->markup ? find_entity(*s) : NULL;
        uint32_t c;
        size_t length = utf8_decode(s, &c);

        if (entity)
                append(buffer, entity, strlen(entity));
        else if (length > 0 && (c == '\n' || c == '\t' || c == ' '))
                append(buffer, " ", 1);
        else if (length == 0 || character_is_unsafe(c) || is_noncharacter(c))
                append(buffer, REPLACEMENT, strlen(REPLACEMENT));
        else
                append(buffer, s, length);
        return length ?: 1;
}

static size_t count_characters(const char *s) {
        size_t n = 0;
        uint32_t c;

        for (; *s; n++)
                s += utf8_decode(s, &c) ?: 1;
        return n;
}

void text_buffer_add(struct text_buffer *buffer, const char *words) {
        append(buffer, words, strlen(words));
}

void text_buffer_add_number(struct text_buffer *buffer, size_t number) {
        char digits[32];

        (void) snprintf(digits, sizeof(digits), "%zu", number);
        text_buffer_add(buffer, digits);
}

void text_buffer_add_foreign(struct text_buffer *buffer, const char *words, size_t max) {
        size_t n = count_characters(words), head = n, tail = 0;
        uint32_t c;

        if (n > max && max > 0) {
                /* The end of a path says more than its beginning. */
                head = (max - 1) / 3;
                tail = max - 1 - head;
        }
        for (size_t i = 0; i < n; i++)
                if (i < head || i >= n - tail)
                        words += add_character(buffer, words);
                else {
                        if (i == head)
                                append(buffer, DOTS, strlen(DOTS));
                        words += utf8_decode(words, &c) ?: 1;
                }
}

void text_buffer_bold(struct text_buffer *buffer, bool on) {
        if (!buffer->markup || on == buffer->bold)
                return;
        if (!on) {
                buffer->bold = false;
                put(buffer, BOLD_END, strlen(BOLD_END));
                return;
        }
        buffer->full = buffer->full || !fits(buffer, strlen(BOLD BOLD_END));
        if (buffer->full)
                return;
        put(buffer, BOLD, strlen(BOLD));
        buffer->bold = true;
}
