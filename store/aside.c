/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "aside.h"
#include "buffer.h"

#define ASIDE_MAX 8U
#define ASIDE_FILES_MAX 32U
#define ASIDE_MARK ".aside-"

static const char *const suffixes[] = { "", "-wal", "-journal", "-shm" };

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

/* 1, 0, or -ELOOP for a link. */
static int file_exists(const char *path) {
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        return S_ISLNK(st.st_mode) ? -ELOOP : 1;
}

int files_exist(const char *path) {
        int exists = 0;

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_(freep) char *name = join(path, suffixes[i], NULL);
                int r = name ? file_exists(name) : -ENOMEM;

                if (r < 0)
                        return r;
                exists |= r;
        }
        return exists;
}

static char *folder_of(const char *path) {
        char *folder = strdup(path);

        if (folder)
                strrchr(folder, '/')[1] = '\0';
        return folder;
}

static bool is_companion(const char *name) {
        size_t length = strlen(name);

        for (size_t i = 1; i < ELEMENTSOF(suffixes); i++) {
                size_t n = strlen(suffixes[i]);

                if (length >= n && streq(name + length - n, suffixes[i]))
                        return true;
        }
        return false;
}

/* Whether there is room for one more. */
static int check_room(const char *path) {
        _cleanup_(freep) char *folder = folder_of(path);
        _cleanup_(freep) char *prefix = join(strrchr(path, '/') + 1, ASIDE_MARK, NULL);
        _cleanup_(closedirp) DIR *dir = NULL;
        const struct dirent *entry;
        unsigned n = 0, n_files = 0;

        if (!folder || !prefix)
                return -ENOMEM;
        dir = opendir(folder);
        if (!dir)
                return -errno;
        while ((errno = 0, entry = readdir(dir))) {
                if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
                        continue;
                n_files++;
                n += !is_companion(entry->d_name);
        }
        if (errno > 0)
                return -errno;
        return n < ASIDE_MAX && n_files < ASIDE_FILES_MAX ? 0 : -EEXIST;
}

/* A name that neither a file nor one that belongs to it has. */
static int choose_name(const char *path, char **ret) {
        time_t now = time(NULL);
        char stamp[64] = "";
        struct tm tm;

        if (gmtime_r(&now, &tm))
                (void) strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
        for (unsigned i = 0; i <= ASIDE_FILES_MAX; i++) {
                _cleanup_(freep) char *name = NULL;
                char number[16];
                int r;

                (void) snprintf(number, sizeof(number), ".%u", i);
                name = join(path, ASIDE_MARK, stamp, number, NULL);
                if (!name)
                        return -ENOMEM;
                r = files_exist(name);
                if (r < 0 && r != -ELOOP)
                        return r;
                if (r == 0) {
                        *ret = TAKE_PTR(name);
                        return 0;
                }
        }
        return -EEXIST;
}

/* 1 where it was renamed, 0 where there is none. */
static int rename_one(const char *from, const char *to) {
        int r;

        r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
        /* Not every file system can. The name was free a moment ago, and the folder is ours alone. */
        if (r < 0 && errno == EINVAL)
                r = rename(from, to);
        if (r < 0)
                return errno == ENOENT ? 0 : -errno;
        return 1;
}

int files_check_writable(const char *path) {
        _cleanup_(freep) char *folder = folder_of(path);

        if (!folder)
                return -ENOMEM;
        if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ||
            faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
                return -errno;
        return 0;
}

int files_sync_folder(const char *path) {
        _cleanup_(freep) char *folder = folder_of(path);
        int r, fd;

        if (!folder)
                return -ENOMEM;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
        (void) close(fd);
        return r;
}

int files_set_aside(const char *path, char **ret_name) {
        _cleanup_(freep) char *chosen = NULL, *first = NULL;
        int r;

        r = check_room(path);
        if (r >= 0)
                r = choose_name(path, &chosen);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_(freep) char *from = join(path, suffixes[i], NULL);
                _cleanup_(freep) char *to = join(chosen, suffixes[i], NULL);

                r = from && to ? rename_one(from, to) : -ENOMEM;
                if (r < 0)
                        return r;
                if (r > 0 && !first)
                        first = TAKE_PTR(to);
        }
        r = files_sync_folder(path);
        if (r < 0)
                return r;
        *ret_name = TAKE_PTR(first);
        return 0;
}
