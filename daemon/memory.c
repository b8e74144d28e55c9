/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

/* Code is never written to, so that dropping it loses nothing; a page that is needed comes back by itself. */
static int release_code(struct dl_phdr_info *info, size_t size, void *userdata) {
        uintptr_t page = (uintptr_t) sysconf(_SC_PAGESIZE);

        (void) size;
        (void) userdata;
        for (unsigned i = 0; i < info->dlpi_phnum; i++) {
                const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
                uintptr_t begin = (info->dlpi_addr + segment->p_vaddr + page - 1) & ~(page - 1);
                uintptr_t end = (info->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~(page - 1);

                if (segment->p_type == PT_LOAD && (segment->p_flags & (PF_R | PF_W | PF_X)) == (PF_R | PF_X) &&
                    begin < end)
                        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
                        (void) madvise((void *) begin, end - begin, MADV_DONTNEED);
        }
        return 0;
}

void memory_release(void) {
        (void) malloc_trim(0);
        (void) dl_iterate_phdr(release_code, NULL);
}

void memory_set_up(void) {
        /* Once a value is given, the C library does not raise it any more after the first long message. */
        (void) mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        /* At rest all is given back; meanwhile that would take longer than many an answer. */
        (void) mallopt(M_TRIM_THRESHOLD, 256 * 1024);
        (void) mallopt(M_TOP_PAD, 64 * 1024);
        (void) mallopt(M_ARENA_MAX, 1);
}
