/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <exposured/macro.h>

#include "alert.h"
#include "describe.h"
#include "pace.h"
#include "server.h"

struct acceptance_outcome;
struct acceptances;
struct board;
struct details;
struct event;
struct record;
struct source;

/* Outcomes that wait for the server; what comes beyond is not told. */
#define NOTICES_MAX 4U
/* The first time to wait before something is tried again. */
#define RETRY_MIN_USEC (5 * USEC_PER_SEC)

/* What became of what a person did. */
struct notice {
        struct description description;
        bool returns;                           /* and the alert with it: it is open still */
        bool changed;                           /* what returns is not what was seen */
        enum scope scope;
        char id[ALERT_ID_SIZE];
};

/* What is on its way to the server. */
enum sending {
        SENDING_NOTHING,
        SENDING_CARD,
        SENDING_NOTICE,
        SENDING_SAMPLE,
};

/* The agent: brings together what is open, who shows it, and what a person does about it. */
struct agent {
        sd_event *event;
        sd_bus *bus;                            /* of the session */
        sd_bus_slot *name_slot, *api_slot;
        struct server *server;
        struct source *sources[2];              /* by scope */
        struct board *board;
        struct record *record;                  /* NULL: there is no place for it */
        struct details *details;
        struct acceptances *acceptances;
        struct pace pace;
        sd_event_source *tell, *retry, *rest;   /* timers */
        sd_event_source *login;                 /* until then more may be open than is known */
        bool listed[2];                         /* by scope */
        uint64_t retry_usec;
        enum sending sending;
        int card;                               /* that is on its way */
        struct notice *notices[NOTICES_MAX];
        size_t n_notices;
        sd_bus_message *sample_call;            /* to be answered when the sample is shown */
        uint32_t sample_id;
        bool server_was_met;
};

/* Begins once the name on the bus of the session is ours; else ends the loop with 0: one agent is enough. */
int agent_new(struct agent **ret, sd_event *event);
struct agent *agent_free(struct agent *agent);
DEFINE_CLEANUP(struct agent *, agent_free)

/* For the methods on the bus: a sample is shown, and the call is answered when it is. */
int agent_show_sample(struct agent *agent, sd_bus_message *call);

/* agent-tell.c: does what is due now, one thing at a time; what is not yet due gets its timer. */
void agent_advance(struct agent *agent);
extern const struct server_ops agent_server_ops;

/* Writes down what was told, if that has changed. */
void agent_save(struct agent *agent);

/* agent-actions.c: what a person asked for, about a card or the sample. */
void agent_invoke(struct agent *agent, uint32_t id, const char *action, const char *token);

/* What became of it. */
void agent_on_acceptance(void *userdata, const struct acceptance_outcome *outcome);
void agent_on_details_failed(void *userdata, enum scope scope, char **units, const char *reason);


/* A new unit is above the limit for these: it is shown once, and not again after a restart. */
void agent_on_appeared(void *userdata, const struct event *event);
