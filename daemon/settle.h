/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "ledger.h"

/*
 * Settle: changes are left to settle, then judged together, kept in the archive, and told. What was
 * taken back until then is never told.
 */
struct manager;
struct settle;

int settle_new(struct settle **ret, struct manager *manager);

/* Takes NULL, returns NULL. */
struct settle *settle_free(struct settle *settle);

/*
 * A unit was read. changed: its facts are others than at the last reading; began: when that can have
 * happened at the earliest (monotonic, µs).
 */
void settle_unit_read(struct settle *settle, struct unit *unit, bool changed, uint64_t began);

/* Changes that a sweep found which was cut off are of the one that begins now: they belong together. */
void settle_sweep_restarted(struct settle *settle, uint64_t began, uint64_t now);

/* It is loaded no more, and about to be freed; began as above. */
void settle_unit_gone(struct settle *settle, struct unit *unit, uint64_t began);

/* The files of an entry without a loaded unit are not there any more. */
void settle_gone(struct settle *settle, const char *key);

/* Judges what has settled, if nothing stands against it: for when a sweep ended, or a batch. */
void settle_advance(struct settle *settle);

/* Keeps and tells an event of its own kind. References the event. */
void settle_event(struct settle *settle, struct event *event);

/*
 * The same with an entry that is about to change: once there is room for both, the entry is changed, and then
 * kept as it is; or all is withdrawn. settle_prepare() returns 0, and then one of the others has to follow, or
 * -ENOMEM. The event may be NULL: then nothing is told.
 */
int settle_prepare(struct settle *settle, struct event *event, const struct entry *entry);
void settle_commit(struct settle *settle, struct entry *entry);
void settle_withdraw(struct settle *settle, const struct event *event);

/* Who waits is told what came of keeping what was committed last. For right after settle_commit(). */
struct batch_wait;
void settle_await(struct settle *settle, struct batch_wait *wait);

/*
 * systemd is another one: told together with what the units' settings became at the same time, so when the
 * sweep that follows has ended, and what it found has settled. References the event.
 */
void settle_upgrade(struct settle *settle, struct event *event);

/* The model is another one. What was computed from the old one is written anew before the new one is noted. */
void settle_model_changed(struct settle *settle);

/* Everything is written to the archive again, which lost it. */
void settle_rewrite(struct settle *settle);

/* Something could not be written: after a while all is, again. */
void settle_retry(struct settle *settle);

/* The ledger is another one: all units are judged by that. */
void settle_again(struct settle *settle);

/* The last chance to write what is new, and what could not be written. */
void settle_end(struct settle *settle);

/* Something could not be written yet, and so many events. */
bool settle_incomplete(const struct settle *settle);
unsigned settle_unsaved(const struct settle *settle);

/* So many events are not kept, and will not be: there were too many while nothing could be written. */
unsigned settle_dropped(const struct settle *settle);
