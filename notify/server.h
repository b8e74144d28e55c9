/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include <exposured/macro.h>

#include "severity.h"

/* The session's notification server (org.freedesktop.Notifications, 1.2 and later), whichever it is now. */
struct server;

enum capability {
        CAPABILITY_ACTIONS,
        CAPABILITY_BODY,
        CAPABILITY_BODY_MARKUP,
        _CAPABILITY_MAX,
};

/* What became of a notification that was sent. */
enum outcome {
        OUTCOME_SHOWN,          /* under the id that is given; 0: the server said none that is proper */
        OUTCOME_SILENCE,        /* no answer in time: it may be on the screen */
        OUTCOME_LOST,           /* the server went before it answered, or there is none */
        OUTCOME_REFUSED,
};

/* Names and what a person reads, in turn; NULL-terminated. */
typedef const char *const *notification_actions;

struct notification {
        uint32_t replaces;      /* an id that the server gave, or 0 */
        const char *title, *body;
        notification_actions actions;   /* NULL: none */
        enum urgency urgency;
        bool transient;         /* not worth keeping in a history */
        bool silent;            /* nothing new, it only says what is true now */
};

struct server_ops {
        /* The server can be asked to show something: its capabilities are known. */
        void (*ready)(void *userdata);
        /* There is none, though one was asked for; ready() comes when there is. Asking again may start it. */
        void (*missing)(void *userdata, bool may_start);
        /* Another one, or none: what was shown is gone. */
        void (*changed)(void *userdata);
        void (*answered)(void *userdata, enum outcome outcome, uint32_t id);
        /* The token lets a window take the focus, where the server gave one; else NULL. */
        void (*invoked)(void *userdata, uint32_t id, const char *action, const char *token);
        void (*closed)(void *userdata, uint32_t id);
};

/* References the bus, and asks who the server is; starts none. */
int server_new(struct server **ret, sd_bus *bus, const struct server_ops *ops, void *userdata);
struct server *server_free(struct server *server);
DEFINE_CLEANUP(struct server *, server_free)

/* The unique name of who serves now; NULL where nobody does, or it is not known yet. */
const char *server_owner(const struct server *server);

/* Whether it was found out who serves, if anybody does. */
bool server_is_known(const struct server *server);

bool server_is_ready(const struct server *server);
bool server_can(const struct server *server, enum capability capability);

/* Asks for the capabilities, starting a server where there is none: ready() or missing() will follow. */
int server_ask(struct server *server);

/* One at a time; answered() follows. -EBUSY where one is under way. */
bool server_is_busy(const struct server *server);
int server_notify(struct server *server, const struct notification *notification);

/* Nobody hears what becomes of that. */
int server_close(struct server *server, uint32_t id);
