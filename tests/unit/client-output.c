/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "client-output.h"

/* Room for all that a test prints on standard error between two looks at it. */
static char stderr_buffer[4096];

static char *last_text;

void use_utf8(void) {
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

static void open_stream(struct output *output) {
        output->stream = open_memstream(&output->buffer, &output->size);
        ck_assert_ptr_nonnull(output->stream);
}

struct output *output_new(unsigned columns) {
        struct output *output = calloc(1, sizeof(*output));

        ck_assert_ptr_nonnull(output);
        use_utf8();
        *output = (struct output) { .utf8 = true, .terminal = columns > 0, .columns = columns, .fd = -1 };
        open_stream(output);
        return output;
}

const char *output_text(struct output *output) {
        ck_assert_int_eq(fclose(output->stream), 0);
        free(last_text);
        last_text = output->buffer;
        open_stream(output);
        return last_text;
}

struct output *output_free(struct output *output) {
        output_done(output);
        free(output);
        free(last_text);
        last_text = NULL;
        return NULL;
}

void assert_harmless(const char *text) {
        static const char *const hostile[] = { "\033", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xf3\xa0\x81\x81" };

        ck_assert_ptr_nonnull(strstr(text, "\\x1b[31m"));
        for (size_t i = 0; i < ELEMENTSOF(hostile); i++)
                ck_assert_ptr_null(strstr(text, hostile[i]));
}

void keep_stderr(void) {
        int fd = memfd_create("stderr", MFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
        close(fd);
}

const char *stderr_text(void) {
        ssize_t n;

        fflush(stderr);
        n = pread(STDERR_FILENO, stderr_buffer, sizeof(stderr_buffer) - 1, 0);
        ck_assert_int_ge(n, 0);
        stderr_buffer[n] = '\0';
        ck_assert_int_eq(ftruncate(STDERR_FILENO, 0), 0);
        ck_assert_int_eq(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
        return stderr_buffer;
}
