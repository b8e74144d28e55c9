/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Lets one allocation of a program fail: the first that comes from the place $FAULT_AT, after main() began. A place is
 * what called what to get there, as a number that is the same in each run of a build. All that were seen are written to
 * $FAULT_PLACES at the end. To be preloaded, which covers what libraries allocate, too.
 */
#define DEPTH 24
#define MODULES_MAX 64
#define PLACES_MAX 32768U

static atomic_bool counting;
static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Thread_local bool looking;
static uint64_t failing;
static bool failed;
static uint64_t places[PLACES_MAX];     /* a hash table, 0 is an empty row */
static size_t n_places;

/* Where the parts of the program lie in memory, which differs from run to run. */
static struct module {
        uintptr_t begin, end;
} modules[MODULES_MAX];
static size_t n_modules;

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

static int add_module(struct dl_phdr_info *info, size_t size, void *userdata) {
        struct module *module = &modules[n_modules];

        (void) size;
        (void) userdata;
        if (n_modules == MODULES_MAX)
                abort();
        *module = (struct module) { UINTPTR_MAX, 0 };
        for (size_t i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
                uintptr_t begin = info->dlpi_addr + segment->p_vaddr;

                if (segment->p_type != PT_LOAD)
                        continue;
                module->begin = begin < module->begin ? begin : module->begin;
                module->end = begin + segment->p_memsz > module->end ? begin + segment->p_memsz : module->end;
        }
        n_modules++;
        return 0;
}

static uint64_t address_within_module(uintptr_t address) {
        for (size_t i = 0; i < n_modules; i++)
                if (address >= modules[i].begin && address < modules[i].end)
                        return (uint64_t) i << 48 | (address - modules[i].begin);
        return 0;
}

static uint64_t place_of_call(void) {
        void *frames[DEPTH];
        int n = backtrace(frames, DEPTH);
        uint64_t hash = 0xcbf29ce484222325;

        for (int i = 0; i < n; i++)
                hash = (hash ^ address_within_module((uintptr_t) frames[i])) * 0x100000001b3;
        return hash == 0 ? 1 : hash;
}

static void add_place(uint64_t place) {
        size_t i = (place ^ place >> 32) % PLACES_MAX;

        while (places[i] != 0 && places[i] != place)
                i = (i + 1) % PLACES_MAX;
        if (places[i] == place)
                return;
        if (++n_places == PLACES_MAX)
                abort();
        places[i] = place;
}

static bool fails(void) {
        uint64_t place;
        bool now;

        if (!atomic_load_explicit(&counting, memory_order_relaxed) || looking)
                return false;
        looking = true;
        place = place_of_call();
        while (atomic_flag_test_and_set_explicit(&busy, memory_order_acquire))
                ;
        add_place(place);
        now = place == failing && !failed;
        failed = failed || now;
        atomic_flag_clear_explicit(&busy, memory_order_release);
        looking = false;
        if (now)
                errno = ENOMEM;
        return now;
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

static void tell_places(void) {
        const char *path = getenv("FAULT_PLACES");
        FILE *f;

        atomic_store(&counting, false);
        f = path ? fopen(path, "we") : NULL;
        if (!f)
                return;
        for (size_t i = 0; i < PLACES_MAX; i++)
                if (places[i] != 0)
                        (void) fprintf(f, "%016" PRIx64 "\n", places[i]);
        (void) fclose(f);
}

static int (*real_main)(int argc, char **argv, char **envp);

static int counted_main(int argc, char **argv, char **envp) {
        const char *at = getenv("FAULT_AT");

        failing = at ? strtoull(at, NULL, 16) : 0;
        (void) dl_iterate_phdr(add_module, NULL);
        /* The first one loads a library. */
        (void) place_of_call();
        (void) atexit(tell_places);
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
