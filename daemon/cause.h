/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot.h"

struct store_cause;

/*
 * Cause: why the settings of a unit are not what they were. It compares two snapshots of the unit, and
 * looks whether files that the unit left are still there.
 */

/* What happened, and to which path. */
enum cause_change {
        /* The unit takes settings from this file now: it is new, or stands before another of its name. */
        CAUSE_CREATED,
        /* The file is there no more. Another of its name may have come forth from behind it. */
        CAUSE_REMOVED,
        /*
         * The file says something else, or is another one; or it cannot be told and it was written to; or it
         * is a link whose target is not seen, and nothing else is found.
         */
        CAUSE_CHANGED,
        /*
         * A link points elsewhere. The path is the link; or the fragment that an alias leads to now; or a
         * link to /dev/null that masks another file; or a file that is there still and the unit's no more,
         * as the drop-ins of an alias that left.
         */
        CAUSE_RELINKED,
        /* Whatever befell a file of what is set at run time: "systemctl set-property", transient units. */
        CAUSE_PROPERTY,
        /* No file explains it, and the manager is another one. The path is empty. */
        CAUSE_MANAGER,
        /* An acceptance ended, and the baseline that was there before came back. The path is empty. */
        CAUSE_EXPIRED,
        /* No cause, but why it is told as an alert: a new unit is above the limit. The path is empty. */
        CAUSE_LIMIT,
        /* No file explains it. The path is empty. */
        CAUSE_UNKNOWN,
        _CAUSE_CHANGE_MAX,
};

/* "created" and so on. */
const char *cause_change_to_string(enum cause_change change);

/* Beyond, causes are left out. */
#define CAUSES_MAX 32U

struct cause {
        char *path;
        const char *change;     /* static */
        uint64_t time;          /* realtime, µs: when the file became what it is; now, where there is none */
        char **lines;           /* the settings that differ, as diff_settings() has them; may be NULL */
};

/* Sorted by path. */
struct causes {
        struct cause *causes;
        size_t n_causes;
};

/*
 * Finds at least one. Files that say the same as before are none, but where nothing else is found those
 * that came, went, or are reached by another link. before may be NULL: not known. 0 or -ENOMEM.
 */
int causes_find(const struct snapshot *before, const struct snapshot *now, bool manager_changed,
                struct causes *ret);

/* Frees what it holds, and leaves none. Takes NULL. */
void causes_done(struct causes *causes);

/* The cause of a regression that an acceptance covered until then. 0 or -ENOMEM. */
int causes_set_expired(struct causes *ret, uint64_t time);

/* The cause of what another version of systemd does; the versions are the lines. 0 or -ENOMEM. */
int causes_set_manager(struct causes *ret, const char *before, const char *now, uint64_t time);

/* The cause of what a file does that is of no unit: the policy. 0 or -ENOMEM. */
int causes_set_file(struct causes *ret, const char *path, enum cause_change change, uint64_t time);

/* Says, before all else, that a new unit is above the limit; see CAUSE_LIMIT. 0 or -ENOMEM. */
int causes_add_limit(struct causes *causes, uint64_t time);
bool causes_have_limit(const struct causes *causes);

/* Adds copies of files that are not there yet, up to CAUSES_MAX. 0, or -ENOMEM with some added. */
int causes_merge(struct causes *to, const struct causes *from);

/* Whether paths and changes are the same: one cause for two units. */
bool causes_equal(const struct causes *a, const struct causes *b);

/* What the store is to keep; it borrows from the cause. */
void cause_to_store(const struct cause *cause, struct store_cause *ret);
