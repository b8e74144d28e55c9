/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "store/store.h"

#include "cause.h"
#include "diff.h"
#include "strv.h"
#include "timer.h"

static const char *const changes[_CAUSE_CHANGE_MAX] = {
        [CAUSE_CREATED] = "created",
        [CAUSE_REMOVED] = "removed",
        [CAUSE_CHANGED] = "changed",
        [CAUSE_RELINKED] = "relinked",
        [CAUSE_PROPERTY] = "property",
        [CAUSE_MANAGER] = "manager",
        [CAUSE_EXPIRED] = "expired",
        [CAUSE_LIMIT] = "limit",
        [CAUSE_UNKNOWN] = "unknown",
};

const char *cause_change_to_string(enum cause_change change) {
        return changes[change];
}

/* The last part of a path and its length, or of the folder above it. */
struct name {
        const char *start;
        size_t length;
};

static struct name path_name(const char *path) {
        const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path;

        return (struct name) { start, strlen(start) };
}

static bool name_equal(const struct name *a, const struct name *b) {
        return a->length == b->length && memcmp(a->start, b->start, a->length) == 0;
}

/* The file's name, but "foo@" for "foo@bar.service" and "foo@.service". */
static struct name template_name(const char *path) {
        struct name name = path_name(path);
        const char *at = memchr(name.start, '@', name.length);

        if (at)
                name.length = (size_t) (at - name.start) + 1;
        return name;
}

/* Drop-ins, and nothing else, are in a folder named after a unit with ".d" behind it. */
static bool is_drop_in(const char *path) {
        size_t folder = (size_t) (path_name(path).start - path);

        return folder > strlen(".d/") && memcmp(path + folder - strlen(".d/"), ".d/", strlen(".d/")) == 0;
}

/* Whether only one of two files can give settings to a unit: systemd takes the first drop-in of a name. */
static bool same_role(const char *a, const char *b) {
        struct name x = path_name(a), y = path_name(b);

        if (is_drop_in(a) != is_drop_in(b))
                return false;
        return !is_drop_in(a) || name_equal(&x, &y);
}

/* The file that stands in the other snapshot where this one does in its own. */
static const struct file_state *counterpart(const struct file_state *file, const struct snapshot *other) {
        for (size_t i = 0; i < other->n_files; i++)
                if (same_role(other->files[i].path, file->path))
                        return &other->files[i];
        return NULL;
}

static bool is_on_disk(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0;
}

/*
 * When the file, or the link, came to be what it is. Not its mtime: packages bring that along from the
 * day they were built.
 */
static uint64_t time_of_change(const char *path, uint64_t now) {
        uint64_t time;
        struct stat st;

        if (lstat(path, &st) < 0)
                return now;
        time = (uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC + (uint64_t) st.st_ctim.tv_nsec / 1000;
        return time < now ? time : now;
}

static bool is_set_at_run_time(const char *path) {
        static const char *const folders[] = {
                "/systemd/system.control/",
                "/systemd/user.control/",
                "/systemd/transient/",
        };

        for (size_t i = 0; i < ELEMENTSOF(folders); i++)
                if (strstr(path, folders[i]))
                        return true;
        return false;
}

static bool same_numbers(const struct file_state *a, const struct file_state *b) {
        return a->inode == b->inode && a->mtime_nsec == b->mtime_nsec && a->size == b->size;
}

/* A link out of the sandbox. systemd can follow it, so that it leads nowhere only for us. */
static bool is_unseen(const struct file_state *file) {
        return file->target && !file->exists;
}

/* NULL: that is not known. */
static const char *file_text(const struct file_state *file) {
        if (!file)
                return "";
        return file->exists || is_unseen(file) ? file->content : "";
}

/* 1 where they say something else, 0 where not. A file that is not there (NULL too) says nothing. */
static int compare_files(const struct file_state *before, const struct file_state *now, char ***ret_lines) {
        const char *old = file_text(before), *new = file_text(now);

        if (old && new)
                return diff_settings(old, new, ret_lines);
        *ret_lines = NULL;
        return !before || !now || !same_numbers(before, now);
}

struct search {
        const struct snapshot *before, *now;
        bool same_content;      /* look for files that say the same, and yet are not the same ones */
        uint64_t time;          /* now */
        struct causes causes;
};

static int search_add(struct search *s, const struct file_state *file, enum cause_change change,
                      char **lines) {
        uint64_t time = time_of_change(file->path, s->time);
        struct cause *grown;
        char *path;

        grown = reallocarray(s->causes.causes, s->causes.n_causes + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        s->causes.causes = grown;
        path = strdup(file->path);
        if (!path)
                return -ENOMEM;
        if (is_set_at_run_time(path))
                change = CAUSE_PROPERTY;
        grown[s->causes.n_causes++] = (struct cause) { path, cause_change_to_string(change), time, lines };
        return 0;
}

/* The change befell the file; what the unit reads was the one, and is the other. */
static int search_consider(struct search *s, const struct file_state *file, enum cause_change change,
                           const struct file_state *before, const struct file_state *now) {
        _cleanup_(strv_freep) char **lines = NULL;
        int r;

        if (s->causes.n_causes >= CAUSES_MAX)
                return 0;
        r = compare_files(before, now, &lines);
        if (r < 0)
                return r;
        if (r == s->same_content)
                return 0;
        r = search_add(s, file, change, lines);
        if (r >= 0)
                lines = NULL;
        return r;
}

/* A file that was the unit's, and is. */
static int search_same_path(struct search *s, const struct file_state *before, const struct file_state *now) {
        bool relinked = !streq_ptr(before->target, now->target);

        if (relinked && is_unseen(now))
                return search_consider(s, now, CAUSE_RELINKED, before, now);
        if (before->exists && !now->exists)
                return search_consider(s, now, CAUSE_REMOVED, before, NULL);
        if (!before->exists && now->exists)
                return search_consider(s, now, CAUSE_CREATED, before, now);
        if (relinked)
                return search_consider(s, now, CAUSE_RELINKED, before, now);
        /* To be touched, or commented, changes nothing. What is not seen may have changed. */
        if (s->same_content && !is_unseen(now))
                return 0;
        return search_consider(s, now, CAUSE_CHANGED, before, now);
}

static enum cause_change change_of_new_path(const struct file_state *now, const struct file_state *before) {
        struct name name = template_name(now->path), name_before;

        if (file_state_is_mask(now))
                return CAUSE_RELINKED;
        if (!before)
                return CAUSE_CREATED;
        /* A file of the same name stands before the other; a fragment of another is reached by an alias. */
        name_before = template_name(before->path);
        return name_equal(&name, &name_before) ? CAUSE_CREATED : CAUSE_RELINKED;
}

/* A file that was not the unit's, and is. */
static int search_new_path(struct search *s, const struct file_state *now) {
        const struct file_state *before = counterpart(now, s->before);

        /* Then it is that one that explains it. */
        if (before && !is_on_disk(before->path))
                return 0;
        /* One file by two paths: /lib and /usr/lib. Or one that came and went already. */
        if (before ? same_numbers(before, now) : !now->exists && !is_unseen(now))
                return 0;
        return search_consider(s, now, change_of_new_path(now, before), before, now);
}

/* A file that was the unit's, and is not. */
static int search_old_path(struct search *s, const struct file_state *before) {
        const struct file_state *now = counterpart(before, s->now);
        bool on_disk = is_on_disk(before->path);

        if (on_disk && now)
                return 0;
        return search_consider(s, before, on_disk ? CAUSE_RELINKED : CAUSE_REMOVED, before, now);
}

static int search_files(struct search *s) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->now->n_files; i++) {
                const struct file_state *now = &s->now->files[i];
                const struct file_state *before = snapshot_find(s->before, now->path);

                r = before ? search_same_path(s, before, now) : search_new_path(s, now);
        }
        for (size_t i = 0; r >= 0 && i < s->before->n_files; i++)
                if (!snapshot_find(s->now, s->before->files[i].path))
                        r = search_old_path(s, &s->before->files[i]);
        return r;
}

static int search_run(struct search *s, bool manager_changed) {
        static const struct file_state none = { .path = (char *) "" };
        int r = 0;

        if (s->before)
                r = search_files(s);
        if (r >= 0 && s->before && s->causes.n_causes == 0) {
                s->same_content = true;
                r = search_files(s);
        }
        if (r >= 0 && s->causes.n_causes == 0)
                r = search_add(s, &none, manager_changed ? CAUSE_MANAGER : CAUSE_UNKNOWN, NULL);
        return r;
}

static int cause_compare(const void *a, const void *b) {
        return strcmp(((const struct cause *) a)->path, ((const struct cause *) b)->path);
}

int causes_find(const struct snapshot *before, const struct snapshot *now, bool manager_changed,
                struct causes *ret) {
        struct search search = { .before = before, .now = now, .time = timer_realtime() };
        int r;

        r = search_run(&search, manager_changed);
        if (r < 0) {
                causes_done(&search.causes);
                return r;
        }
        qsort(search.causes.causes, search.causes.n_causes, sizeof(*search.causes.causes), cause_compare);
        *ret = search.causes;
        return 0;
}

void causes_done(struct causes *causes) {
        if (!causes)
                return;
        for (size_t i = 0; i < causes->n_causes; i++) {
                free(causes->causes[i].path);
                strv_free(causes->causes[i].lines);
        }
        free(causes->causes);
        *causes = (struct causes) {};
}

static bool cause_equal(const struct cause *a, const struct cause *b) {
        return streq(a->path, b->path) && streq(a->change, b->change);
}

bool causes_equal(const struct causes *a, const struct causes *b) {
        if (a->n_causes != b->n_causes)
                return false;
        for (size_t i = 0; i < a->n_causes; i++)
                if (!cause_equal(&a->causes[i], &b->causes[i]))
                        return false;
        return true;
}

void cause_to_store(const struct cause *cause, struct store_cause *ret) {
        *ret = (struct store_cause) {
                .path = cause->path,
                .change = cause->change,
                .time = cause->time,
                .lines = (const char *const *) cause->lines,
        };
}

/* The only one; its path is "" where no file explains it. Takes the lines over, whatever comes of it. */
static int set_one(struct causes *ret, const char *path, enum cause_change change, uint64_t time, char **lines) {
        struct causes causes = { .causes = calloc(1, sizeof(*causes.causes)) };
        char *copy = strdup(path);

        if (!causes.causes || !copy) {
                free(causes.causes);
                free(copy);
                strv_free(lines);
                return -ENOMEM;
        }
        causes.causes[0] = (struct cause) { copy, cause_change_to_string(change), time, lines };
        causes.n_causes = 1;
        *ret = causes;
        return 0;
}

int causes_set_expired(struct causes *ret, uint64_t time) {
        return set_one(ret, "", CAUSE_EXPIRED, time, NULL);
}

int causes_set_manager(struct causes *ret, const char *before, const char *now, uint64_t time) {
        _cleanup_(freep) char *old = NULL, *new = NULL;
        _cleanup_(strv_freep) char **lines = NULL;

        if (asprintf(&old, "-%s", before) < 0) {
                old = NULL;
                return -ENOMEM;
        }
        if (asprintf(&new, "+%s", now) < 0) {
                new = NULL;
                return -ENOMEM;
        }
        if (strv_extend(&lines, old) < 0 || strv_extend(&lines, new) < 0)
                return -ENOMEM;
        return set_one(ret, "", CAUSE_MANAGER, time, TAKE_PTR(lines));
}

int causes_set_file(struct causes *ret, const char *path, enum cause_change change, uint64_t time) {
        return set_one(ret, path, change, time, NULL);
}

int causes_add_limit(struct causes *causes, uint64_t time) {
        struct causes limit;
        struct cause *grown;
        int r;

        r = set_one(&limit, "", CAUSE_LIMIT, time, NULL);
        if (r < 0)
                return r;
        grown = reallocarray(causes->causes, causes->n_causes + 1, sizeof(*grown));
        if (!grown) {
                causes_done(&limit);
                return -ENOMEM;
        }
        memmove(grown + 1, grown, causes->n_causes * sizeof(*grown));
        grown[0] = limit.causes[0];
        causes->causes = grown;
        causes->n_causes++;
        free(limit.causes);
        return 0;
}

bool causes_have_limit(const struct causes *causes) {
        return causes->n_causes > 0 &&
               streq(causes->causes[0].change, cause_change_to_string(CAUSE_LIMIT));
}

static bool causes_contain(const struct causes *causes, const struct cause *cause) {
        for (size_t i = 0; i < causes->n_causes; i++)
                if (cause_equal(&causes->causes[i], cause))
                        return true;
        return false;
}

static int add_copy(struct causes *causes, const struct cause *cause) {
        _cleanup_(strv_freep) char **lines = NULL;
        struct cause *grown;
        char *path;

        if (strv_copy(&lines, cause->lines) < 0)
                return -ENOMEM;
        grown = reallocarray(causes->causes, causes->n_causes + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        causes->causes = grown;
        path = strdup(cause->path);
        if (!path)
                return -ENOMEM;
        grown[causes->n_causes++] = (struct cause) { path, cause->change, cause->time, TAKE_PTR(lines) };
        return 0;
}

int causes_merge(struct causes *to, const struct causes *from) {
        int r = 0;

        for (size_t i = 0; i < from->n_causes && to->n_causes < CAUSES_MAX && r >= 0; i++)
                if (*from->causes[i].path && !causes_contain(to, &from->causes[i]))
                        r = add_copy(to, &from->causes[i]);
        return r;
}
