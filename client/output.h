/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "render/style.h"

struct options;

/* What standard output is, and what is on its way there. */
struct output {
        FILE *stream;           /* where verbs print to: memory, until it is flushed */
        bool terminal;
        bool utf8;              /* the locale's character set */
        bool emoji;
        bool colors;
        unsigned columns;       /* of the terminal; 0: no limit */

        char *buffer;
        size_t size;
        pid_t pager;            /* 0: none */
        int fd;
};

/*
 * Looks at locale, environment and standard output. Returns 0 or a negative errno. output_done()
 * frees what is held; it takes NULL.
 */
int output_init(struct output *output, const struct options *options);
void output_done(struct output *output);

/* From here on a pager shows what is printed, if one is wanted and standard output is a terminal. */
void output_page(struct output *output, const struct options *options);

/*
 * Writes out what was printed. Returns 0 or a negative errno, after which nothing can be printed any
 * more; -EPIPE where the reader went away.
 */
int output_flush(struct output *output);

/* The last flush. Waits for the pager to end; that it was left early is no error. */
int output_finish(struct output *output);
