/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client-output.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

void use_utf8(void) {
        ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
}

struct output *output_new(unsigned columns) {
        struct output *output = calloc(1, sizeof(*output));

        ck_assert_ptr_nonnull(output);
        use_utf8();
        *output = (struct output) { .utf8 = true, .terminal = columns > 0, .columns = columns, .fd = -1 };
        output->stream = open_memstream(&output->buffer, &output->size);
        ck_assert_ptr_nonnull(output->stream);
        return output;
}

/* Ends what a memory stream holds, and lets the next print begin anew. */
static const char *take_text(FILE *stream, char *const *buffer, const size_t *size) {
        ck_assert_int_eq(fflush(stream), 0);
        (*buffer)[*size] = '\0';
        ck_assert_int_eq(fseeko(stream, 0, SEEK_SET), 0);
        return *buffer;
}

const char *output_text(struct output *output) {
        return take_text(output->stream, &output->buffer, &output->size);
}

struct output *output_free(struct output *output) {
        output_done(output);
        free(output);
        return NULL;
}

static char *stderr_buffer;
static size_t stderr_size;

void keep_stderr(void) {
        stderr = open_memstream(&stderr_buffer, &stderr_size);
        ck_assert_ptr_nonnull(stderr);
}

const char *stderr_text(void) {
        return take_text(stderr, &stderr_buffer, &stderr_size);
}
