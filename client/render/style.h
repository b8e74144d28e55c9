/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct output;

/* How a piece of text stands out on a terminal that has colours. */
enum style {
        STYLE_PLAIN,
        STYLE_HEADER,
        STYLE_STRONG,
        STYLE_FAINT,
        STYLE_GOOD,
        STYLE_WARNING,
        STYLE_BAD,
        STYLE_ADDED,            /* lines of a difference */
        STYLE_REMOVED,
        _STYLE_MAX,
};

/* Signs that have a form for terminals without UTF-8. */
enum glyph {
        GLYPH_GOOD,
        GLYPH_BAD,
        GLYPH_ARROW,
        GLYPH_DOT,
        GLYPH_WORSE,
        GLYPH_BETTER,
        _GLYPH_MAX,
};

/* What turns a style on, and all of them off again. Empty where there are no colours. */
const char *style_on(const struct output *output, enum style style);
const char *style_off(const struct output *output);

const char *glyph_text(const struct output *output, enum glyph glyph);
