/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/store.h"
#include "temp.h"

/* What store tests put in, and what they find in there. A step that fails fails the test. */

DEFINE_CLEANUP(struct store *, store_close)

/* Opens, and checks how that came out. */
struct store *open_as(const char *folder, enum store_opened expected);

/* Opens what is set aside, and gives its new name, which is the caller's. */
struct store *open_set_aside(const char *folder, enum store_opened expected, char **ret_aside);

void begin(struct store *store);
void commit(struct store *store);

/* Any facts that may be. */
struct facts random_facts(void);

/* A baseline in which everything follows from the number. */
struct store_baseline sample_baseline(const char *unit, unsigned n);

/* The 32 digits of that number. Static: good for 16 calls. */
const char *sample_id(unsigned n);

/* An event about that unit, with it as the only one that was hit, and one cause. Points to static data. */
struct store_event sample_event(unsigned n, const char *event, const char *unit);

/* Puts one, within a transaction. */
void put_event(struct store *store, unsigned n, const char *event, const char *unit);
/* Likewise, and has it announced. */
void put_announced(struct store *store, unsigned n, const char *event, const char *unit);

/* All that readers tell of the store, and of the files of that unit (may be NULL). The caller's. */
char *dump(struct store *store, const char *files_of);

/* A full store: something in every table. */
void fill(struct store *store);
#define FILL_UNIT "alpha.service"       /* has files */

/* Runs statements on the file of a store that is closed, with no guard of ours. */
void tamper(const char *folder, const char *sql);

/* For readers of what is there, whatever it is. */
int ignore_baseline(void *userdata, const struct store_baseline *baseline);
int ignore_regression(void *userdata, const struct store_regression *regression);
int ignore_acceptance(void *userdata, const struct store_acceptance *acceptance);
int ignore_file(void *userdata, const struct store_file *file);
int ignore_event(void *userdata, const struct store_event *event);
