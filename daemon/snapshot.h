/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_file;

/*
 * Snapshot: the files that the settings of one unit come from, as they are at one time. Of the system's
 * units only what everyone may read is ever read, so that what is told of it tells no secrets; of a
 * user's what that user may, who alone is told.
 */

/* Of one unit. What is beyond is stated without its content. */
#define SNAPSHOT_CONTENTS_MAX 64U
#define SNAPSHOT_CONTENT_SIZE_MAX ((size_t) 64 * 1024)
#define SNAPSHOT_SIZE_MAX ((size_t) 256 * 1024)

struct file_state {
        char *path;
        char *target;           /* where the link points; NULL: it is none */
        char *content;          /* NULL: not to be read, too large, no text, no file */
        uint64_t mtime_nsec, inode, size; /* of what the path leads to; 0 for /dev/null, which is empty */
        bool exists;            /* it leads to something that can be seen; else the numbers are 0 too */
};

/* The fragment first, where there is one, then the drop-ins in their order. */
struct snapshot {
        struct file_state *files;
        size_t n_files;
};

/*
 * fragment and drop_ins may be NULL. With private, what is not for everyone is read too, as far as we may.
 * 0, -ENOMEM, or -E2BIG where there are more paths than a unit has.
 */
int snapshot_take(struct snapshot *ret, const char *fragment, char *const *drop_ins, bool private);

/* Frees what it holds, and leaves an empty one. Takes NULL. */
void snapshot_done(struct snapshot *snapshot);

/* The state of that path, or NULL. */
const struct file_state *snapshot_find(const struct snapshot *snapshot, const char *path);

/* Whether a file is there to mask another: it is a link to /dev/null. */
bool file_state_is_mask(const struct file_state *file);

/*
 * A number that differs when a path, target, inode, mtime or size does. Looks, but reads and allocates
 * nothing. The same for the same files in another process and after a reboot, on disks that keep inodes.
 */
uint64_t files_signature(const char *fragment, char *const *drop_ins);

/* What the store is to keep; it borrows from the file. */
void file_state_to_store(const struct file_state *file, struct store_file *ret);

/*
 * Appends a copy. 0, -ENOMEM, or with nothing appended -EBADMSG where it cannot be the state of a file,
 * -E2BIG.
 */
int snapshot_from_store(struct snapshot *snapshot, const struct store_file *file);
