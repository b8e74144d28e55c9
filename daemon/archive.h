/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "store/store.h"

/*
 * Archive: the store, used by a thread of its own, because disks may be slow. Jobs are done one
 * after the other, in the order they came.
 */
struct archive;

/*
 * A job. run() is called in the thread; *store is NULL while there is none that works. done() is
 * called from the event loop with what run() returned, or with -ECANCELED at the end, and frees data.
 */
typedef int (*archive_run_fn)(struct store *store, void *data);
typedef void (*archive_done_fn)(void *userdata, void *data, int result);

/* The folder is kept as it is and opened by the thread, each time that it has to. NULL: there is no store. */
int archive_new(struct archive **ret, sd_event *event, const char *folder, void *userdata);

/* Waits until all jobs have run. What came of them nobody is told. Takes NULL, returns NULL. */
struct archive *archive_free(struct archive *archive);

/* -ENOBUFS where too many jobs wait; done() is not called then. */
#define ARCHIVE_JOBS_MAX 1024U
int archive_submit(struct archive *archive, archive_run_fn run, archive_done_fn done, void *data);

/* What is wrong with the store, as a negative errno, as of the last job that ended; 0: nothing. */
int archive_error(const struct archive *archive);

/* What was set aside because it could not be used, or NULL. */
const char *archive_aside(const struct archive *archive);

/* The store was made anew since the last call: it knows nothing, all has to be written again. */
bool archive_take_renewed(struct archive *archive);
