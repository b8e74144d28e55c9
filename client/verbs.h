/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

struct options;
struct output;

/* The exit statuses. */
enum status {
        STATUS_DONE,
        STATUS_FAILURE,
        STATUS_USAGE,
        STATUS_UNFULFILLED,     /* what was asked about does not hold: a limit is exceeded, or the like */
};

#define ARGUMENTS_ANY ((size_t) -1)

/* One verb. A new one is a new row, and a file of its own. */
struct verb {
        const char *name;
        const char *arguments;  /* as the help text has them; NULL: none */
        size_t min, max;        /* how many */
        const char *help;
        /* Has reported what went wrong when it returns. */
        enum status (*run)(const struct options *options, struct output *output, char **arguments);
};

/* The first one stands for none. */
extern const struct verb verb_table[];
extern const size_t n_verbs;

/*
 * The verb that a command line names, NULL-terminated, with its arguments counted. NULL where it is
 * wrong; that was reported.
 */
const struct verb *verb_find(char **words);

enum status verb_accept(const struct options *options, struct output *output, char **arguments);
enum status verb_help(const struct options *options, struct output *output, char **arguments);
enum status verb_history(const struct options *options, struct output *output, char **arguments);
enum status verb_list(const struct options *options, struct output *output, char **arguments);
enum status verb_monitor(const struct options *options, struct output *output, char **arguments);
enum status verb_notify(const struct options *options, struct output *output, char **arguments);
enum status verb_regressions(const struct options *options, struct output *output, char **arguments);
enum status verb_rescan(const struct options *options, struct output *output, char **arguments);
enum status verb_show(const struct options *options, struct output *output, char **arguments);
enum status verb_status(const struct options *options, struct output *output, char **arguments);
