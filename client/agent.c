/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "options.h"

/* Milliseconds that an agent has to get ready. */
#define AGENT_TIMEOUT 10000

/*
 * Root needs no leave, nor does anybody for his own services; and polkit elsewhere knows nothing of our
 * terminal.
 */
static bool is_needed(const struct options *options) {
        return options->ask_password && options->transport == TRANSPORT_LOCAL && !options->user &&
               geteuid() != 0 && isatty(STDIN_FILENO);
}

/* Talks to the terminal itself; what it has to say of its own failures is of no use. */
_Noreturn static void agent_process(int notify, pid_t parent) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        char text[16];

        signal(SIGPIPE, SIG_DFL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent || fcntl(notify, F_SETFD, 0) < 0 ||
            null < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
                _exit(EXIT_FAILURE);

        snprintf(text, sizeof(text), "%d", notify);
        execlp("pkttyagent", "pkttyagent", "--notify-fd", text, "--fallback", (char *) NULL);
        _exit(EXIT_FAILURE);
}

/* The agent closes its end when it is ready; so does the kernel when there is none. */
static void wait_until_closed(int fd) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };

        while (poll(&wait, 1, AGENT_TIMEOUT) < 0 && errno == EINTR)
                ;
}

pid_t agent_start(const struct options *options) {
        pid_t pid, self = getpid();
        int fds[2];

        if (!is_needed(options) || pipe2(fds, O_CLOEXEC) < 0)
                return 0;

        pid = fork();
        if (pid == 0)
                agent_process(fds[1], self);
        close(fds[1]);
        if (pid > 0)
                wait_until_closed(fds[0]);
        close(fds[0]);
        return pid > 0 ? pid : 0;
}

pid_t agent_stop(pid_t agent) {
        if (agent <= 0)
                return 0;
        kill(agent, SIGTERM);
        /* One that was stopped does not hear of that until it goes on. */
        kill(agent, SIGCONT);
        while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
                ;
        return 0;
}
