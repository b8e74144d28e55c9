/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"

/* Standard error as it was. */
static int saved = -1;

void capture_start(void) {
        int fd = memfd_create("stderr", MFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        (void) fflush(stderr);
        saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        ck_assert_int_ge(saved, 0);
        ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
        (void) close(fd);
}

char *capture_end(void) {
        off_t size;
        char *text;

        (void) fflush(stderr);
        size = lseek(STDERR_FILENO, 0, SEEK_END);
        ck_assert_int_ge(size, 0);
        text = calloc(1, (size_t) size + 1);
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(pread(STDERR_FILENO, text, (size_t) size, 0), size);
        ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
        (void) close(saved);
        saved = -1;

        return text;
}
