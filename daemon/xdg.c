/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include <exposured/macro.h>

#include "xdg.h"

static const struct {
        const char *variable;
        const char *below_home; /* where the variable is not set; NULL: nowhere */
} folders[] = {
        [XDG_CONFIG] = { "XDG_CONFIG_HOME", "/.config" },
        [XDG_STATE] = { "XDG_STATE_HOME", "/.local/state" },
        [XDG_RUNTIME] = { "XDG_RUNTIME_DIR", NULL },
};

static const char *get_absolute(const char *variable) {
        const char *value = getenv(variable);

        return value && *value == '/' ? value : NULL;
}

/* The slashes at its end are not wanted. */
static int length_of(const char *base) {
        size_t n = strlen(base);

        while (n > 0 && base[n - 1] == '/')
                n--;
        return n < PATH_MAX ? (int) n : PATH_MAX;
}

int xdg_path(enum xdg which, const char *rest, char path[static PATH_MAX]) {
        const char *base = get_absolute(folders[which].variable), *below = "";
        int n;

        if (!base && folders[which].below_home) {
                base = get_absolute("HOME");
                below = folders[which].below_home;
        }
        if (!base)
                return -ENXIO;
        n = snprintf(path, PATH_MAX, "%.*s%s%s", length_of(base), base, below, rest);
        return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int xdg_make_folder(const char *path) {
        char parent[PATH_MAX];
        size_t n = strlen(path);

        if (n >= sizeof(parent))
                return -ENAMETOOLONG;
        memcpy(parent, path, n + 1);
        for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                if (mkdir(parent, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}
