/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "style.h"

#include "output.h"

static const char *const sequences[_STYLE_MAX] = {
        [STYLE_PLAIN]   = "",
        [STYLE_HEADER]  = "\033[4m",
        [STYLE_STRONG]  = "\033[0;1m",
        [STYLE_FAINT]   = "\033[0;90m",
        [STYLE_GOOD]    = "\033[0;1;32m",
        [STYLE_WARNING] = "\033[0;1;33m",
        [STYLE_BAD]     = "\033[0;1;31m",
        [STYLE_ADDED]   = "\033[0;32m",
        [STYLE_REMOVED] = "\033[0;31m",
};

static const struct {
        const char *utf8, *ascii;
} glyphs[_GLYPH_MAX] = {
        [GLYPH_GOOD]   = { "✓", "+" },
        [GLYPH_BAD]    = { "✗", "-" },
        [GLYPH_ARROW]  = { "→", "->" },
        [GLYPH_DOT]    = { "●", "*" },
        [GLYPH_WORSE]  = { "▲", "!" },
        [GLYPH_BETTER] = { "▼", "v" },
};

const char *style_on(const struct output *output, enum style style) {
        return output->colors ? sequences[style] : "";
}

const char *style_off(const struct output *output) {
        return output->colors ? "\033[0m" : "";
}

const char *glyph_text(const struct output *output, enum glyph glyph) {
        return output->utf8 ? glyphs[glyph].utf8 : glyphs[glyph].ascii;
}
