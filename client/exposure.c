/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exposure.h"

#include <errno.h>
#include <stdio.h>

#include "cleanup.h"

const struct level levels[] = {
        { .from = 100, .predicate = "DANGEROUS", .emoji = "🤢", .face = ":-[", .style = STYLE_BAD },
        { .from = 90,  .predicate = "UNSAFE",    .emoji = "😨", .face = ":-{", .style = STYLE_BAD },
        { .from = 75,  .predicate = "EXPOSED",   .emoji = "🙁", .face = ":-(", .style = STYLE_WARNING },
        { .from = 50,  .predicate = "MEDIUM",    .emoji = "😐", .face = ":-|", .style = STYLE_PLAIN },
        { .from = 10,  .predicate = "OK",        .emoji = "🙂", .face = ":-)", .style = STYLE_GOOD },
        { .from = 1,   .predicate = "SAFE",      .emoji = "😀", .face = ":-}", .style = STYLE_GOOD },
        { .from = 0,   .predicate = "PERFECT",   .emoji = "😇", .face = ":-]", .style = STYLE_GOOD },
};
const size_t n_levels = ELEMENTSOF(levels);

const struct level *exposure_level(unsigned tenths) {
        const struct level *level = levels;

        while (tenths < level->from)
                level++;
        return level;
}

int exposure_from_double(double value, unsigned *ret) {
        /* Written so that "not a number" is refused as well. */
        if (!(value >= 0 && value <= EXPOSURE_MAX / 10.0))
                return -EBADMSG;

        *ret = (unsigned) (value * 10 + 0.5);
        return 0;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

int exposure_from_string(const char *s, unsigned *ret) {
        unsigned tenths = 0;

        if (!is_digit(*s))
                return -EINVAL;
        for (; is_digit(*s) && tenths <= EXPOSURE_MAX; s++)
                tenths = tenths * 10 + (unsigned) (*s - '0') * 10;
        if (*s == '.' && is_digit(s[1])) {
                tenths += (unsigned) (s[1] - '0');
                s += 2;
        }
        if (*s != '\0' || tenths > EXPOSURE_MAX)
                return -EINVAL;

        *ret = tenths;
        return 0;
}

const char *exposure_to_string(unsigned tenths, char buffer[static EXPOSURE_TEXT_SIZE]) {
        snprintf(buffer, EXPOSURE_TEXT_SIZE, "%u.%u", (tenths / 10) % 100, tenths % 10);
        return buffer;
}
