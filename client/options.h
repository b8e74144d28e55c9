/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_format {
        JSON_OFF,
        JSON_SHORT,
        JSON_PRETTY,
};

enum sort {
        SORT_UNIT,
        SORT_EXPOSURE,
};

enum transport {
        TRANSPORT_LOCAL,
        TRANSPORT_REMOTE,
        TRANSPORT_MACHINE,
};

#define NO_THRESHOLD (-1)
#define LINES_ALL UINT64_MAX
#define LINES_DEFAULT 0

struct options {
        enum json_format json;
        enum sort sort;
        enum transport transport;
        const char *host;       /* where transport is not local; of the command line */
        const char *reason;     /* of the command line; NULL: none was given */
        uint64_t until;         /* microseconds since 1970; 0: for good */
        uint64_t lines;         /* how many at most; LINES_ALL, LINES_DEFAULT */
        int threshold;          /* tenths, or NO_THRESHOLD */
        bool all;
        bool ask_password;
        bool full;
        bool help;
        bool legend;
        bool pager;
        bool quiet;
        bool regressed;
        bool reverse;
        bool test;
        bool user;
        bool version;
        unsigned given;         /* bits, by the position in option_table */
};

/* One option. A new one is a new row. */
struct option_row {
        char letter;            /* 0: it has none */
        const char *name;
        const char *argument;   /* what the help text calls it; NULL: takes none */
        const char *verbs;      /* the verbs that it is for, between blanks; NULL: all */
        const char *help;
        size_t flag;            /* without an argument: offset of a bool in struct options, */
        bool value;             /* and what it becomes */
        /* With one: takes it over; -EINVAL where it is none of the possible ones. */
        int (*set)(struct options *options, const char *argument);
        const char *expected;   /* the possible arguments, for the sentence that refuses another */
};

extern const struct option_row option_table[];
extern const size_t n_option_rows;

/*
 * Reads options from the command line wherever they stand in it. What is left, verb first, stands at
 * argv[optind] then. Returns 0, or -EINVAL where something was wrong; that was reported.
 */
int options_parse(struct options *options, int argc, char **argv);

/* Whether an exposure is above the threshold, if one was given. */
static inline bool exceeds_threshold(const struct options *options, unsigned exposure) {
        return options->threshold != NO_THRESHOLD && exposure > (unsigned) options->threshold;
}

/* Refuses options that mean nothing to a verb: -EINVAL, reported. */
int options_check_verb(const struct options *options, const char *verb);
