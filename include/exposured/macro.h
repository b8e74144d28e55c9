/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))

#define TAKE_PTR(ptr)                           \
        ({                                      \
                typeof(ptr) *_pptr_ = &(ptr);   \
                typeof(ptr) _ptr_ = *_pptr_;    \
                *_pptr_ = NULL;                 \
                _ptr_;                          \
        })

#define TAKE_FD(fd)                             \
        ({                                      \
                int *_pfd_ = &(fd);             \
                int _fd_ = *_pfd_;              \
                *_pfd_ = -1;                    \
                _fd_;                           \
        })

/* A cleanup function for variables of a pointer type, of a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, destructor)                        \
        static inline void destructor##p(type *p) {             \
                if (*p)                                         \
                        *p = destructor(*p);                    \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}

static inline int streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* Whether both are NULL or the same text. */
static inline int streq_ptr(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}
