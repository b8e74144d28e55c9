/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "buffer.h"

static int buffer_grow(struct buffer *buffer, size_t more) {
        size_t needed = buffer->length + more + 1, allocated;
        char *grown;

        if (needed <= buffer->allocated)
                return 0;
        allocated = needed < 128 ? 128 : needed * 2;
        grown = reallocarray(buffer->data, allocated, 1);
        if (!grown)
                return buffer->error = -ENOMEM;
        buffer->data = grown;
        buffer->allocated = allocated;
        return 0;
}

void buffer_add(struct buffer *buffer, const char *text) {
        size_t length = strlen(text);

        if (buffer->error < 0 || buffer_grow(buffer, length) < 0)
                return;
        memcpy(buffer->data + buffer->length, text, length + 1);
        buffer->length += length;
}

void buffer_format(struct buffer *buffer, const char *format, ...) {
        char piece[256];
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(piece, sizeof(piece), format, ap);
        va_end(ap);

        if (n < 0 || (size_t) n >= sizeof(piece))
                buffer->error = -EINVAL;
        else
                buffer_add(buffer, piece);
}

int buffer_take(struct buffer *buffer, char **ret) {
        buffer_add(buffer, "");
        if (buffer->error < 0)
                return buffer->error;
        *ret = TAKE_PTR(buffer->data);
        *buffer = (struct buffer) {};
        return 0;
}

char *join(const char *text, ...) {
        struct buffer buffer = {};
        char *joined = NULL;
        va_list ap;

        va_start(ap, text);
        for (; text; text = va_arg(ap, const char *))
                buffer_add(&buffer, text);
        va_end(ap);
        (void) buffer_take(&buffer, &joined);
        buffer_done(&buffer);
        return joined;
}

void buffer_done(struct buffer *buffer) {
        free(buffer->data);
        *buffer = (struct buffer) {};
}
