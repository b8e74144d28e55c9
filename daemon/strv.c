/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "strv.h"

char **strv_free(char **strv) {
        for (char **s = strv; s && *s; s++)
                free(*s);
        free(strv);
        return NULL;
}

size_t strv_length(char *const *strv) {
        size_t n = 0;

        while (strv && strv[n])
                n++;
        return n;
}

bool strv_equal(char *const *a, char *const *b) {
        size_t n = strv_length(a);

        if (n != strv_length(b))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!streq(a[i], b[i]))
                        return false;
        return true;
}

bool strv_contains(char *const *strv, const char *string) {
        for (; strv && *strv; strv++)
                if (streq(*strv, string))
                        return true;
        return false;
}

int strv_extend(char ***strv, const char *string) {
        size_t n = strv_length(*strv);
        char *copy, **grown;

        copy = strdup(string);
        if (!copy)
                return -ENOMEM;
        grown = reallocarray(*strv, n + 2, sizeof(char *));
        if (!grown) {
                free(copy);
                return -ENOMEM;
        }
        grown[n] = copy;
        grown[n + 1] = NULL;
        *strv = grown;
        return 0;
}

void strv_remove(char **strv, const char *string) {
        for (char **s = strv; s && *s; s++) {
                if (!streq(*s, string))
                        continue;
                free(*s);
                do
                        s[0] = s[1];
                while (*s++);
                return;
        }
}

int strv_copy(char ***strv, char *const *from) {
        int r;

        for (; from && *from; from++) {
                r = strv_extend(strv, *from);
                if (r < 0)
                        return r;
        }
        return 0;
}
