/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/assessment.h>

#include "configuration.h"
#include "ledger.h"
#include "reader.h"
#include "scan.h"
#include "unit.h"
#include "watch.h"

/*
 * Manager: owns all that the daemon knows and does. Vtable handlers translate and call it; it alone
 * decides.
 */
struct manager {
        sd_event *event;
        enum scope scope;
        struct config config;

        struct unit_table units;
        struct ledger ledger;           /* what is remembered of them */
        struct model model;             /* empty before systemd told its version */
        char *systemd_version;          /* NULL: not told yet */
        char *policy_path;              /* the policy file in use, or NULL */
        char *policy_text;              /* that policy, as it is kept; see policy-text.h */
        char *policy_problem;           /* what of it is not applied, or NULL */
        bool policy_unread;             /* it could not be looked for; it will be again */

        struct notifier *notifier;
        struct archive *archive;
        struct settle *settle;
        struct announcer *announcer;
        struct authority *authority;
        struct acceptances *acceptances;
        uint64_t pruned;                /* when the archive was told to forget last; monotonic, µs */
        struct call_place {
                sd_bus_message *call;   /* NULL: free; the archive's job holds it */
                uint32_t uid;
        } queries[32],                  /* of the history, under way */
          acceptances_kept[32];         /* that are being written */
        struct load *load;
        bool loaded;                    /* the ledger holds what the archive held, but for unread */
        int unread;                     /* why it could not be read so far, negative errno; it is tried again */
        bool ledger_is_new;             /* that was nothing: the first start */
        char *stored_version;           /* of systemd, when something was kept last; NULL: unknown */
        uint64_t last_seen;             /* the newest time at which a unit was loaded then; realtime, µs; 0: unknown */
        char *stored_policy;            /* likewise, see policy-text.h */
        bool ledger_is_stored;          /* it was judged by these, and has to be by the present model */
        bool manager_changed;           /* systemd is another one than then */

        struct connection *connection;
        sd_bus *bus;                    /* while it is connected */
        struct watch *watch;            /* with the bus */
        struct reader *reader;          /* with the bus */
        struct turns *turns;            /* with the bus */
        struct scan *scan;
        struct control *control;
        struct policy_watch *policy_watch;
        struct rescan *rescan;
        struct lookups *lookups;
        struct status *status;

        sd_bus_slot *api_slots[4];      /* with the bus */
        struct timer *patience_timer;   /* for systemd, until we offer what we have */
        struct timer *memory_timer;     /* until a burst of work is over */
        struct timer *policy_timer;     /* until a policy file is settled */

        bool ready;                     /* systemd may be asked */
        enum watch_busy busy;           /* why it may not */
        bool after_reload;              /* the sweep under way follows a reload: files and settings agree */
        bool served;                    /* our name is ours, others can see us */
        bool was_ready;                 /* READY=1 was sent */
        bool rested;                    /* memory was given back */
        int exit_code;                  /* 0, or why the event loop was left: negative errno */
        uint64_t last_scan;             /* realtime, µs; 0: none yet */
        uint64_t last_scan_duration;    /* µs */
        uint64_t n_reloads;
        struct reader_counters past_counters; /* of readers that are gone */
};

int manager_new(struct manager **ret, sd_event *event, enum scope scope);

/* Takes NULL, returns NULL. */
struct manager *manager_free(struct manager *manager);

/* Runs until it is told to end. 0, or a negative errno. */
int manager_run(struct manager *manager);

/* Reads configuration and policy again. */
void manager_reload(struct manager *manager);

/* Ends manager_run(). */
void manager_exit(struct manager *manager, int error);

/* Much was done; what that took is given back soon. */
void manager_worked(struct manager *manager);

/* The ledger is filled: all else can start, or what is there is compared with it. */
void manager_loaded(struct manager *manager);

/* manager-model.c: by what facts are judged. */
int manager_init_model(struct manager *manager);
/* Reads the policy, takes systemd's version, and judges all units by what comes of it. */
void manager_update_model(struct manager *manager);
int manager_set_version(struct manager *manager, const char *version);
/* The ledger and systemd's version in it came late. */
void manager_take_ledger(struct manager *manager);

/* The model until now. */
struct former_model {
        struct model model;
        const char *version;            /* of systemd, where it is another one now; else NULL */
        const char *policy_path;        /* NULL: the built-in policy */
        bool policy_changed;
};

/* manager-units.c: what was read becomes facts, assessment and news. */
void manager_unit_read(struct manager *manager, struct unit *unit, struct reading *reading);
void manager_unit_gone(struct manager *manager, struct unit *unit);
/* Judges all units by the present model, after that one. */
void manager_reassess(struct manager *manager, const struct former_model *former);
/* Tells the bus what became of baseline and regression of one unit, or of all. */
void manager_tell_settled(struct manager *manager, struct unit *unit);
void manager_tell_all_settled(struct manager *manager);
/* Fills in assessment and texts of a unit that is not in the table. */
void manager_assess_once(struct manager *manager, struct unit *unit, struct reading *reading);

/* What was asked of systemd since the start. */
struct reader_counters manager_counters(const struct manager *manager);

/* Whether scores can be had at all; else a sentence why not. */
const char *manager_unavailable(const struct manager *manager);
