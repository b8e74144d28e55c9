/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

/* The linker puts these in place of what our objects call. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

/* The compiler believes that to allocate changes nothing it can see. */
static volatile bool counting, exhausted, exhausted_for_arrays;
static volatile size_t n_allocations, failing;

static bool fails(void) {
        if (!counting || (n_allocations++ != failing && !exhausted))
                return false;
        errno = ENOMEM;
        return true;
}

void *__wrap_malloc(size_t size) {
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return fails() || exhausted_for_arrays ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s) {
        return fails() ? NULL : __real_strdup(s);
}

size_t memory_fail_each(int (*attempt)(void *userdata), void *userdata) {
        for (failing = 0;; failing++) {
                int r;

                n_allocations = 0;
                counting = true;
                r = attempt(userdata);
                counting = false;
                if (n_allocations <= failing) {
                        ck_assert_int_ge(r, 0);
                        return n_allocations;
                }
                ck_assert_msg(r == -ENOMEM, "%d with allocation %zu failing", r, failing);
        }
}

void memory_fail_once(size_t n) {
        failing = n;
        n_allocations = 0;
        counting = true;
}

void memory_run_out(void) {
        exhausted = true;
        memory_fail_once(0);
}

void memory_run_out_for_arrays(void) {
        exhausted_for_arrays = true;
        memory_fail_once(SIZE_MAX);
}

size_t memory_return(void) {
        counting = exhausted = exhausted_for_arrays = false;
        return n_allocations;
}
