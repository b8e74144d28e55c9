/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>

/* Where a user's files are, by the XDG Base Directory Specification. */
enum xdg {
        XDG_CONFIG,     /* $XDG_CONFIG_HOME, or ~/.config */
        XDG_STATE,      /* $XDG_STATE_HOME, or ~/.local/state */
        XDG_RUNTIME,    /* $XDG_RUNTIME_DIR */
};

/*
 * The path of that folder, with rest ("" or "/...") behind it. What is relative counts as not set.
 * -ENXIO where no variable says where it is, -ENAMETOOLONG.
 */
int xdg_path(enum xdg which, const char *rest, char path[static PATH_MAX]);

/* Makes a folder, and what is missing above it, each for its owner alone. 0 (also where it is there), -errno. */
int xdg_make_folder(const char *path);
