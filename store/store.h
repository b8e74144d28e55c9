/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <exposured/assessment.h>
#include <exposured/facts.h>

/*
 * The store: what the daemon must remember, in an SQLite database. Knows neither bus nor JSON.
 * Functions block on the disk; a store belongs to one thread at a time. Times are µs since 1970.
 * Errors are negative errno: -ENOSPC, -EROFS, -EACCES, -EIO, -ENOMEM, -EUCLEAN (the database is
 * damaged: close it, store_open() sets it aside), -EINVAL.
 */
struct store;

/* What came of opening. */
enum store_opened {
        STORE_OPENED,           /* it was there */
        STORE_CREATED,          /* there was none */
        STORE_SET_ASIDE,        /* what was there is no database of ours, or damaged; it was renamed, and a new one made */
        STORE_NEWER,            /* it is of a newer version of this program; it was renamed likewise */
};

/*
 * Opens exposured.db in that folder, which must exist; migrates an older schema. Links in place of
 * the file are not followed (-ELOOP). ret_aside (may be NULL): the new name of what was set aside,
 * to be freed. Checks integrity.
 */
int store_open(struct store **ret, const char *folder, enum store_opened *ret_opened, char **ret_aside);

/* Takes NULL, returns NULL. */
struct store *store_close(struct store *store);

/* One transaction: nothing of it counts before store_commit() returned 0, then all of it is on the disk. */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/* Changes. Each within a transaction. Texts and arrays are copied. */

/* What was accepted of a unit; of a template for the instances that have no files of their own. */
struct store_baseline {
        const char *unit;
        const char *systemd_version;
        uint64_t taken;                 /* when this state became the baseline */
        uint64_t seen;                  /* when the unit was loaded last */
        struct facts facts;
        struct assessment assessment;   /* its badness counts: judged by the model of that time */
        uint64_t files_signature;       /* of the files that the settings came from */
};
int store_put_baseline(struct store *store, const struct store_baseline *baseline);
int store_touch_baseline(struct store *store, const char *unit, uint64_t seen);
int store_remove_baseline(struct store *store, const char *unit);

/* A file that settings came from, as it was when it was last looked at. */
struct store_file {
        const char *path;
        const char *target;             /* where a link points; NULL: it is none */
        const char *content;            /* NULL where not everyone may read it, or it is too large */
        uint64_t mtime_nsec, inode, size;
};
/* Replaces the whole set of files of one unit. Content is kept once, whoever shares the file. */
int store_put_files(struct store *store, const char *unit, const struct store_file *files, size_t n_files);

struct store_cause {
        const char *path;
        const char *change;             /* one word */
        uint64_t time;
        const char *const *lines;       /* "+..." and "-...", NULL-terminated; may be NULL */
};

/* How an event hit one unit. */
struct store_event_unit {
        const char *unit;
        uint8_t before, after;          /* exposure, tenths */
        const struct check_change *checks;
        size_t n_checks;
};

struct store_event {
        const char *id;                 /* 32 hexadecimal digits, unique */
        const char *event;              /* "regressed", ... */
        const char *unit;               /* who it is about: the one hit worst, or a template; may be "" */
        uint64_t time;
        uint8_t before, after;          /* exposure of that unit, tenths */
        const char *systemd_version;
        const struct store_event_unit *units;
        size_t n_units;
        const struct store_cause *causes;
        size_t n_causes;
        /* Of an acceptance; else uid is UINT32_MAX, reason NULL, until 0. */
        uint32_t uid;
        const char *reason;
        uint64_t until;                 /* 0: for good */
};
/* Not announced yet. -EEXIST where the id is known. */
int store_put_event(struct store *store, const struct store_event *event);
/* It was told to the world. Durable enough for a crash of ours, not for a power cut. */
int store_mark_announced(struct store *store, const char *id);

/* An open regression of one unit: what was told of it. One a unit. */
struct store_regression {
        const char *unit;
        const char *id;                 /* of the event that told it */
        uint64_t since;
        const struct check_change *checks; /* those that are worse: baseline's badness, badness told */
        size_t n_checks;
};
int store_put_regression(struct store *store, const struct store_regression *regression);
int store_remove_regression(struct store *store, const char *unit);

/* An acceptance that ends at a time: what the baseline was before. One a unit. */
struct store_acceptance {
        const char *unit;
        const char *id;                 /* of the event that told it */
        uint64_t until;
        struct facts facts;
        const char *systemd_version;
};
int store_put_acceptance(struct store *store, const struct store_acceptance *acceptance);
int store_remove_acceptance(struct store *store, const char *unit);

/* Single texts: systemd's version, the model's. */
int store_put_text(struct store *store, const char *key, const char *value);
/* *ret_value is NULL where there is none; to be freed. */
int store_get_text(struct store *store, const char *key, char **ret_value);

/*
 * Readers call fn for each row; what it is given lives until it returns. A negative value ends the
 * reading and is returned. Rows that make no sense are passed over and counted in store_bad_rows().
 */
typedef int (*store_baseline_fn)(void *userdata, const struct store_baseline *baseline);
int store_each_baseline(struct store *store, store_baseline_fn fn, void *userdata);
typedef int (*store_regression_fn)(void *userdata, const struct store_regression *regression);
int store_each_regression(struct store *store, store_regression_fn fn, void *userdata);
typedef int (*store_acceptance_fn)(void *userdata, const struct store_acceptance *acceptance);
int store_each_acceptance(struct store *store, store_acceptance_fn fn, void *userdata);
typedef int (*store_file_fn)(void *userdata, const struct store_file *file);
int store_each_file(struct store *store, const char *unit, store_file_fn fn, void *userdata);

/*
 * Events, newest first: of one unit (also where it was only one of many), or of all (NULL); older
 * than the event with the id before (NULL: from the newest); at most so many.
 */
typedef int (*store_event_fn)(void *userdata, const struct store_event *event);
int store_each_event(struct store *store, const char *unit, const char *before, size_t max, store_event_fn fn,
                     void *userdata);
/* One event by its id: 1, or 0 where there is none. */
int store_get_event(struct store *store, const char *id, store_event_fn fn, void *userdata);
/* Those not marked as announced, oldest first. */
int store_each_unannounced(struct store *store, store_event_fn fn, void *userdata);

/*
 * Forgets what is beyond these bounds, a small step at a time (its own transaction): events that say
 * least go first ("appeared", "gone", "changed"), then the oldest; never one of an open regression or
 * unannounced. Baselines of units not seen for so long go too. Returns 1 where there is more to do.
 */
struct store_limits {
        size_t events_max;
        uint64_t events_since;          /* older ones go */
        uint64_t baselines_since;       /* of units not seen since then go */
        size_t baselines_max;
};
int store_prune(struct store *store, const struct store_limits *limits);

uint64_t store_bad_rows(const struct store *store);
