/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/*
 * Moves the time of day of a program by so many seconds as the first eight bytes of the file $FAULT_CLOCK say at the
 * moment. To be preloaded: the clock of a container is that of its host.
 */
static const volatile long long *offset;

__attribute__((constructor)) static void open_offset(void) {
        const char *path = getenv("FAULT_CLOCK");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *memory;

        if (fd < 0)
                return;
        memory = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
        (void) close(fd);
        if (memory != MAP_FAILED)
                offset = memory;
}

int clock_gettime(clockid_t clock, struct timespec *ts) {
        static int (*real)(clockid_t clock, struct timespec *ts);
        int r;

        if (!real) {
                void *found = dlsym(RTLD_NEXT, "clock_gettime");

                memcpy(&real, &found, sizeof(real));
        }
        r = real(clock, ts);
        if (r == 0 && clock == CLOCK_REALTIME && offset)
                ts->tv_sec += *offset;
        return r;
}
