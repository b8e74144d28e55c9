/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount-namespace.h"

static bool write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool written;

        if (fd < 0)
                return false;
        written = write(fd, text, strlen(text)) == (ssize_t) strlen(text);
        return close(fd) == 0 && written;
}

/* Who is not root becomes one of a namespace of users. */
static bool enter_as_user(void) {
        char map[64];

        (void) snprintf(map, sizeof(map), "0 %u 1\n", (unsigned) geteuid());
        return unshare(CLONE_NEWUSER | CLONE_NEWNS) >= 0 &&
                write_text("/proc/self/setgroups", "deny") &&
                write_text("/proc/self/uid_map", map);
}

static bool enter(void) {
        if (geteuid() == 0 ? unshare(CLONE_NEWNS) < 0 : !enter_as_user())
                return false;
        return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) >= 0;
}

bool mount_namespace_possible(void) {
        int status = -1;
        pid_t pid = fork();

        if (pid == 0)
                _exit(enter() && mount("tmpfs", "/tmp", "tmpfs", 0, "size=64k") >= 0 ? 0 : 1);
        return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void mount_namespace_enter(void) {
        ck_assert_msg(enter(), "no mounts of our own: %s", strerror(errno));
}

void mount_memory(const char *folder, unsigned long size) {
        char options[64];

        (void) snprintf(options, sizeof(options), "mode=0700,size=%lu", size);
        ck_assert_msg(mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options) >= 0, "%s: %s", folder,
                      strerror(errno));
}

void mount_set_read_only(const char *folder, bool read_only) {
        unsigned long flags = MS_REMOUNT | MS_NOSUID | MS_NODEV | (read_only ? MS_RDONLY : 0);

        ck_assert_msg(mount("tmpfs", folder, "tmpfs", flags, NULL) >= 0, "%s: %s", folder, strerror(errno));
}
