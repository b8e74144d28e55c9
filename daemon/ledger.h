/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <exposured/assessment.h>

#include "event.h"
#include "unit.h"

/*
 * Ledger: what is remembered of each unit, loaded or not. Pure bookkeeping: it asks nobody and
 * writes nowhere.
 */

/* An open regression: checks that are worse than in the baseline, as told. */
struct regression {
        struct event *event;            /* that told it */
        uint64_t since;                 /* realtime, µs */
};

/* A baseline that is kept apart. */
struct baseline {
        struct facts facts;
        struct assessment composite;    /* where is_composite is set: see struct entry */
        bool is_composite;
};

/* One unit, or one template for all its instances that have no settings of their own. */
struct entry {
        char *key;                      /* unit or template name */
        char *files_key;                /* whose files it had when they were kept last; NULL: its own */
        struct facts baseline;          /* what was accepted */
        struct assessment *composite;   /* the baseline, where no facts stand for it: best of several states */
        struct facts *settled;          /* the state told last; NULL: the baseline's facts */
        struct facts *first;            /* what it was judged from while the archive could not be read, or NULL */
        uint64_t taken;                 /* when the baseline was taken; realtime, µs */
        uint64_t seen;                  /* when it was loaded last; realtime, µs */
        uint64_t files_signature;       /* of the settled state, see files_signature() */
        uint64_t until;                 /* an acceptance ends then; 0: none does */
        struct baseline *before_acceptance; /* that comes back then, or NULL */
        char acceptance_id[EVENT_ID_SIZE]; /* of the event that told it */
        struct regression *regression;  /* NULL: none is open */
        struct regression *spare;       /* room for one that is about to be told */
        uint8_t exposure;               /* of the baseline, tenths */
        unsigned n_loaded;              /* units in the table that refer to it */
        bool known;                     /* there is a baseline */
        bool passing : 1;               /* nobody will ask for it by name again: it is not stored */
        bool left : 1;                  /* its last unit went; did its files go too? */
        bool gone : 1;                  /* they did, and that was told */
};

struct ledger {
        struct entry **entries;         /* sorted by key */
        size_t n_entries, n_allocated;
        unsigned n_regressed;
};

/* Takes NULL. */
void ledger_done(struct ledger *ledger);

struct entry *ledger_get(const struct ledger *ledger, const char *key);

/* New if need be: not known then. NULL: out of memory. */
struct entry *ledger_add(struct ledger *ledger, const char *key);
void ledger_remove(struct ledger *ledger, struct entry *entry);

/*
 * ledger-unit.c: the unit belongs to an entry of its own, or as an instance without files of its own to that of
 * its template. 0, or -ENOMEM with what it belonged to before.
 */
int ledger_join_unit(struct ledger *ledger, const struct model *model, struct unit *unit);
void unit_join_entry(struct unit *unit, struct entry *entry);

/*
 * The entry of a unit or template; of an instance that is not loaded, and that none is known of, its template's.
 * NULL: none.
 */
struct entry *ledger_find(const struct ledger *ledger, const struct unit_table *units, const char *name);

/* The facts that were told last. */
const struct facts *entry_settled(const struct entry *entry);
/* Both: 0 or -ENOMEM, then nothing has changed. */
int entry_set_settled(struct entry *entry, const struct facts *facts);
int entry_set_baseline(struct entry *entry, const struct model *model, const struct facts *facts,
                       const struct assessment *composite);

/*
 * What is known of an entry is that of another one, maybe of another ledger, too: baseline, state told last, an
 * acceptance, an open regression by the same event. 0, or -ENOMEM with a part of it.
 */
int ledger_copy_entry(struct ledger *to, struct entry *entry, const struct model *model, const struct entry *from);

/* What the baseline comes to under this model. */
void entry_baseline(const struct entry *entry, const struct model *model, struct assessment *ret);

/* Whether the baseline, or one that is to come back, is no facts alone: what the model made of it is kept. */
bool entry_has_composite(const struct entry *entry);

/* The model is another one: what was computed from the old one is computed anew. */
void ledger_update_model(struct ledger *ledger, const struct model *old, const struct model *model);

/* Makes room for a regression: then setting the next one cannot fail. 0 or -ENOMEM. */
int entry_reserve_regression(struct entry *entry);

/* Keeps a reference to the event, and since when it is open. 0 or -ENOMEM. */
int ledger_set_regression(struct ledger *ledger, struct entry *entry, struct event *event, uint64_t since);
void ledger_clear_regression(struct ledger *ledger, struct entry *entry);

/*
 * Calls fn once for each event that told an open regression, in the order of keys: with the entry that the event
 * is about or, where that one has it no more, the first one that it is open for. A negative result of fn ends
 * it, and is returned; else 0.
 */
typedef int (*regression_fn)(const struct entry *entry, void *userdata);
int ledger_each_regression(struct ledger *ledger, regression_fn fn, void *userdata);

/* What has become of an entry whose unit has facts other than those told last. */
struct judgement {
        enum event_type type;           /* regressed, improved or changed */
        struct difference difference;   /* from the state told last to this one */
        uint8_t before, after;          /* exposure, tenths */
        bool open;                      /* a check is worse than in the baseline */
        struct assessment composite;    /* the baseline with what improved (a ratchet) */
        bool composite_differs;         /* it is none of the facts alone */
        bool baseline_moves;            /* the ratchet turns */
};

/*
 * Judges facts: a check that is worse than it was told last and worse than the baseline makes it a
 * regression; else one that is better an improvement. With ratchet, what is better than the
 * baseline becomes the baseline.
 */
void entry_judge(const struct entry *entry, const struct model *model, const struct facts *facts, bool ratchet,
                 struct judgement *ret);

/* For a unit that comes back weaker than its baseline: the regression is from the baseline to now. */
void judgement_from_baseline(struct judgement *judgement, const struct entry *entry, const struct model *model,
                             const struct facts *facts);

/* Takes the judged state as told, and as baseline where the ratchet turns. 0, or -ENOMEM: it is judged again. */
int entry_settle(struct entry *entry, const struct model *model, const struct facts *facts,
                 const struct judgement *judgement);

/* Whether a check is worse than in the baseline. */
bool entry_is_worse(const struct entry *entry, const struct model *model);

/* Not applicable does no harm. */
uint8_t check_harm(uint8_t badness);

/* Takes over each check that is better in the other one; true where one is. Sums are not computed anew. */
bool assessment_improve(struct assessment *assessment, const struct assessment *by);

/* ledger-acceptance.c: what a person accepts for a while. */

/* Check by check the better one of both. */
void baseline_improve(struct baseline *baseline, const struct model *model, const struct baseline *by);

void entry_get_baseline(const struct entry *entry, struct baseline *ret);

/*
 * What the baseline is once nothing is accepted for a while any more: the one before that and, with ratchet, what
 * improved since.
 */
void entry_get_lasting_baseline(const struct entry *entry, const struct model *model, bool ratchet,
                                struct baseline *ret);

/* The state told last becomes the baseline, for good (0) or until a time. 0 or -ENOMEM: nothing has changed. */
int entry_accept(struct entry *entry, const struct model *model, bool ratchet, uint64_t until);

/* What the end of an acceptance comes to. */
struct expiry {
        struct baseline baseline;       /* from then on */
        struct assessment before, now;  /* what that comes to, and the state told last */
        bool open;                      /* a check is worse than in it */
        bool told;                      /* such a one was accepted, so that nobody was told; and the unit is there */
};
void entry_judge_expiry(const struct entry *entry, const struct model *model, bool ratchet, struct expiry *ret);

/* 0 or -ENOMEM: nothing has changed. Regressions are left as they are. */
int entry_expire(struct entry *entry, const struct model *model, const struct expiry *expiry);

/* What is shown of a unit: the exposure of its baseline (tenths), and whether a regression is open. */
uint8_t unit_baseline_exposure(const struct unit *unit);
bool unit_regressed(const struct unit *unit);
