/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-login.h>

#include <exposured/macro.h>

#include "environment.h"

#define MAX_WORDS 32
#define BLANKS " \t\n"

/* Whether somebody looks at this with more rights than are his own: then the pager shall start nothing. */
static bool has_foreign_rights(void) {
        const char *sudo = getenv("SUDO_UID");
        uid_t owner;

        if (geteuid() != getuid() || (sudo && strtoul(sudo, NULL, 10) != geteuid()))
                return true;
        return sd_pid_get_owner_uid(0, &owner) < 0 || owner != geteuid();
}

/* $SYSTEMD_PAGERSECURE decides, and says that the caller knows the pager; else what rights there are. */
static bool is_secure(bool *ret_trusted) {
        int said = environment_boolean("SYSTEMD_PAGERSECURE");
        bool secure = said >= 0 ? said : has_foreign_rights();

        *ret_trusted = said >= 0 || !secure;
        return secure;
}

/* The command that is asked for, NULL where that is none at all. One that is not trusted can only be none. */
static const char *pager_command(bool trusted) {
        const char *command = getenv("SYSTEMD_PAGER");

        if (!command)
                command = getenv("PAGER");
        if (!command)
                return "less";

        command += strspn(command, BLANKS);
        if (*command == '\0' || streq(command, "cat"))
                return NULL;
        return trusted ? command : "less";
}

static void set_environment(bool utf8, bool secure) {
        const char *options = getenv("SYSTEMD_LESS"), *charset = getenv("SYSTEMD_LESSCHARSET");

        setenv("LESS", options ?: "FRSXMK", true);
        if (charset || utf8)
                setenv("LESSCHARSET", charset ?: "utf-8", true);
        if (secure)
                setenv("LESSSECURE", "1", true);
}

/* Returns only where that cannot be run. */
static void execute(const char *command) {
        char *words[MAX_WORDS + 1] = {}, *copy = strdup(command), *position;
        size_t n = 0;

        if (!copy)
                return;
        for (char *word = strtok_r(copy, BLANKS, &position); word && n < MAX_WORDS;
             word = strtok_r(NULL, BLANKS, &position))
                words[n++] = word;

        if (n > 0)
                execvp(words[0], words);
        free(copy);
}

/* What is done without any pager: copies input to output. */
static void copy_through(void) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0)
                for (ssize_t done = 0, written; done < n; done += written) {
                        written = write(STDOUT_FILENO, buffer + done, (size_t) (n - done));
                        if (written < 0)
                                return;
                }
}

_Noreturn static void pager_process(const char *command, bool utf8, bool secure, const int fds[static 2],
                                    pid_t parent) {
        signal(SIGPIPE, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || dup2(fds[0], STDIN_FILENO) < 0)
                _exit(EXIT_FAILURE);
        /* There is no end to read as long as we hold the other one. */
        close(fds[1]);

        set_environment(utf8, secure);
        execute(command);
        execute("less");
        /* It knows nothing of security. */
        if (!secure)
                execute("more");
        copy_through();
        _exit(EXIT_SUCCESS);
}

void pager_open(bool utf8, pid_t *pager, int *fd) {
        bool trusted, secure = is_secure(&trusted);
        const char *command = pager_command(trusted);
        pid_t pid, self = getpid();
        int fds[2];

        if (!command || pipe2(fds, O_CLOEXEC) < 0)
                return;

        pid = fork();
        if (pid == 0)
                pager_process(command, utf8, secure, fds, self);
        close(fds[0]);
        if (pid < 0) {
                close(fds[1]);
                return;
        }

        /* An interrupt is for the pager to handle; its end is ours. */
        signal(SIGINT, SIG_IGN);
        *pager = pid;
        *fd = fds[1];
}

void pager_close(pid_t pager, int fd) {
        close(fd);
        while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
                ;
}
