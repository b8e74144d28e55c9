/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <exposured/macro.h>

#include "folder.h"
#include "log.h"
#include "timer.h"

#define ENTRY_EVENTS (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)
#define SELF_EVENTS (IN_DELETE_SELF | IN_MOVE_SELF)
/*
 * All ask for the same: sd-event asks the kernel once for all that follow one inode, and up to systemd 257 it
 * spins on an event that none of them asked for (systemd issue 38265).
 */
#define ALL_EVENTS (ENTRY_EVENTS | SELF_EVENTS | IN_ONLYDIR)
/* The folder itself is not this one any more, or the kernel dropped events. */
#define LOST_EVENTS (SELF_EVENTS | IN_IGNORED | IN_UNMOUNT | IN_Q_OVERFLOW)

/* The depth of a path; what is deeper is not looked after above that. */
#define ANCESTORS_MAX 32
/* One that cannot be followed is looked at again after that time. */
#define LOOK_AGAIN_USEC (60 * USEC_PER_SEC)

struct folder {
        sd_event *event;
        char *path;
        char *waiting_for;      /* entry of the ancestor that is followed; NULL: the folder itself is */
        sd_event_source *source;
        sd_event_source *ancestors[ANCESTORS_MAX];      /* one that is moved takes the folder with it */
        struct timer *timer;
        int error;
        folder_fn fn;
        void *userdata;
};

static int folder_follow(struct folder *f);

static void unfollow_ancestors(struct folder *f) {
        for (size_t i = 0; i < ELEMENTSOF(f->ancestors); i++)
                f->ancestors[i] = sd_event_source_disable_unref(f->ancestors[i]);
}

static void folder_set_error(struct folder *f, int error) {
        if (error < 0) {
                if (f->error == 0)
                        log_errno(LOG_WARNING, error, "Cannot follow %s, looking at it every minute", f->path);
                unfollow_ancestors(f);
                f->source = sd_event_source_disable_unref(f->source);
                timer_arm(f->timer, LOOK_AGAIN_USEC);
        } else if (f->error < 0)
                log_info("%s can be followed again.", f->path);
        f->error = error;
}

/* It may be another one now. */
static void folder_look(struct folder *f) {
        folder_set_error(f, folder_follow(f));
        f->fn(f->userdata, NULL);
}

static void on_timer(void *userdata) {
        folder_look(userdata);
}

static int on_event(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        const char *entry = event->len > 0 ? event->name : NULL;
        struct folder *f = userdata;

        (void) source;
        if (!f->waiting_for && !(event->mask & LOST_EVENTS)) {
                if (entry)
                        f->fn(f->userdata, entry);
                return 0;
        }
        if (f->waiting_for && !(event->mask & LOST_EVENTS) && !streq_ptr(entry, f->waiting_for))
                return 0;
        folder_look(f);
        return 0;
}

static int on_ancestor(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        (void) source;
        /* That it is removed shows below it before. */
        if (event->mask & (IN_MOVE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW))
                folder_look(userdata);
        return 0;
}

static int follow_path(struct folder *f, const char *path) {
        _cleanup_(sd_event_source_unrefp) sd_event_source *source = NULL;
        int r;

        r = sd_event_add_inotify(f->event, &source, path, ALL_EVENTS, on_event, f);
        if (r < 0)
                return r;
        sd_event_source_disable_unref(f->source);
        f->source = TAKE_PTR(source);
        return 0;
}

/*
 * From the top down, and before what is below: so whatever is moved meanwhile is noticed, or was moved before
 * it was looked for. One that may not be read cannot be helped.
 */
static int follow_ancestors(struct folder *f) {
        _cleanup_(freep) char *path = strdup(f->path);
        size_t n = 0;
        int r;

        if (!path)
                return -ENOMEM;
        unfollow_ancestors(f);
        for (char *slash = strchr(path + 1, '/'); slash && n < ELEMENTSOF(f->ancestors);
             slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                r = sd_event_add_inotify(f->event, &f->ancestors[n], path, ALL_EVENTS, on_ancestor, f);
                *slash = '/';
                if (r == -ENOENT || r == -ENOTDIR)
                        break;
                if (r < 0 && r != -EACCES)
                        return r;
                n += r >= 0;
        }
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
                r = follow_ancestors(f);
                if (r < 0)
                        return r;
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
                r = timer_new(&f->timer, event, on_timer, f);
        if (r >= 0)
                r = folder_follow(f);
        if (r == -ENOMEM || !f->timer) {
                folder_free(f);
                return r;
        }
        folder_set_error(f, r);
        *ret = f;
        return 0;
}

struct folder *folder_free(struct folder *f) {
        if (!f)
                return NULL;
        unfollow_ancestors(f);
        sd_event_source_disable_unref(f->source);
        timer_free(f->timer);
        sd_event_unref(f->event);
        free(f->path);
        free(f->waiting_for);
        free(f);
        return NULL;
}

const char *folder_path(const struct folder *f) {
        return f->path;
}

int folder_error(const struct folder *f) {
        return f->error;
}
