/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aside.h"
#include "buffer.h"
#include "create.h"
#include "database.h"
#include "schema.h"

/* Only ever holds what a crash left half-made. */
static int remove_unfinished(const char *path) {
        static const char *const suffixes[] = { "", "-journal", "-wal", "-shm" };

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_(freep) char *name = join(path, suffixes[i], NULL);

                if (!name)
                        return -ENOMEM;
                if (unlink(name) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int create_file(const char *path) {
        int fd, r;

        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = fchmod(fd, 0600) < 0 ? -errno : 0;
        (void) close(fd);
        return r;
}

static int create_schema(const char *path) {
        _cleanup_(database_closep) sqlite3 *db = NULL;
        _cleanup_(freep) char *mode = NULL;
        int r;

        r = database_open(&db, path);
        if (r >= 0)
                r = schema_create(db);
        if (r >= 0)
                r = database_get_text(db, "PRAGMA journal_mode=WAL", &mode);
        if (r < 0)
                return r;
        database_trust(db);
        return streq(mode, "wal") ? 0 : -EOPNOTSUPP;
}

static int publish(const char *unfinished, const char *path) {
        int r;

        r = renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, RENAME_NOREPLACE);
        if (r < 0 && errno == EINVAL && access(path, F_OK) < 0)
                r = rename(unfinished, path);
        return r < 0 ? -errno : files_sync_folder(path);
}

int database_create(const char *path) {
        _cleanup_(freep) char *unfinished = join(path, ".new", NULL);
        int r;

        if (!unfinished)
                return -ENOMEM;
        r = remove_unfinished(unfinished);
        if (r >= 0)
                r = create_file(unfinished);
        if (r >= 0)
                r = create_schema(unfinished);
        if (r >= 0)
                r = publish(unfinished, path);
        if (r < 0)
                (void) remove_unfinished(unfinished);
        return r;
}
