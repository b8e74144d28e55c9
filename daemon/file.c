/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "file.h"

static void closep(int *fd) {
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

/* A link to /dev/null is how files are masked: it reads as empty. */
static bool is_null_device(const struct stat *st) {
        return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

int file_read(const char *path, size_t size_max, char **ret_text, size_t *ret_length) {
        _cleanup_(closep) int fd = -1;
        _cleanup_(freep) char *text = NULL;
        size_t length = 0;
        struct stat st;
        int r;

        /* A pipe must not hold us up. */
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (is_null_device(&st))
                st.st_size = 0;
        else if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if ((size_t) st.st_size > size_max)
                return -EFBIG;
        /* It may grow while we read. */
        text = malloc((size_t) st.st_size + 2);
        if (!text)
                return -ENOMEM;
        r = read_all(fd, text, (size_t) st.st_size + 1, &length);
        if (r < 0)
                return r;
        if (length > (size_t) st.st_size)
                return -EAGAIN;
        text[length] = '\0';
        *ret_text = TAKE_PTR(text);
        *ret_length = length;
        return 0;
}
