/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <systemd/sd-event.h>

#include <exposured/macro.h>

#include "faulty-inotify.h"

/* The linker puts this in place of what our objects call. */
int __real_sd_event_add_inotify(sd_event *event, sd_event_source **ret, const char *path, uint32_t mask,
                                sd_event_inotify_handler_t fn, void *userdata);
int __wrap_sd_event_add_inotify(sd_event *event, sd_event_source **ret, const char *path, uint32_t mask,
                                sd_event_inotify_handler_t fn, void *userdata);

struct faulty_inotify faulty_inotify;

int __wrap_sd_event_add_inotify(sd_event *event, sd_event_source **ret, const char *path, uint32_t mask,
                                sd_event_inotify_handler_t fn, void *userdata) {
        if (faulty_inotify.before)
                faulty_inotify.before(path);
        if (faulty_inotify.error < 0 && (!faulty_inotify.path || streq(faulty_inotify.path, path)))
                return faulty_inotify.error;
        return __real_sd_event_add_inotify(event, ret, path, mask, fn, userdata);
}
