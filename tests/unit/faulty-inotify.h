/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What happens when something is to be followed. Link with inotify_dep. */
extern struct faulty_inotify {
        int error;                              /* of the call, a negative errno; 0: it is made */
        const char *path;                       /* only for this path; NULL: for any */
        void (*before)(const char *path);       /* called before it is made; NULL: nothing is */
} faulty_inotify;
