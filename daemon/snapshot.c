/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exposured/digest.h>

#include "store/store.h"

#include "file.h"
#include "reading.h"
#include "snapshot.h"
#include "utf8.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

/* The fragment and the drop-ins. */
#define FILES_MAX (DROP_IN_PATHS_MAX + 1U)

static void file_state_set(struct file_state *file, const struct stat *st) {
        file->exists = true;
        /* The device's own numbers say nothing: each private /dev has others. */
        if (file_is_null_device(st))
                return;
        file->mtime_nsec = (uint64_t) st->st_mtim.tv_sec * NSEC_PER_SEC + (uint64_t) st->st_mtim.tv_nsec;
        file->inode = st->st_ino;
        file->size = (uint64_t) st->st_size;
}

/* All but the content. The target is put into the buffer, and borrowed. */
static void file_state_look(struct file_state *file, char target[static PATH_MAX]) {
        struct stat st;
        ssize_t n;

        if (lstat(file->path, &st) < 0)
                return;
        if (S_ISLNK(st.st_mode)) {
                n = readlink(file->path, target, PATH_MAX - 1);
                target[n > 0 ? n : 0] = '\0';
                file->target = target;
                if (stat(file->path, &st) < 0)
                        return;
        }
        file_state_set(file, &st);
}

/* What may be read, and what is left for one snapshot. */
struct budget {
        size_t n_contents;
        size_t size;
        bool private;
};

/* That it cannot be read is no error. */
static int file_state_read(struct file_state *file, struct budget *budget) {
        _cleanup_(freep) char *content = NULL;
        size_t length, max = SNAPSHOT_CONTENT_SIZE_MAX;
        struct stat st;
        int r;

        if (file_state_is_mask(file)) {
                file->content = strdup("");
                return file->content ? 0 : -ENOMEM;
        }
        if (budget->n_contents == 0 || !file->exists)
                return 0;
        if (max > budget->size)
                max = budget->size;
        r = file_read_public(file->path, max, budget->private, &st, &content, &length);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || memchr(content, '\0', length))
                return 0;
        /* It may have been replaced since we looked. */
        file_state_set(file, &st);
        file->content = TAKE_PTR(content);
        budget->n_contents--;
        budget->size -= length;
        return 0;
}

static void file_state_done(struct file_state *file) {
        free(file->path);
        free(file->target);
        free(file->content);
        *file = (struct file_state) {};
}

static int copy_string(char **ret, const char *string) {
        *ret = string ? strdup(string) : NULL;
        return string && !*ret ? -ENOMEM : 0;
}

/* Copies a state and appends it. */
static int snapshot_append(struct snapshot *snapshot, const struct file_state *state) {
        struct file_state *grown, *file;

        if (snapshot->n_files >= FILES_MAX)
                return -E2BIG;
        grown = reallocarray(snapshot->files, snapshot->n_files + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        snapshot->files = grown;
        file = &grown[snapshot->n_files];
        *file = *state;
        file->path = file->target = file->content = NULL;
        if (copy_string(&file->path, state->path) < 0 || copy_string(&file->target, state->target) < 0 ||
            copy_string(&file->content, state->content) < 0) {
                file_state_done(file);
                return -ENOMEM;
        }
        snapshot->n_files++;
        return 0;
}

static int snapshot_take_file(struct snapshot *snapshot, const char *path, struct budget *budget) {
        struct file_state state = { .path = (char *) path };
        char target[PATH_MAX];
        int r;

        file_state_look(&state, target);
        r = snapshot_append(snapshot, &state);
        if (r < 0)
                return r;
        return file_state_read(&snapshot->files[snapshot->n_files - 1], budget);
}

int snapshot_take(struct snapshot *ret, const char *fragment, char *const *drop_ins, bool private) {
        _cleanup_(snapshot_done) struct snapshot snapshot = {};
        struct budget budget = { SNAPSHOT_CONTENTS_MAX, SNAPSHOT_SIZE_MAX, private };
        int r = 0;

        if (fragment)
                r = snapshot_take_file(&snapshot, fragment, &budget);
        for (; r >= 0 && drop_ins && *drop_ins; drop_ins++)
                r = snapshot_take_file(&snapshot, *drop_ins, &budget);
        if (r < 0)
                return r;
        *ret = snapshot;
        snapshot = (struct snapshot) {};
        return 0;
}

void snapshot_done(struct snapshot *snapshot) {
        if (!snapshot)
                return;
        for (size_t i = 0; i < snapshot->n_files; i++)
                file_state_done(&snapshot->files[i]);
        free(snapshot->files);
        *snapshot = (struct snapshot) {};
}

const struct file_state *snapshot_find(const struct snapshot *snapshot, const char *path) {
        for (size_t i = 0; i < snapshot->n_files; i++)
                if (streq(snapshot->files[i].path, path))
                        return &snapshot->files[i];
        return NULL;
}

bool file_state_is_mask(const struct file_state *file) {
        return file->exists && file->inode == 0 && file->mtime_nsec == 0 && file->size == 0;
}

static uint64_t digest_file(uint64_t before, const char *path, char role) {
        struct file_state state = { .path = (char *) path };
        char target[PATH_MAX];
        uint64_t numbers[4];

        file_state_look(&state, target);
        numbers[0] = state.exists;
        numbers[1] = state.inode;
        numbers[2] = state.mtime_nsec;
        numbers[3] = state.size;
        before = digest(before, &role, 1);
        before = digest(before, path, strlen(path) + 1);
        if (state.target)
                before = digest(before, state.target, strlen(state.target) + 1);
        return digest(before, numbers, sizeof(numbers));
}

uint64_t files_signature(const char *fragment, char *const *drop_ins) {
        uint64_t signature = DIGEST_NOTHING;

        if (fragment)
                signature = digest_file(signature, fragment, 'f');
        for (; drop_ins && *drop_ins; drop_ins++)
                signature = digest_file(signature, *drop_ins, 'd');
        return signature;
}

void file_state_to_store(const struct file_state *file, struct store_file *ret) {
        *ret = (struct store_file) {
                .path = file->path,
                .target = file->target,
                .content = file->content,
                .mtime_nsec = file->mtime_nsec,
                .inode = file->inode,
                .size = file->size,
        };
}

int snapshot_from_store(struct snapshot *snapshot, const struct store_file *file) {
        /* It is told on the bus. */
        if (!file->path || file->path[0] != '/' || !utf8_is_valid(file->path, strlen(file->path)))
                return -EBADMSG;
        if (file->content && strlen(file->content) > SNAPSHOT_CONTENT_SIZE_MAX)
                return -EBADMSG;
        return snapshot_append(snapshot, &(struct file_state) {
                                                 .path = (char *) file->path,
                                                 .target = (char *) file->target,
                                                 .content = (char *) file->content,
                                                 .mtime_nsec = file->mtime_nsec,
                                                 .inode = file->inode,
                                                 .size = file->size,
                                                 .exists = file->inode != 0 || file->content,
                                         });
}
