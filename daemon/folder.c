/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <exposured/macro.h>

#include "folder.h"
#include "log.h"

#define ENTRY_EVENTS (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
/* The folder itself is not this one any more, or the kernel dropped events. */
#define LOST_EVENTS (SELF_EVENTS | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)

struct folder {
        sd_event *event;
        char *path;
        char *waiting_for;      /* entry of the ancestor that is followed; NULL: the folder itself is */
        sd_event_source *source;
        folder_fn fn;
        void *userdata;
};

static int folder_follow(struct folder *f);

static int on_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        const char *entry = event->len > 0 ? event->name : NULL;
        struct folder *f = userdata;
        int r;

        (void) source;
        if (!f->waiting_for && !(event->mask & LOST_EVENTS)) {
                if (entry)
                        f->fn(f->userdata, entry);
                return 0;
        }
        if (f->waiting_for && !(event->mask & LOST_EVENTS) && !streq_ptr(entry, f->waiting_for))
                return 0;
        r = folder_follow(f);
        if (r < 0)
                log_errno(LOG_ERR, r, "Cannot follow %s any more", f->path);
        f->fn(f->userdata, NULL);
        return 0;
}

static int follow_path(struct folder *f, const char *path) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int r;

        r = sd_event_add_inotify(f->event, &source, path, ENTRY_EVENTS | SELF_EVENTS | IN_ONLYDIR, on_event, f);
        if (r < 0)
                return r;
        sd_event_source_disable_unref(f->source);
        f->source = TAKE_PTR(source);
        return 0;
}

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) >= 0 && S_ISDIR(st.st_mode);
}

/*
 * Follows the nearest ancestor that exists, and notes which of its entries leads to the folder. Returns
 * 1 where that entry is a folder already: it came before we followed its parent.
 */
static int follow_ancestor(struct folder *f) {
        _cleanup_(freep) char *path = strdup(f->path), *entry = NULL;
        int r = -ENOENT;

        if (!path)
                return -ENOMEM;
        while (r == -ENOENT || r == -ENOTDIR) {
                char *slash = strrchr(path, '/');

                free(entry);
                free(f->waiting_for);
                entry = strdup(path);
                f->waiting_for = strdup(slash + 1);
                if (!entry || !f->waiting_for)
                        return -ENOMEM;
                slash[slash == path] = '\0';
                r = follow_path(f, path);
                if (slash == path)
                        break;
        }
        return r < 0 ? r : is_folder(entry);
}

/* How often a folder may come and go while we look for it. */
#define FOLLOW_TRIES 16

static int folder_follow(struct folder *f) {
        int r;

        for (unsigned i = 0; i < FOLLOW_TRIES; i++) {
                r = follow_path(f, f->path);
                if (r >= 0) {
                        free(TAKE_PTR(f->waiting_for));
                        return 0;
                }
                if (r != -ENOENT && r != -ENOTDIR)
                        return r;
                r = follow_ancestor(f);
                if (r <= 0)
                        return r;
        }
        return -EBUSY;
}

int folder_new(struct folder **ret, sd_event *event, const char *path, folder_fn fn, void *userdata) {
        struct folder *f;
        int r = -ENOMEM;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        *f = (struct folder) { .event = sd_event_ref(event), .fn = fn, .userdata = userdata };
        f->path = strdup(path);
        if (f->path)
                r = folder_follow(f);
        if (r < 0) {
                folder_free(f);
                return r;
        }
        *ret = f;
        return 0;
}

struct folder *folder_free(struct folder *f) {
        if (!f)
                return NULL;
        sd_event_source_disable_unref(f->source);
        sd_event_unref(f->event);
        free(f->path);
        free(f->waiting_for);
        free(f);
        return NULL;
}

const char *folder_path(const struct folder *f) {
        return f->path;
}
