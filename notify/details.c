/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "details.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "program.h"

#define SYSTEMD_BUS_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"

#define OPENINGS_MAX 4U
#define UNIT_NAME_SIZE 96U

/* One terminal that is being opened. */
struct opening {
        struct details *details;
        sd_bus_slot *slot;
        struct command command;
        char *client;
        char **units;
};

struct details {
        sd_bus *bus;
        details_failed_fn fn;
        void *userdata;
        struct opening *openings[OPENINGS_MAX];
};

static struct opening *opening_free(struct opening *opening) {
        if (!opening)
                return NULL;
        sd_bus_slot_unref(opening->slot);
        command_done(&opening->command);
        free(opening->client);
        strv_free(opening->units);
        free(opening);
        return NULL;
}

DEFINE_CLEANUP(struct opening *, opening_free)

static void forget(struct details *details, struct opening *opening) {
        for (size_t i = 0; i < OPENINGS_MAX; i++)
                if (details->openings[i] == opening) {
                        details->openings[i] = opening_free(opening);
                        return;
                }
}

static char **copy_units(char **units) {
        size_t n = 0;
        char **copies;

        while (units && units[n])
                n++;
        copies = calloc(n + 1, sizeof(*copies));
        for (size_t i = 0; copies && i < n; i++) {
                copies[i] = strdup(units[i]);
                if (!copies[i])
                        return strv_free(copies);
        }
        return copies;
}

/*
 * A pager that waits for the person even where all fits on the screen, as the terminal ends with it; and that says
 * so to who has not met it before.
 */
static int set_environment(struct command *command, const char *token) {
        int r = command_set(command, "SYSTEMD_PAGER", "less");

        if (r >= 0)
                r = command_set(command, "SYSTEMD_LESS", "RSMKPMArrow keys scroll, q closes$");
        if (r >= 0 && token)
                r = command_set(command, "XDG_ACTIVATION_TOKEN", token);
        return r;
}

static int fill_command(struct opening *opening, enum scope scope, const char *token) {
        struct command *command = &opening->command;
        _cleanup_free_ char *pager = program_find("less");
        int r;

        opening->client = program_find("exposurectl");
        if (!pager || !opening->client)
                return -ENOENT;
        r = command_init_terminal(command);
        if (r >= 0)
                r = set_environment(command, token);
        if (r >= 0)
                r = command_add(command, opening->client);
        if (r >= 0 && scope == SCOPE_USER)
                r = command_add(command, "--user");
        if (r >= 0)
                r = command_add(command, "regressions");
        if (r >= 0)
                r = command_add(command, "--");
        for (char **unit = opening->units; r >= 0 && unit && *unit; unit++)
                r = command_add(command, *unit);
        return r;
}

static bool is_not_there(sd_bus_message *m) {
        return sd_bus_message_is_method_error(m, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
               sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               sd_bus_message_is_method_error(m, "org.freedesktop.DBus.Error.Spawn.ExecFailed") ||
               sd_bus_message_is_method_error(m, "org.freedesktop.DBus.Error.Spawn.ChildExited");
}

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct opening *opening = userdata;
        struct details *details = opening->details;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        const char *reason = NULL;
        int r;

        (void) error;
        if (e && is_not_there(m)) {
                r = command_spawn(&opening->command);
                reason = r < 0 ? strerror(-r) : NULL;
        } else if (e)
                reason = e->message ?: e->name;
        if (reason)
                details->fn(details->userdata, reason);
        forget(details, opening);
        return 0;
}

static int append_command(sd_bus_message *m, const struct command *command) {
        int r = sd_bus_message_open_container(m, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "ExecStart");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", command->path);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) command->words);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", false);
        for (int i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_environment(sd_bus_message *m, const struct command *command) {
        int r = sd_bus_message_open_container(m, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Environment");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) command->variables);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_properties(sd_bus_message *m, const struct command *command) {
        int r = sd_bus_message_open_container(m, 'a', "(sv)");

        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)", "Description", "s", "Details of Regressions",
                                          "CollectMode", "s", "inactive-or-failed",
                                          "Slice", "s", "app.slice");
        if (r >= 0)
                r = append_command(m, command);
        if (r >= 0)
                r = append_environment(m, command);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* The service manager starts it, beside us: our own sandbox is none of the terminal's. */
static int start(struct opening *opening) {
        _cleanup_message_ sd_bus_message *m = NULL;
        char name[UNIT_NAME_SIZE];
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        (void) snprintf(name, sizeof(name), "app-exposure\\x2dnotify-" SD_ID128_FORMAT_STR ".service",
                        SD_ID128_FORMAT_VAL(id));
        r = sd_bus_message_new_method_call(opening->details->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH,
                                           SYSTEMD_MANAGER_INTERFACE, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", name, "fail");
        if (r >= 0)
                r = append_properties(m, &opening->command);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r < 0)
                return r;
        return sd_bus_call_async(opening->details->bus, &opening->slot, m, on_started, opening, 0);
}

int details_open(struct details *details, enum scope scope, char **units, const char *token) {
        _cleanup_(opening_freep) struct opening *opening = NULL;
        size_t place = 0;
        int r;

        while (place < OPENINGS_MAX && details->openings[place])
                place++;
        if (place == OPENINGS_MAX)
                return -EBUSY;
        opening = calloc(1, sizeof(*opening));
        if (!opening)
                return -ENOMEM;
        opening->details = details;
        opening->units = copy_units(units);
        if (!opening->units)
                return -ENOMEM;
        r = fill_command(opening, scope, token);
        if (r >= 0)
                r = start(opening);
        if (r < 0)
                return r;
        details->openings[place] = TAKE_PTR(opening);
        return 0;
}

int details_new(struct details **ret, sd_bus *session, details_failed_fn fn, void *userdata) {
        struct details *details = calloc(1, sizeof(*details));

        if (!details)
                return -ENOMEM;
        *details = (struct details) {
                .bus = sd_bus_ref(session),
                .fn = fn,
                .userdata = userdata,
        };
        *ret = details;
        return 0;
}

struct details *details_free(struct details *details) {
        if (!details)
                return NULL;
        for (size_t i = 0; i < OPENINGS_MAX; i++)
                opening_free(details->openings[i]);
        sd_bus_unref(details->bus);
        free(details);
        return NULL;
}
