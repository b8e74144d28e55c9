/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "folder.h"
#include "policy-file.h"
#include "policy-watch.h"

/* The links of all policy files; what is more is not followed. */
#define LINKS_MAX 16U

/* A file in a folder that is followed. */
struct entry {
        struct policy_watch *watch;
        struct folder *folder;
        char *name;
};

struct policy_watch {
        sd_event *event;
        void (*fn)(void *userdata);
        void *userdata;
        struct entry files[POLICY_FOLDERS];
        struct entry links[LINKS_MAX];          /* what the files lead to, where they are links */
        size_t n_links;
};

static void on_folder(void *userdata, const char *name) {
        struct entry *entry = userdata;

        if (!name || streq(name, entry->name))
                entry->watch->fn(entry->watch->userdata);
}

static void entry_done(struct entry *entry) {
        entry->folder = folder_free(entry->folder);
        free(TAKE_PTR(entry->name));
}

static int entry_init(struct entry *entry, struct policy_watch *watch, const char *folder, const char *name) {
        int r;

        entry->watch = watch;
        entry->name = strdup(name);
        if (!entry->name)
                return -ENOMEM;
        r = folder_new(&entry->folder, watch->event, folder, on_folder, entry);
        if (r < 0)
                entry_done(entry);
        return r;
}

/* Where the link leads, in place of its path. 1; 0 where it is none, or leads to what no path can be made of. */
static int follow_link(char path[static PATH_MAX]) {
        char target[PATH_MAX];
        char *slash = strrchr(path, '/');
        ssize_t n = readlink(path, target, sizeof(target));
        size_t room;

        if (n <= 0 || (size_t) n >= sizeof(target))
                return 0;
        target[n] = '\0';
        if (*target == '/')
                slash = path;
        else
                slash++;
        room = PATH_MAX - (size_t) (slash - path);
        if ((size_t) n >= room)
                return 0;
        memcpy(slash, target, (size_t) n + 1);
        return 1;
}

static int watch_links(struct policy_watch *watch, const char *folder) {
        char path[PATH_MAX];
        int r;

        (void) snprintf(path, sizeof(path), "%s/" POLICY_FILE_NAME, folder);
        while (watch->n_links < LINKS_MAX && follow_link(path) > 0) {
                char *slash = strrchr(path, '/');

                if (slash == path)
                        return 0;
                *slash = '\0';
                r = entry_init(&watch->links[watch->n_links], watch, path, slash + 1);
                *slash = '/';
                if (r < 0)
                        return r;
                watch->n_links++;
        }
        return 0;
}

static void unwatch_links(struct policy_watch *watch) {
        while (watch->n_links > 0)
                entry_done(&watch->links[--watch->n_links]);
}

int policy_watch_follow(struct policy_watch *watch) {
        int r;

        unwatch_links(watch);
        for (size_t i = 0; policy_folders[i]; i++) {
                r = watch_links(watch, policy_folders[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int policy_watch_new(struct policy_watch **ret, sd_event *event, void (*fn)(void *userdata), void *userdata) {
        struct policy_watch *watch;
        int r = 0;

        watch = calloc(1, sizeof(*watch));
        if (!watch)
                return -ENOMEM;
        *watch = (struct policy_watch) { .event = sd_event_ref(event), .fn = fn, .userdata = userdata };
        for (size_t i = 0; r >= 0 && policy_folders[i]; i++)
                r = entry_init(&watch->files[i], watch, policy_folders[i], POLICY_FILE_NAME);
        if (r >= 0)
                r = policy_watch_follow(watch);
        if (r < 0) {
                policy_watch_free(watch);
                return r;
        }
        *ret = watch;
        return 0;
}

static int entries_error(const struct entry *entries, size_t n, const char **ret_path) {
        for (size_t i = 0; i < n; i++)
                if (folder_error(entries[i].folder) < 0) {
                        *ret_path = folder_path(entries[i].folder);
                        return folder_error(entries[i].folder);
                }
        return 0;
}

int policy_watch_error(const struct policy_watch *watch, const char **ret_path) {
        return entries_error(watch->files, ELEMENTSOF(watch->files), ret_path) ?:
               entries_error(watch->links, watch->n_links, ret_path);
}

struct policy_watch *policy_watch_free(struct policy_watch *watch) {
        if (!watch)
                return NULL;
        unwatch_links(watch);
        for (size_t i = 0; i < ELEMENTSOF(watch->files); i++)
                entry_done(&watch->files[i]);
        sd_event_unref(watch->event);
        free(watch);
        return NULL;
}
