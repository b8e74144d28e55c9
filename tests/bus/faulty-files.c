/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/*
 * Lets operations on the files below $FAULT_FOLDER fail: the one with the number control->at, or all from that one
 * on. The file $FAULT_CONTROL is a struct control that the test shares with all processes of one story, so that they
 * are counted through, and that it may change at any time. It may turn the clock forward, too, to wait for nothing.
 * To be preloaded.
 */
struct control {
        atomic_llong counted;
        atomic_llong at;                /* < 0: none fails */
        atomic_llong lasting;
        atomic_llong second;            /* the second one of the errors that fit */
        atomic_llong failed;
        atomic_llong forward;           /* s, of clocks that no one can set */
};

enum operation {
        OPEN,
        READ,
        WRITE,
        SYNC,
        TRUNCATE,
        STAT,
        LOCK,
        MAP,
        UNLINK,
        RENAME,
};

static const int errors[][2] = {
        [OPEN] = { EACCES, EMFILE },
        [READ] = { EIO, EIO },
        [WRITE] = { ENOSPC, EIO },
        [SYNC] = { EIO, ENOSPC },
        [TRUNCATE] = { EIO, ENOSPC },
        [STAT] = { EACCES, EIO },
        [LOCK] = { ENOLCK, EIO },
        [MAP] = { ENOMEM, EACCES },
        [UNLINK] = { EACCES, EIO },
        [RENAME] = { ENOSPC, EIO },
};

#define DESCRIPTORS_MAX 1024

static struct control *control;
static const char *folder;
static atomic_bool followed[DESCRIPTORS_MAX];   /* files below the folder */
static atomic_bool turned[DESCRIPTORS_MAX];     /* timers by clocks that are turned */

/* The function of that name which this one stands before. */
static void find(void *ret, const char *name) {
        void *found = dlsym(RTLD_NEXT, name);

        memcpy(ret, &found, sizeof(found));
}

#define REAL(function)                                \
        static __typeof__(function) *real;            \
        if (!real)                                    \
                find(&real, #function)

__attribute__((constructor)) static void open_control(void) {
        const char *path = getenv("FAULT_CONTROL");
        int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
        void *memory;

        if (fd < 0)
                return;
        memory = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void) close(fd);
        if (memory == MAP_FAILED)
                return;
        folder = getenv("FAULT_FOLDER");
        control = memory;
}

static bool fails(enum operation operation) {
        long long n = atomic_fetch_add(&control->counted, 1), at = atomic_load(&control->at);

        if (at < 0 || n < at || (n > at && !atomic_load(&control->lasting)))
                return false;
        (void) atomic_fetch_add(&control->failed, 1);
        errno = errors[operation][atomic_load(&control->second) != 0];
        return true;
}

static bool is_ours(const char *path) {
        return control && folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static bool is_followed(int fd) {
        return control && fd >= 0 && fd < DESCRIPTORS_MAX && atomic_load(&followed[fd]);
}

static void follow(int fd, bool follow) {
        if (fd >= 0 && fd < DESCRIPTORS_MAX)
                atomic_store(&followed[fd], follow);
}

int open(const char *path, int flags, ...) {
        bool ours = is_ours(path);
        mode_t mode = 0;
        va_list ap;
        int fd;

        REAL(open);
        if (flags & O_CREAT) {
                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
        }
        if (ours && fails(OPEN))
                return -1;
        fd = real(path, flags, mode);
        follow(fd, ours);
        return fd;
}

DIR *opendir(const char *path) {
        REAL(opendir);
        return is_ours(path) && fails(OPEN) ? NULL : real(path);
}

int close(int fd) {
        REAL(close);
        follow(fd, false);
        return real(fd);
}

ssize_t read(int fd, void *data, size_t size) {
        REAL(read);
        return is_followed(fd) && fails(READ) ? -1 : real(fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) {
        REAL(pread);
        return is_followed(fd) && fails(READ) ? -1 : real(fd, data, size, at);
}

ssize_t write(int fd, const void *data, size_t size) {
        REAL(write);
        return is_followed(fd) && fails(WRITE) ? -1 : real(fd, data, size);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
        REAL(pwrite);
        return is_followed(fd) && fails(WRITE) ? -1 : real(fd, data, size, at);
}

/* What is not failing returns at once: no power fails here. */
int fsync(int fd) {
        REAL(fsync);
        if (is_followed(fd))
                return fails(SYNC) ? -1 : 0;
        return real(fd);
}

int fdatasync(int fd) {
        REAL(fdatasync);
        if (is_followed(fd))
                return fails(SYNC) ? -1 : 0;
        return real(fd);
}

int ftruncate(int fd, off_t size) {
        REAL(ftruncate);
        return is_followed(fd) && fails(TRUNCATE) ? -1 : real(fd, size);
}

int fchmod(int fd, mode_t mode) {
        REAL(fchmod);
        return is_followed(fd) && fails(STAT) ? -1 : real(fd, mode);
}

int fstat(int fd, struct stat *ret) {
        REAL(fstat);
        return is_followed(fd) && fails(STAT) ? -1 : real(fd, ret);
}

int stat(const char *path, struct stat *ret) {
        REAL(stat);
        return is_ours(path) && fails(STAT) ? -1 : real(path, ret);
}

int lstat(const char *path, struct stat *ret) {
        REAL(lstat);
        return is_ours(path) && fails(STAT) ? -1 : real(path, ret);
}

int access(const char *path, int mode) {
        REAL(access);
        return is_ours(path) && fails(STAT) ? -1 : real(path, mode);
}

int faccessat(int fd, const char *path, int mode, int flags) {
        REAL(faccessat);
        return is_ours(path) && fails(STAT) ? -1 : real(fd, path, mode, flags);
}

/* What is let go is let go. */
int fcntl(int fd, int command, ...) {
        void *argument;
        va_list ap;

        REAL(fcntl);
        va_start(ap, command);
        argument = va_arg(ap, void *);
        va_end(ap);
        if (command == F_SETLK && is_followed(fd) && ((struct flock *) argument)->l_type != F_UNLCK && fails(LOCK))
                return -1;
        return real(fd, command, argument);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t at) {
        REAL(mmap);
        return is_followed(fd) && fails(MAP) ? MAP_FAILED : real(address, size, protection, flags, fd, at);
}

int unlink(const char *path) {
        REAL(unlink);
        return is_ours(path) && fails(UNLINK) ? -1 : real(path);
}

int rename(const char *from, const char *to) {
        REAL(rename);
        return is_ours(from) && fails(RENAME) ? -1 : real(from, to);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
        REAL(renameat2);
        return is_ours(from) && fails(RENAME) ? -1 : real(from_fd, from, to_fd, to, flags);
}

/* The clocks that timers go by, and what SQLite waits for a lock. */

int usleep(useconds_t usec) {
        REAL(usleep);
        return control ? 0 : real(usec);
}

static bool is_turned(clockid_t clock) {
        return control && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME);
}

int clock_gettime(clockid_t clock, struct timespec *ts) {
        int r;

        REAL(clock_gettime);
        r = real(clock, ts);
        if (r == 0 && is_turned(clock))
                ts->tv_sec += (time_t) atomic_load(&control->forward);
        return r;
}

int timerfd_create(int clock, int flags) {
        int fd;

        REAL(timerfd_create);
        fd = real(clock, flags);
        if (fd >= 0 && fd < DESCRIPTORS_MAX)
                atomic_store(&turned[fd], is_turned(clock));
        return fd;
}

/* A time that has passed by the clock that was turned must not be 0, which would be never. */
int timerfd_settime(int fd, int flags, const struct itimerspec *time, struct itimerspec *ret_old) {
        struct itimerspec back = *time;

        REAL(timerfd_settime);
        if (fd >= 0 && fd < DESCRIPTORS_MAX && atomic_load(&turned[fd]) && flags & TFD_TIMER_ABSTIME &&
            (time->it_value.tv_sec > 0 || time->it_value.tv_nsec > 0)) {
                back.it_value.tv_sec -= (time_t) atomic_load(&control->forward);
                if (back.it_value.tv_sec < 1)
                        back.it_value.tv_sec = 1;
        }
        return real(fd, flags, &back, ret_old);
}
