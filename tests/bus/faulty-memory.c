/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Lets one allocation of a program fail: the one with the number $FAULT_AT, counted from main() on. How many there
 * were is written to $FAULT_COUNT at the end. To be preloaded, which covers what libraries allocate, too.
 */
static atomic_bool counting;
static atomic_long counted;
static long failing = -1;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);
void *reallocarray(void *p, size_t n, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **ret, size_t alignment, size_t size);
int __libc_start_main(int (*main_fn)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);

static bool fails(void) {
        if (!atomic_load_explicit(&counting, memory_order_relaxed))
                return false;
        if (atomic_fetch_add(&counted, 1) != failing)
                return false;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size) {
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
        return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
        return fails() ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t n, size_t size) {
        size_t all;

        if (__builtin_mul_overflow(n, size, &all)) {
                errno = ENOMEM;
                return NULL;
        }
        return realloc(p, all);
}

void *memalign(size_t alignment, size_t size) {
        return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
        return memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size) {
        *ret = memalign(alignment, size);
        return *ret ? 0 : ENOMEM;
}

static void tell_count(void) {
        const char *path = getenv("FAULT_COUNT");
        FILE *f;

        atomic_store(&counting, false);
        f = path ? fopen(path, "we") : NULL;
        if (!f)
                return;
        (void) fprintf(f, "%ld\n", atomic_load(&counted));
        (void) fclose(f);
}

static int (*real_main)(int argc, char **argv, char **envp);

static int counted_main(int argc, char **argv, char **envp) {
        const char *at = getenv("FAULT_AT");

        failing = at ? strtol(at, NULL, 10) : -1;
        (void) atexit(tell_count);
        atomic_store(&counting, true);
        return real_main(argc, argv, envp);
}

int __libc_start_main(int (*main_fn)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
        int (*start)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void),
                     void *);
        void *found = dlsym(RTLD_NEXT, "__libc_start_main");

        memcpy(&start, &found, sizeof(start));
        real_main = main_fn;
        return start(counted_main, argc, argv, init, fini, rtld_fini, stack_end);
}
