/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "input.h"

#include <string.h>

#include "fuzz.h"

struct input input_open(const uint8_t *data, size_t size) {
        return (struct input) { (const char *) data, (const char *) data + size };
}

bool input_at_end(const struct input *input) {
        return input->at == input->end;
}

static size_t line_length(const struct input *input) {
        size_t n = (size_t) (input->end - input->at);
        const char *end = n > 0 ? memchr(input->at, '\n', n) : NULL;

        return end ? (size_t) (end - input->at) : n;
}

static void skip_line(struct input *input) {
        input->at += line_length(input);
        input->at += !input_at_end(input);
}

bool input_take(struct input *input, const char *line) {
        size_t n = line_length(input);

        if (input_at_end(input) || n != strlen(line) || memcmp(input->at, line, n) != 0)
                return false;
        skip_line(input);
        return true;
}

/* The character that an escape stands for, or NUL where it is none. */
static char unescape(const char *s, size_t n) {
        if (n < 2 || s[0] != '\\')
                return '\0';
        return s[1] == 'n' ? '\n' : s[1] == '\\' ? '\\' : '\0';
}

char *input_line(struct input *input) {
        size_t n = line_length(input);
        const char *from = input->at, *end = from + n;
        char *line = malloc(n + 1), *to = line, c;

        fuzz_assert(line);
        while (from < end && *from) {
                c = unescape(from, (size_t) (end - from));
                from += c ? 1 : 0;
                *to++ = c ? c : *from;
                from++;
        }
        *to = '\0';
        skip_line(input);
        return line;
}

uint64_t input_number(struct input *input) {
        char *line = input_line(input);
        uint64_t number = strtoull(line, NULL, 0);

        free(line);
        return number;
}

char *input_rest(struct input *input) {
        size_t n = (size_t) (input->end - input->at);
        char *text = malloc(n + 1);

        fuzz_assert(text);
        if (n > 0)
                memcpy(text, input->at, n);
        text[n] = '\0';
        input->at = input->end;
        return text;
}
