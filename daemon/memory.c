/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

/* Bytes, of all that is in memory. Below that nothing is won by what has to be read again. */
#define RESIDENT_MAX (4800U * 1024U)

/* What is in memory now, in bytes; SIZE_MAX where nobody says. */
static size_t resident_size(void) {
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        char text[128], *end;
        ssize_t n;

        if (fd < 0)
                return SIZE_MAX;
        n = read(fd, text, sizeof(text) - 1);
        (void) close(fd);
        text[n > 0 ? n : 0] = '\0';
        /* All, and of that what is resident, in pages. */
        (void) strtoull(text, &end, 10);
        return *end == ' ' ? strtoull(end, NULL, 10) * (size_t) sysconf(_SC_PAGESIZE) : SIZE_MAX;
}

/* These are never written to, so that dropping them loses nothing; a page that is needed comes back by itself. */
static int release_segments(struct dl_phdr_info *info, size_t size, void *userdata) {
        uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);
        const bool *code = userdata;

        (void) size;
        for (unsigned i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
                uintptr_t begin = (info->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
                uintptr_t end = (info->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);

                if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) &&
                    (*code || !(segment->p_flags & PF_X)) && begin < end)
                        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
                        (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
        }
        return 0;
}

static void release(bool code) {
        (void) dl_iterate_phdr(release_segments, &code);
}

void memory_release(bool first) {
        (void) malloc_trim(0);
        /* What is read of symbols and relocations at the start is not needed any more. */
        if (first)
                release(false);
        if (resident_size() > RESIDENT_MAX)
                release(true);
}

void memory_set_up(void) {
        /* Once a value is given, the C library does not raise it any more after the first long message. */
        (void) mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        /* At rest all is given back; meanwhile that would take longer than many an answer. */
        (void) mallopt(M_TRIM_THRESHOLD, 256 * 1024);
        (void) mallopt(M_TOP_PAD, 64 * 1024);
        (void) mallopt(M_ARENA_MAX, 1);
}
