/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "control.h"
#include "folder.h"
#include "log.h"
#include "timer.h"
#include "unit.h"
#include "xdg.h"

#define ROOTS_MAX 3
/* Folders of units that were given properties; more is no system that anyone runs. */
#define UNIT_FOLDERS_MAX 4096U
#define DROP_IN_SUFFIX ".d"
/* Where a folder in it could not be followed, all of it is looked at again after that time. */
#define LOOK_AGAIN_USEC (60 * USEC_PER_SEC)

/* The drop-ins of one unit. */
struct unit_folder {
        struct control *control;
        struct folder *folder;
        char unit[UNIT_NAME_SIZE];
        struct unit_folder *next;
};

struct root {
        struct control *control;
        struct folder *folder;
        struct unit_folder *units;
        int error;              /* why a folder is missing in units, or 0 */
        bool complained;
};

struct control {
        sd_event *event;
        void (*fn)(void *userdata, const char *unit);
        void *userdata;
        struct root roots[ROOTS_MAX];
        unsigned n_units;
        struct timer *timer;    /* until what is missing is looked for again */
};

/* "foo.service.d" is the folder of foo.service. */
static bool unit_from_folder(const char *entry, char unit[static UNIT_NAME_SIZE]) {
        size_t n = strlen(entry), suffix = strlen(DROP_IN_SUFFIX);

        if (n <= suffix || n - suffix >= UNIT_NAME_SIZE || !streq(entry + n - suffix, DROP_IN_SUFFIX))
                return false;
        memcpy(unit, entry, n - suffix);
        unit[n - suffix] = '\0';
        return unit_name_is_service(unit);
}

static void on_unit_folder(void *userdata, const char *entry) {
        struct unit_folder *u = userdata;

        (void) entry;
        u->control->fn(u->control->userdata, u->unit);
}

static struct unit_folder *unit_folder_free(struct unit_folder *u) {
        if (!u)
                return NULL;
        folder_free(u->folder);
        free(u);
        return NULL;
}

static void unit_folder_remove(struct root *root, const char *unit) {
        struct unit_folder **link = &root->units, *u;

        while ((u = *link) && !streq(u->unit, unit))
                link = &u->next;
        if (!u)
                return;
        *link = u->next;
        unit_folder_free(u);
        root->control->n_units--;
}

static int unit_folder_add(struct root *root, const char *unit) {
        struct control *control = root->control;
        char path[PATH_MAX];
        struct unit_folder *u;
        int r;

        if (control->n_units >= UNIT_FOLDERS_MAX)
                return -ENOBUFS;
        r = snprintf(path, sizeof(path), "%s/%s" DROP_IN_SUFFIX, folder_path(root->folder), unit);
        if (r < 0 || (size_t) r >= sizeof(path))
                return -ENAMETOOLONG;
        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->control = control;
        (void) snprintf(u->unit, sizeof(u->unit), "%s", unit);
        r = folder_new(&u->folder, control->event, path, on_unit_folder, u);
        if (r < 0) {
                unit_folder_free(u);
                return r;
        }
        u->next = root->units;
        root->units = u;
        control->n_units++;
        return 0;
}

static bool exists(const char *parent, const char *entry) {
        char path[PATH_MAX];
        int r;

        r = snprintf(path, sizeof(path), "%s/%s", parent, entry);
        return r >= 0 && (size_t) r < sizeof(path) && access(path, F_OK) == 0;
}

static void root_lacks(struct root *root, int error) {
        if (!root->complained)
                log_errno(LOG_WARNING, error, "Cannot follow all of %s, looking at it every minute",
                          folder_path(root->folder));
        root->complained = true;
        root->error = error;
        timer_arm(root->control->timer, LOOK_AGAIN_USEC);
}

/* An entry came or went. Its own events before we follow it are lost: the unit is read in any case. */
static void root_entry(struct root *root, const char *entry) {
        char unit[UNIT_NAME_SIZE];
        int r = 0;

        if (!unit_from_folder(entry, unit))
                return;
        unit_folder_remove(root, unit);
        if (exists(folder_path(root->folder), entry))
                r = unit_folder_add(root, unit);
        if (r < 0)
                root_lacks(root, r);
        root->control->fn(root->control->userdata, unit);
}

static void root_clear(struct root *root) {
        while (root->units) {
                struct unit_folder *u = root->units;

                root->units = u->next;
                unit_folder_free(u);
                root->control->n_units--;
        }
}

/* Looks at all there is; what was followed before may be gone. */
static void root_list(struct root *root) {
        DIR *dir;

        root->error = 0;
        for (struct unit_folder *u = root->units; u; u = u->next)
                root->control->fn(root->control->userdata, u->unit);
        root_clear(root);
        dir = opendir(folder_path(root->folder));
        if (!dir) {
                /* Of one that may not be read, or is not there, the folder itself tells. */
                if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
                        root_lacks(root, -errno);
                return;
        }
        for (struct dirent *entry; (entry = readdir(dir));)
                root_entry(root, entry->d_name);
        (void) closedir(dir);
        if (root->complained && root->error == 0) {
                log_info("All of %s can be followed again.", folder_path(root->folder));
                root->complained = false;
        }
}

static void on_timer(void *userdata) {
        struct control *control = userdata;

        for (size_t i = 0; i < ELEMENTSOF(control->roots); i++)
                if (control->roots[i].error < 0)
                        root_list(&control->roots[i]);
        /* Whatever was missed meanwhile. */
        control->fn(control->userdata, NULL);
}

static void on_root(void *userdata, const char *entry) {
        struct root *root = userdata;

        if (entry) {
                root_entry(root, entry);
                return;
        }
        root_list(root);
        if (folder_error(root->folder) < 0)
                root->control->fn(root->control->userdata, NULL);
}

/* The drop-ins of a transient unit lie beside it. */
static int system_paths(char paths[static ROOTS_MAX][PATH_MAX]) {
        int n = 0;

        (void) snprintf(paths[n++], PATH_MAX, "/etc/systemd/system.control");
        (void) snprintf(paths[n++], PATH_MAX, "/run/systemd/system.control");
        (void) snprintf(paths[n++], PATH_MAX, "/run/systemd/transient");
        return n;
}

/* A user's manager follows the XDG base directories. */
static int user_paths(char paths[static ROOTS_MAX][PATH_MAX]) {
        static const struct {
                enum xdg base;
                const char *rest;
        } folders[] = {
                { XDG_CONFIG, "/systemd/user.control" },
                { XDG_RUNTIME, "/systemd/user.control" },
                { XDG_RUNTIME, "/systemd/transient" },
        };
        int n = 0, r;

        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
                r = xdg_path(folders[i].base, folders[i].rest, paths[n]);
                if (r < 0)
                        log_errno(LOG_WARNING, r, "Cannot follow what is set at run time (%s)", folders[i].rest);
                else
                        n++;
        }
        return n;
}

int control_new(struct control **ret, sd_event *event, enum scope scope,
                void (*fn)(void *userdata, const char *unit), void *userdata) {
        char paths[ROOTS_MAX][PATH_MAX];
        struct control *control;
        int n, r = 0;

        control = calloc(1, sizeof(*control));
        if (!control)
                return -ENOMEM;
        *control = (struct control) { .event = sd_event_ref(event), .fn = fn, .userdata = userdata };
        r = timer_new(&control->timer, event, on_timer, control);
        n = scope == SCOPE_USER ? user_paths(paths) : system_paths(paths);
        for (int i = 0; i < n && r >= 0; i++) {
                struct root *root = &control->roots[i];

                root->control = control;
                r = folder_new(&root->folder, event, paths[i], on_root, root);
                if (r >= 0)
                        root_list(root);
        }
        if (r < 0) {
                control_free(control);
                return r;
        }
        *ret = control;
        return 0;
}

int control_error(const struct control *control, const char **ret_path) {
        for (size_t i = 0; i < ELEMENTSOF(control->roots) && control->roots[i].folder; i++) {
                const struct folder *folder = control->roots[i].folder;

                for (const struct unit_folder *u = control->roots[i].units; u && folder_error(folder) == 0; u = u->next)
                        folder = u->folder;
                if (folder_error(folder) < 0) {
                        *ret_path = folder_path(folder);
                        return folder_error(folder);
                }
                if (control->roots[i].error < 0) {
                        *ret_path = folder_path(control->roots[i].folder);
                        return control->roots[i].error;
                }
        }
        return 0;
}

struct control *control_free(struct control *control) {
        if (!control)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(control->roots); i++) {
                root_clear(&control->roots[i]);
                folder_free(control->roots[i].folder);
        }
        timer_free(control->timer);
        sd_event_unref(control->event);
        free(control);
        return NULL;
}
