/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "details.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <systemd/sd-id128.h>

#include "cleanup.h"
#include "delay.h"
#include "pace.h"
#include "program.h"

#define SYSTEMD_BUS_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_UNIT_PREFIX "/org/freedesktop/systemd1/unit"
#define SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define TERMINAL_FAILED "The terminal ended at once."

#define OPENINGS_MAX 4U
#define UNIT_NAME_SIZE 96U
/* Longer values of variables are not passed on. */
#define VALUE_SIZE 4096U
/* A terminal that fails does so within that time; it is looked at twice. */
#define FIRST_LOOK_USEC (1 * USEC_PER_SEC)
#define LAST_LOOK_USEC (4 * USEC_PER_SEC)
/* How exposurectl ends where there are regressions, and some terminals with it. */
#define EXIT_REGRESSIONS 3

/* One terminal that is being opened. */
struct opening {
        struct details *details;
        sd_bus_slot *slot;
        sd_event_source *look;          /* timer */
        bool last_look;
        struct command command;
        enum scope scope;
        char *client;
        char **units;                   /* NULL: all */
        char unit[UNIT_NAME_SIZE];      /* what the service manager calls it */
        pid_t pid;                      /* without one, of the terminal */
};

struct details {
        sd_event *event;
        sd_event_source *children;
        sd_bus *bus;
        details_failed_fn fn;
        void *userdata;
        struct opening *openings[OPENINGS_MAX];
};

static struct opening *opening_free(struct opening *opening) {
        if (!opening)
                return NULL;
        sd_bus_slot_unref(opening->slot);
        sd_event_source_disable_unref(opening->look);
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

static void fail(struct opening *opening, const char *reason) {
        struct details *details = opening->details;

        details->fn(details->userdata, opening->scope, opening->units, reason);
        forget(details, opening);
}

static char **copy_units(char **units) {
        size_t n = 0;
        char **copies;

        while (units[n])
                n++;
        copies = calloc(n + 1, sizeof(*copies));
        for (size_t i = 0; copies && i < n; i++) {
                copies[i] = strdup(units[i]);
                if (!copies[i])
                        return strv_free(copies);
        }
        return copies;
}

/* Where windows are shown: who started us may not have told the service manager. */
static const char *const screen_variables[] = {
        "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_CURRENT_DESKTOP",
};

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
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(screen_variables); i++) {
                const char *value = getenv(screen_variables[i]);

                if (value && *value && strlen(value) < VALUE_SIZE)
                        r = command_set(command, screen_variables[i], value);
        }
        return r;
}

static int fill_command(struct opening *opening, const char *token) {
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
        if (r >= 0 && opening->scope == SCOPE_USER)
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
        const sd_bus_error *e = sd_bus_message_get_error(m);

        (void) error;
        opening->slot = sd_bus_slot_unref(opening->slot);
        if (e && is_not_there(m)) {
                opening->pid = command_spawn(&opening->command);
                if (opening->pid < 0) {
                        fail(opening, strerror(-opening->pid));
                        return 0;
                }
        } else if (e) {
                fail(opening, e->message ?: e->name);
                return 0;
        }
        delay_set(opening->look, FIRST_LOOK_USEC);
        return 0;
}

/* The service manager need not keep the unit for us any longer. */
static void release(const struct opening *opening) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(opening->details->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH,
                                               SYSTEMD_MANAGER_INTERFACE, "UnrefUnit");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", opening->unit);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        /* It goes with our connection at the latest. */
        if (r >= 0)
                (void) sd_bus_send(opening->details->bus, m, NULL);
}

static int on_state(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct opening *opening = userdata;
        const char *state = "";

        (void) error;
        opening->slot = sd_bus_slot_unref(opening->slot);
        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "v", "s", &state) < 0)
                state = "";
        /* One that has ended well may have left it to a program that runs already. */
        if (!opening->last_look && (streq(state, "active") || streq(state, "activating"))) {
                opening->last_look = true;
                delay_set(opening->look, LAST_LOOK_USEC);
                return 0;
        }
        release(opening);
        if (streq(state, "failed"))
                fail(opening, TERMINAL_FAILED);
        else
                forget(opening->details, opening);
        return 0;
}

static int ask_state(struct opening *opening) {
        _cleanup_free_ char *path = NULL;
        int r = sd_bus_path_encode(SYSTEMD_UNIT_PREFIX, opening->unit, &path);

        if (r < 0)
                return r;
        return sd_bus_call_method_async(opening->details->bus, &opening->slot, SYSTEMD_BUS_NAME, path,
                                        "org.freedesktop.DBus.Properties", "Get", on_state, opening, "ss",
                                        "org.freedesktop.systemd1.Unit", "ActiveState");
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata) {
        struct opening *opening = userdata;

        (void) source;
        (void) usec;
        /* We would have heard of the end of a child of ours. */
        if (opening->pid > 0 && !opening->last_look) {
                opening->last_look = true;
                delay_set(opening->look, LAST_LOOK_USEC);
        } else if (opening->pid > 0 || ask_state(opening) < 0)
                forget(opening->details, opening);
        return 0;
}

static void on_child(struct details *details, pid_t pid, int status) {
        for (size_t i = 0; i < OPENINGS_MAX; i++) {
                struct opening *opening = details->openings[i];

                if (!opening || opening->pid != pid)
                        continue;
                if (WIFEXITED(status) &&
                    (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EXIT_REGRESSIONS))
                        forget(details, opening);
                else
                        fail(opening, TERMINAL_FAILED);
        }
}

static int on_children(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata) {
        pid_t pid;
        int status;

        (void) source;
        (void) si;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                on_child(userdata, pid, status);
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
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)",
                                          "Description", "s", "Details of Regressions",
                                          "CollectMode", "s", "inactive-or-failed",
                                          /* It stays until we have seen what became of it. */
                                          "AddRef", "b", true,
                                          "SuccessExitStatus", "(aiai)", 1, EXIT_REGRESSIONS, 0,
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
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        (void) snprintf(opening->unit, sizeof(opening->unit),
                        "app-exposure\\x2dnotify-" SD_ID128_FORMAT_STR ".service", SD_ID128_FORMAT_VAL(id));
        r = sd_bus_message_new_method_call(opening->details->bus, &m, SYSTEMD_BUS_NAME, SYSTEMD_PATH,
                                           SYSTEMD_MANAGER_INTERFACE, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", opening->unit, "fail");
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
        opening->scope = scope;
        opening->units = units ? copy_units(units) : NULL;
        if (units && !opening->units)
                return -ENOMEM;
        r = delay_new(&opening->look, details->event, on_look, opening);
        if (r >= 0)
                r = fill_command(opening, token);
        if (r >= 0)
                r = start(opening);
        if (r < 0)
                return r;
        details->openings[place] = TAKE_PTR(opening);
        return 0;
}

int details_new(struct details **ret, sd_event *event, sd_bus *session, details_failed_fn fn,
                void *userdata) {
        _cleanup_(details_freep) struct details *details = calloc(1, sizeof(*details));
        int r;

        if (!details)
                return -ENOMEM;
        *details = (struct details) {
                .event = sd_event_ref(event),
                .bus = sd_bus_ref(session),
                .fn = fn,
                .userdata = userdata,
        };
        r = sd_event_add_signal(event, &details->children, SIGCHLD | SD_EVENT_SIGNAL_PROCMASK, on_children,
                                details);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(details);
        return 0;
}

struct details *details_free(struct details *details) {
        if (!details)
                return NULL;
        for (size_t i = 0; i < OPENINGS_MAX; i++)
                opening_free(details->openings[i]);
        sd_bus_unref(details->bus);
        sd_event_source_disable_unref(details->children);
        sd_event_unref(details->event);
        free(details);
        return NULL;
}
