/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdlib.h>

#include <exposured/macro.h>

/* Frees an array of strings that ends with NULL. Takes NULL, returns NULL. */
static inline char **strv_free(char **strings) {
        for (char **s = strings; s && *s; s++)
                free(*s);
        free(strings);
        return NULL;
}

DEFINE_CLEANUP(char **, strv_free)

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_strv_ _cleanup_(strv_freep)

/* These need sd-bus.h and sd-event.h. */
#define _cleanup_bus_ _cleanup_(sd_bus_flush_close_unrefp)
#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)
#define _cleanup_message_ _cleanup_(sd_bus_message_unrefp)
