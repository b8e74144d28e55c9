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
 *
 * Errors are negative errno: -ENOSPC (the disk or a quota is full), -EROFS, -EACCES, -EIO, -ENOMEM,
 * -EBUSY (another process has the database locked; try again), -EUCLEAN (the database is damaged: close
 * it, store_open() sets it aside), -ESTALE (the file was taken away: close, and open a new one), -EINVAL
 * (what was given is beyond the bounds below, no UTF-8 where text is meant, or a change is made outside
 * of a transaction).
 */
struct store;

/* Bounds of what is put, in bytes without the NUL, and in number. Beyond them it is -EINVAL. */
#define STORE_UNIT_MAX 255U
#define STORE_PATH_MAX 4095U
#define STORE_REASON_MAX 1024U
#define STORE_FILES_MAX 4096U           /* of one unit */
#define STORE_CONTENT_MAX (1024U * 1024U) /* of one file */
#define STORE_UNITS_MAX 65536U          /* of one event */
#define STORE_CAUSES_MAX 1024U          /* of one event */
#define STORE_LINES_MAX 1024U           /* of one cause */
#define STORE_LINES_SIZE_MAX (64U * 1024U) /* of all of them, with a byte for each line's end */

/* In place of tenths, where there is no exposure: before it appeared, after it was gone. */
#define STORE_NO_EXPOSURE UINT8_MAX

/* What came of opening. */
enum store_opened {
        STORE_OPENED,           /* it was there */
        STORE_CREATED,          /* there was none */
        STORE_SET_ASIDE,        /* it was damaged, or none of ours: it was renamed, and a new one made */
        STORE_NEWER,            /* it is of a newer version of this program: likewise */
};

/*
 * Opens exposured.db in that folder, which must exist; migrates an older schema. Checks integrity. The
 * folder may be a link; links in place of the file, or of those that SQLite makes beside it, are not
 * followed (-ELOOP).
 *
 * ret_aside (may be NULL): the new name of what was set aside, or NULL; to be freed, also after an
 * error (then no new database could be made). Nothing is ever deleted: -EEXIST where so many files were
 * set aside already that a person has to look.
 *
 * Where the disk is full or the folder cannot be written, an existing database is opened for reading:
 * store_read_only() says so.
 */
int store_open(struct store **ret, const char *folder, enum store_opened *ret_opened, char **ret_aside);

/* Takes NULL, returns NULL. */
struct store *store_close(struct store *store);

/*
 * 0, or the error why this store can only be read, and that every change returns. Close and open it to
 * try again.
 */
int store_read_only(const struct store *store);

/*
 * One transaction: nothing of it counts before store_commit() returned 0, then all of it is on the disk.
 * A change that failed makes store_commit() fail, with the same error, but for -EEXIST of an event and
 * -EINVAL of what was given. A commit that failed is rolled back.
 */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/* Changes. Each within a transaction. Texts and arrays are copied. To change or remove nothing is fine. */

/* What was accepted of a unit; of a template for the instances that have no files of their own. */
struct store_baseline {
        const char *unit;
        const char *systemd_version;
        const char *model_version;      /* may be NULL */
        uint64_t taken;                 /* when this state became the baseline */
        uint64_t seen;                  /* when the unit was loaded last */
        struct facts facts;
        struct facts settled;           /* the state that was told last */
        struct assessment assessment;   /* of the baseline, by the model of that time */
        bool composite;                 /* the assessment is the baseline: no facts alone stand for it */
        bool gone;                      /* the unit was removed, and that was told */
        uint64_t files_signature;       /* of the files that the settings came from */
};
int store_put_baseline(struct store *store, const struct store_baseline *baseline);
int store_touch_baseline(struct store *store, const char *unit, uint64_t seen);
/* With the unit's files. */
int store_remove_baseline(struct store *store, const char *unit);

/* A file that settings came from, as it was when it was last looked at. Its texts need not be UTF-8. */
struct store_file {
        const char *path;
        const char *target;             /* where a link points; NULL: it is none */
        const char *content;            /* NULL where not everyone may read it, or it is too large */
        uint64_t mtime_nsec, inode, size;
};
/*
 * Replaces the whole set of files of one unit. Content is kept once, whoever shares the file. Files of
 * units without a baseline are forgotten by store_prune().
 */
int store_put_files(struct store *store, const char *unit, const struct store_file *files, size_t n_files);

struct store_cause {
        const char *path;
        const char *change;             /* one word */
        uint64_t time;
        const char *const *lines;       /* "+..." and "-...", no line ends; NULL-terminated; may be NULL */
};

/* How an event hit one unit. */
struct store_event_unit {
        const char *unit;
        uint8_t before, after;          /* exposure, tenths, or STORE_NO_EXPOSURE */
        const struct check_change *checks;
        size_t n_checks;
        /* Where the model and the unit's settings changed at once: between the two, and what the settings did. */
        bool changed;
        uint8_t rated;                  /* only where changed is set, as is what follows */
        const struct check_change *own_checks;
        size_t n_own_checks;
};

struct store_event {
        const char *id;                 /* 32 hexadecimal digits in lower case, unique */
        const char *event;              /* "regressed", ...: lower-case letters and dashes */
        const char *unit;               /* who it is about: the one hit worst, or a template; may be "" */
        uint64_t time;
        uint8_t before, after;          /* exposure of that unit, tenths, or STORE_NO_EXPOSURE */
        const char *systemd_version;
        const char *model_version;      /* may be NULL */
        const struct store_event_unit *units; /* each unit once */
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
/*
 * It was told to the world. Outside of a transaction it is one of its own that does not wait for the
 * disk: durable enough for a crash of ours, not for a power cut. -ENOENT where the id is not known.
 */
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
        const char *model_version;      /* may be NULL */
};
int store_put_acceptance(struct store *store, const struct store_acceptance *acceptance);
int store_remove_acceptance(struct store *store, const char *unit);

/* Single texts: systemd's version, the policy. A few, of at most 16383 bytes. */
int store_put_text(struct store *store, const char *key, const char *value);
/* *ret_value is NULL where there is none; to be freed. */
int store_get_text(struct store *store, const char *key, char **ret_value);

/*
 * Readers call fn for each row; what it is given lives until it returns. A negative value ends the
 * reading and is returned. fn may call any function of the store but store_close(). Rows that make no
 * sense are passed over and counted in store_bad_rows(), each time they are met.
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
 * than the event with the id before (NULL: from the newest; -ENOENT where it is not known); at most so
 * many. The order is that in which they were put, whatever the clock said.
 */
typedef int (*store_event_fn)(void *userdata, const struct store_event *event);
int store_each_event(struct store *store, const char *unit, const char *before, size_t max, store_event_fn fn,
                     void *userdata);
/* One event by its id: 1, or 0 where there is none. */
int store_get_event(struct store *store, const char *id, store_event_fn fn, void *userdata);
/* Those not marked as announced, oldest first. */
int store_each_unannounced(struct store *store, store_event_fn fn, void *userdata);

/*
 * Forgets what is beyond these bounds, a small step at a time (its own transaction, none where there is
 * nothing to do): events that say least go first ("appeared", "gone", "changed"), then the oldest; never
 * one of an open regression or acceptance, or unannounced. Baselines of units not seen for so long go
 * too, with all that is known of the unit but its events: touch those of loaded units first. Returns 1
 * where something was forgotten, so that there may be more; 0 where all is within the bounds.
 */
struct store_limits {
        size_t events_max;
        uint64_t events_since;          /* older ones go */
        uint64_t baselines_since;       /* of units not seen since then go */
        size_t baselines_max;
};
int store_prune(struct store *store, const struct store_limits *limits);

/* How many rows readers had to pass over. */
uint64_t store_bad_rows(const struct store *store);
