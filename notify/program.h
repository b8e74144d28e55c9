/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* So many words has a command at most, and so many variables are set for it. */
#define COMMAND_WORDS_MAX 80U
#define COMMAND_VARIABLES_MAX 8U

/* A program to start: its path, its words with its own name first, and what is set for it beside the rest. */
struct command {
        char *path;                                     /* owned */
        const char *words[COMMAND_WORDS_MAX + 1];       /* NULL-terminated */
        size_t n_words;
        char *variables[COMMAND_VARIABLES_MAX + 1];     /* "NAME=value", owned, NULL-terminated */
        size_t n_variables;
};

void command_done(struct command *command);

/* -E2BIG where there is no room. The word must stay. */
int command_add(struct command *command, const char *word);
int command_set(struct command *command, const char *name, const char *value);

/* The path of a program in $PATH, the caller owns it; NULL where there is none. */
char *program_find(const char *name);

/*
 * Begins the command of the terminal that this session has: what comes behind it is run there. The terminal
 * is looked for in this order: xdg-terminal-exec, $TERMINAL, what is usual. -ENOENT where there is none.
 */
int command_init_terminal(struct command *command);

/*
 * Starts it beside us, in a session of its own; its pid, or a negative errno. For where no service manager
 * does it.
 */
pid_t command_spawn(const struct command *command);
