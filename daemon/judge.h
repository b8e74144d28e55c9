/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Judge: what has become of units, as items of a batch, and of their entries in the ledger. Where memory runs
 * out there is no item, and the judgement is still to be made; made again, it comes to the same.
 */
struct batch;
struct entry;
struct manager;
struct unit;

/* A unit that has settled. 0 or -ENOMEM. */
int judge_unit(struct manager *manager, struct batch *batch, struct unit *unit);

/* Whether an instance became what was just judged of another one: it is part of that event, though read late. */
bool judge_joins(const struct batch *batch, const struct unit *unit);

/* An entry without units, whose files were removed. 0 or -ENOMEM. */
int judge_gone(struct manager *manager, struct batch *batch, struct entry *entry);
