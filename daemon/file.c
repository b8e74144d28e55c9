/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "file.h"

static void closep(const int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static int read_all(int fd, char *text, size_t size, size_t *ret_length) {
        size_t n = 0;
        ssize_t k;

        while (n < size && (k = read(fd, text + n, size - n)) != 0) {
                if (k < 0 && errno != EINTR)
                        return -errno;
                n += k > 0 ? (size_t) k : 0;
        }
        *ret_length = n;
        return 0;
}

bool file_is_null_device(const struct stat *st) {
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

bool file_is_missing(const char *path) {
        struct stat st;

        return lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* A pipe must not hold us up. */
static int open_for_reading(const char *path, int *ret_fd, struct stat *ret_stat) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd < 0 || fstat(fd, ret_stat) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int read_text(int fd, size_t size, size_t size_max, char **ret_text, size_t *ret_length) {
        _cleanup_(freep) char *text = NULL;
        size_t length = 0;
        int r;

        if (size > size_max)
                return -EFBIG;
        /* It may grow while we read. */
        text = malloc(size + 2);
        if (!text)
                return -ENOMEM;
        r = read_all(fd, text, size + 1, &length);
        if (r < 0)
                return r;
        if (length > size)
                return -EAGAIN;
        text[length] = '\0';
        *ret_text = TAKE_PTR(text);
        *ret_length = length;
        return 0;
}

int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_length) {
        _cleanup_(closep) int fd = -1;
        struct stat st;
        int r;

        r = open_for_reading(path, &fd, &st);
        if (r < 0)
                return r;
        if (file_is_null_device(&st))
                st.st_size = 0;
        else if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        return read_text(fd, (size_t) st.st_size, size_max, ret_text, ret_length);
}

static bool may_be_told(const struct stat *st, bool private) {
        return S_ISREG(st->st_mode) && (private || (st->st_mode & S_IROTH));
}

int file_read_public(const char *path, size_t size_max, bool private, struct stat *ret_stat, char **ret_text,
                     size_t *ret_length) {
        _cleanup_(closep) int fd = -1;
        int r;

        /* To open a device may already do something; what was opened may be another file than that. */
        if (stat(path, ret_stat) < 0)
                return -errno;
        if (!may_be_told(ret_stat, private))
                return -EACCES;
        r = open_for_reading(path, &fd, ret_stat);
        if (r < 0)
                return r;
        if (!may_be_told(ret_stat, private))
                return -EACCES;
        return read_text(fd, (size_t) ret_stat->st_size, size_max, ret_text, ret_length);
}
