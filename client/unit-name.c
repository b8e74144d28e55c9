/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit-name.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

static bool has_unit_suffix(const char *name) {
        static const char *const suffixes[] = {
                ".automount", ".device", ".mount", ".path", ".scope", ".service",
                ".slice", ".socket", ".swap", ".target", ".timer",
        };
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < ELEMENTSOF(suffixes); i++)
                if (streq(dot, suffixes[i]))
                        return true;
        return false;
}

bool unit_name_is_pattern(const char *name) {
        return strpbrk(name, "*?[");
}

char *unit_name_complete(const char *name) {
        char *completed;

        if (unit_name_is_pattern(name) || has_unit_suffix(name))
                return strdup(name);
        return asprintf(&completed, "%s.service", name) < 0 ? NULL : completed;
}

char **unit_names_complete(char **names) {
        char **completed;
        size_t n = 0;

        while (names[n])
                n++;
        completed = calloc(n + 1, sizeof(*completed));
        if (!completed)
                return NULL;

        for (size_t i = 0; i < n; i++) {
                completed[i] = unit_name_complete(names[i]);
                if (!completed[i])
                        return strv_free(completed);
        }
        return completed;
}

bool unit_name_matches(const char *unit, char **patterns) {
        if (!*patterns)
                return true;

        /* A backslash is a part of unit names, as in "dev\x2dlog". */
        for (char **p = patterns; *p; p++)
                if (fnmatch(*p, unit, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

/* The length of "foo@", or 0. */
static size_t prefix_length(const char *name) {
        const char *at = strchr(name, '@');

        return at ? (size_t) (at - name) + 1 : 0;
}

bool unit_name_is_template(const char *name) {
        size_t length = prefix_length(name);

        return length > 0 && name[length] == '.' && !strchr(name + length + 1, '.');
}

bool unit_name_is_sibling(const char *a, const char *b) {
        size_t length = prefix_length(a);
        const char *x = strrchr(a, '.'), *y = strrchr(b, '.');

        return length > 0 && length == prefix_length(b) && strncmp(a, b, length) == 0 && x && y && streq(x, y);
}
