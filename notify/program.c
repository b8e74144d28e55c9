/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <exposured/macro.h>

#include "cleanup.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

/* What stands between a terminal and the command that is run in it. */
static const struct {
        const char *name, *words[2];
} terminals[] = {
        { "xdg-terminal-exec", { NULL } },
        { "$TERMINAL", { "-e" } },
        { "x-terminal-emulator", { "-e" } },
        { "ptyxis", { "--new-window", "--" } },
        { "kgx", { "--" } },
        { "gnome-terminal", { "--" } },
        { "konsole", { "-e" } },
        { "xfce4-terminal", { "-x" } },
        { "mate-terminal", { "-x" } },
        { "qterminal", { "-e" } },
        { "lxterminal", { "-e" } },
        { "foot", { NULL } },
        { "kitty", { NULL } },
        { "alacritty", { "-e" } },
        { "wezterm", { "start", "--" } },
        { "urxvt", { "-e" } },
        { "xterm", { "-e" } },
};

void command_done(struct command *command) {
        free(command->path);
        for (size_t i = 0; i < command->n_variables; i++)
                free(command->variables[i]);
        *command = (struct command) {};
}

int command_add(struct command *command, const char *word) {
        if (command->n_words >= COMMAND_WORDS_MAX)
                return -E2BIG;
        command->words[command->n_words++] = word;
        return 0;
}

int command_set(struct command *command, const char *name, const char *value) {
        if (command->n_variables >= COMMAND_VARIABLES_MAX)
                return -E2BIG;
        if (asprintf(&command->variables[command->n_variables], "%s=%s", name, value) < 0)
                return -ENOMEM;
        command->n_variables++;
        return 0;
}

static char *find_in(const char *folder, size_t length, const char *name) {
        char *path;

        if (length == 0 || *folder != '/')
                return NULL;
        if (asprintf(&path, "%.*s/%s", (int) length, folder, name) < 0)
                return NULL;
        if (access(path, X_OK) == 0)
                return path;
        free(path);
        return NULL;
}

char *program_find(const char *name) {
        const char *folders = getenv("PATH") ?: DEFAULT_PATH;

        if (*name == '/')
                return access(name, X_OK) == 0 ? strdup(name) : NULL;
        if (!*name || strchr(name, '/'))
                return NULL;
        for (;;) {
                size_t length = strcspn(folders, ":");
                char *path = find_in(folders, length, name);

                if (path || !folders[length])
                        return path;
                folders += length + 1;
        }
}

int command_init_terminal(struct command *command) {
        int r = 0;

        *command = (struct command) {};
        for (size_t i = 0; i < ELEMENTSOF(terminals); i++) {
                const char *name = terminals[i].name;

                if (*name == '$')
                        name = getenv(name + 1) ?: "";
                command->path = program_find(name);
                if (!command->path)
                        continue;
                r = command_add(command, command->path);
                for (size_t k = 0; r >= 0 && k < ELEMENTSOF(terminals[i].words) && terminals[i].words[k]; k++)
                        r = command_add(command, terminals[i].words[k]);
                return r;
        }
        return -ENOENT;
}

/* What is set stands first, so that it is what counts. */
static char **make_environment(const struct command *command) {
        size_t n = 0;
        char **all;

        while (environ[n])
                n++;
        all = calloc(n + command->n_variables + 1, sizeof(*all));
        if (!all)
                return NULL;
        memcpy(all, command->variables, command->n_variables * sizeof(*all));
        n = command->n_variables;
        for (char **variable = environ; *variable; variable++) {
                size_t length = strcspn(*variable, "=");
                bool is_set = false;

                for (size_t i = 0; i < command->n_variables; i++)
                        is_set = is_set || (strncmp(command->variables[i], *variable, length) == 0 &&
                                            command->variables[i][length] == '=');
                if (!is_set)
                        all[n++] = *variable;
        }
        return all;
}

static int set_attributes(posix_spawnattr_t *attributes) {
        sigset_t all, none;
        int r;

        (void) sigfillset(&all);
        (void) sigemptyset(&none);
        r = posix_spawnattr_setsigdefault(attributes, &all);
        if (r == 0)
                r = posix_spawnattr_setsigmask(attributes, &none);
        if (r == 0)
                r = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
        return -r;
}

pid_t command_spawn(const struct command *command) {
        _cleanup_free_ char **environment = make_environment(command);
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        pid_t pid = 0;
        int r;

        if (!environment)
                return -ENOMEM;
        r = -posix_spawnattr_init(&attributes);
        if (r < 0)
                return r;
        r = -posix_spawn_file_actions_init(&files);
        if (r >= 0) {
                r = set_attributes(&attributes);
                if (r >= 0)
                        r = -posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
                if (r >= 0)
                        r = -posix_spawn(&pid, command->path, &files, &attributes, (char **) command->words,
                                         environment);
                posix_spawn_file_actions_destroy(&files);
        }
        posix_spawnattr_destroy(&attributes);
        return r < 0 ? r : pid;
}
