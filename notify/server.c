/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus-names.h"
#include "cleanup.h"
#include "config.h"
#include "delay.h"
#include "owner.h"
#include "pace.h"

/* A server that is there answers at once; one that is being started may have a desktop to wait for. */
#define ANSWER_USEC (10 * USEC_PER_SEC)
#define START_USEC (60 * USEC_PER_SEC)
/* Longer tokens are none. */
#define TOKEN_SIZE 256U

struct server {
        sd_bus *bus;
        const struct server_ops *ops;
        void *userdata;
        struct owner *owner;
        sd_bus_slot *signals_slot;
        sd_bus_slot *capabilities_slot;         /* of a call under way */
        sd_bus_slot *notify_slot;
        uint64_t sent;                          /* when that began */
        bool ready;
        bool can[_CAPABILITY_MAX];
        uint32_t token_id;
        char token[TOKEN_SIZE];
};

static const char *const capability_names[_CAPABILITY_MAX] = {
        [CAPABILITY_ACTIONS] = "actions",
        [CAPABILITY_BODY] = "body",
        [CAPABILITY_BODY_MARKUP] = "body-markup",
};

static void forget_capabilities(struct server *server) {
        server->ready = false;
        server->capabilities_slot = sd_bus_slot_unref(server->capabilities_slot);
        for (size_t i = 0; i < _CAPABILITY_MAX; i++)
                server->can[i] = false;
}

static void on_owner(void *userdata, const char *owner) {
        struct server *server = userdata;

        server->token[0] = '\0';
        /* A call that has the bus start a server is answered by that very server. */
        if (!owner || server->ready) {
                forget_capabilities(server);
                server->ops->changed(server->userdata);
        }
        if (owner && !server->capabilities_slot)
                (void) server_ask(server);
}

/* Whatever is no list of words says nothing: the server is taken for one that can do little. */
static void read_capabilities(struct server *server, sd_bus_message *m) {
        _cleanup_strv_ char **words = NULL;

        if (sd_bus_message_read_strv(m, &words) < 0)
                return;
        for (char **word = words; word && *word; word++)
                for (size_t i = 0; i < _CAPABILITY_MAX; i++)
                        if (streq(*word, capability_names[i]))
                                server->can[i] = true;
}

static int on_capabilities(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *server = userdata;
        bool failed = sd_bus_message_is_method_error(m, NULL);

        (void) error;
        server->capabilities_slot = sd_bus_slot_unref(server->capabilities_slot);
        if (failed && !owner_name(server->owner)) {
                server->ops->missing(server->userdata,
                                     !sd_bus_message_is_method_error(m, SD_BUS_ERROR_SERVICE_UNKNOWN));
                return 0;
        }
        /* One that does not answer that may answer the rest. */
        if (!failed)
                read_capabilities(server, m);
        else
                server->can[CAPABILITY_BODY] = true;
        server->ready = true;
        server->ops->ready(server->userdata);
        return 0;
}

int server_ask(struct server *server) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (server->capabilities_slot || server->ready)
                return 0;
        r = sd_bus_message_new_method_call(server->bus, &m, NOTIFICATIONS_BUS_NAME, NOTIFICATIONS_PATH,
                                           NOTIFICATIONS_INTERFACE, "GetCapabilities");
        if (r < 0)
                return r;
        return sd_bus_call_async(server->bus, &server->capabilities_slot, m, on_capabilities, server,
                                 owner_name(server->owner) ? ANSWER_USEC : START_USEC);
}

/* What failed after all that time was not answered; before, the bus has said that nobody will. */
static enum outcome find_outcome(const struct server *server, sd_bus_message *m, uint32_t *ret_id) {
        *ret_id = 0;
        if (!sd_bus_message_is_method_error(m, NULL)) {
                if (sd_bus_message_read(m, "u", ret_id) < 0)
                        *ret_id = 0;
                return OUTCOME_SHOWN;
        }
        if (delay_now() - server->sent >= ANSWER_USEC)
                return OUTCOME_SILENCE;
        if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_message_is_method_error(m, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return OUTCOME_LOST;
        return OUTCOME_REFUSED;
}

static int on_notified(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *server = userdata;
        uint32_t id;
        enum outcome outcome = find_outcome(server, m, &id);

        (void) error;
        server->notify_slot = sd_bus_slot_unref(server->notify_slot);
        /* It is asked anew before it is trusted with more. */
        if (outcome == OUTCOME_SILENCE)
                forget_capabilities(server);
        server->ops->answered(server->userdata, outcome, id);
        return 0;
}

static int append_actions(sd_bus_message *m, const struct server *server, notification_actions actions) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        for (; actions && *actions && r >= 0 && server->can[CAPABILITY_ACTIONS]; actions++)
                r = sd_bus_message_append(m, "s", *actions);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_hints(sd_bus_message *m, const struct notification *n) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}{sv}", "urgency", "y", (uint8_t) n->urgency,
                                          "category", "s", "x-exposured.regression",
                                          "desktop-entry", "s", "exposure-notify");
        if (r >= 0 && n->transient)
                r = sd_bus_message_append(m, "{sv}", "transient", "b", true);
        if (r >= 0 && n->silent)
                r = sd_bus_message_append(m, "{sv}", "suppress-sound", "b", true);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int server_notify(struct server *server, const struct notification *n) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (server->notify_slot)
                return -EBUSY;
        r = sd_bus_message_new_method_call(server->bus, &m, NOTIFICATIONS_BUS_NAME, NOTIFICATIONS_PATH,
                                           NOTIFICATIONS_INTERFACE, "Notify");
        /* The icon by its file: a server may not look through the icon themes. */
        if (r >= 0)
                r = sd_bus_message_append(m, "susss", "Exposure", n->replaces, "file://" ICON_PATH, n->title,
                                          n->body);
        if (r >= 0)
                r = append_actions(m, server, n->actions);
        if (r >= 0)
                r = append_hints(m, n);
        if (r >= 0)
                r = sd_bus_message_append(m, "i", -1);
        if (r < 0)
                return r;
        server->sent = delay_now();
        return sd_bus_call_async(server->bus, &server->notify_slot, m, on_notified, server, ANSWER_USEC);
}

int server_close(struct server *server, uint32_t id) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(server->bus, &m, NOTIFICATIONS_BUS_NAME, NOTIFICATIONS_PATH,
                                               NOTIFICATIONS_INTERFACE, "CloseNotification");

        if (r >= 0)
                r = sd_bus_message_append(m, "u", id);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        return r < 0 ? r : sd_bus_send(server->bus, m, NULL);
}

/* Comes before the action that it is for. */
static void keep_token(struct server *server, sd_bus_message *m) {
        const char *token;
        uint32_t id;

        if (sd_bus_message_read(m, "us", &id, &token) < 0 || strlen(token) >= sizeof(server->token))
                return;
        server->token_id = id;
        memcpy(server->token, token, strlen(token) + 1);
}

static void tell_action(struct server *server, sd_bus_message *m) {
        const char *action, *token = NULL;
        uint32_t id;

        if (sd_bus_message_read(m, "us", &id, &action) < 0)
                return;
        if (*server->token && server->token_id == id)
                token = server->token;
        server->ops->invoked(server->userdata, id, action, token);
        server->token[0] = '\0';
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *server = userdata;
        uint32_t id, reason;

        (void) error;
        /* Anybody can send to us what looks like that. */
        if (!owner_sent(server->owner, m))
                return 0;
        if (sd_bus_message_is_signal(m, NULL, "ActionInvoked"))
                tell_action(server, m);
        else if (sd_bus_message_is_signal(m, NULL, "ActivationToken"))
                keep_token(server, m);
        else if (sd_bus_message_is_signal(m, NULL, "NotificationClosed") &&
                 sd_bus_message_read(m, "uu", &id, &reason) >= 0)
                server->ops->closed(server->userdata, id);
        return 0;
}

int server_new(struct server **ret, sd_bus *bus, const struct server_ops *ops, void *userdata) {
        _cleanup_(server_freep) struct server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;
        server->bus = sd_bus_ref(bus);
        server->ops = ops;
        server->userdata = userdata;
        r = sd_bus_match_signal_async(bus, &server->signals_slot, NOTIFICATIONS_BUS_NAME, NOTIFICATIONS_PATH,
                                      NOTIFICATIONS_INTERFACE, NULL, on_signal, NULL, server);
        if (r >= 0)
                r = owner_new(&server->owner, bus, NOTIFICATIONS_BUS_NAME, on_owner, server);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(server);
        return 0;
}

struct server *server_free(struct server *server) {
        if (!server)
                return NULL;
        sd_bus_slot_unref(server->signals_slot);
        sd_bus_slot_unref(server->capabilities_slot);
        sd_bus_slot_unref(server->notify_slot);
        owner_free(server->owner);
        sd_bus_unref(server->bus);
        free(server);
        return NULL;
}

const char *server_owner(const struct server *server) {
        return owner_name(server->owner);
}

bool server_is_known(const struct server *server) {
        return owner_is_known(server->owner);
}

bool server_is_ready(const struct server *server) {
        return server->ready;
}

bool server_can(const struct server *server, enum capability capability) {
        return server->can[capability];
}

bool server_is_busy(const struct server *server) {
        return server->notify_slot;
}
