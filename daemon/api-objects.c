/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "api.h"
#include "manager.h"
#include "systemd.h"
#include "turns.h"

/* What sd-bus would answer by itself, at once, and whatever it costs: the objects of all units, and long properties. */

#define OBJECT_MANAGER_INTERFACE "org.freedesktop.DBus.ObjectManager"
#define INTROSPECTABLE_INTERFACE "org.freedesktop.DBus.Introspectable"
#define PEER_INTERFACE "org.freedesktop.DBus.Peer"

/* A byte of a unit's name is at most three of its path. */
#define UNIT_PATH_MAX (sizeof(EXPOSURED_UNIT_PATH) + 3 * UNIT_NAME_SIZE)
#define OTHER_PATH_MAX 64U
/* By the specification of D-Bus. */
#define NAME_LENGTH_MAX 255U

/* sd-bus looks for each part of a path in turn, which takes a second of one that is long enough. */
static bool path_is_plausible(const char *path) {
        static const char prefix[] = EXPOSURED_UNIT_PATH "/";
        size_t n = strnlen(path, UNIT_PATH_MAX);

        if (n <= OTHER_PATH_MAX)
                return true;
        return n < UNIT_PATH_MAX && strncmp(path, prefix, strlen(prefix)) == 0 && !strchr(path + strlen(prefix), '/');
}

/* Every object has these interfaces without properties. */
static int append_standard_interfaces(sd_bus_message *m) {
        return sd_bus_message_append(m, "{sa{sv}}{sa{sv}}{sa{sv}}", PEER_INTERFACE, 0, INTROSPECTABLE_INTERFACE, 0,
                                     PROPERTIES_INTERFACE, 0);
}

static int append_unit_interfaces(sd_bus_message *m, const struct unit *unit) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
        if (r >= 0)
                r = append_standard_interfaces(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "sa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", EXPOSURED_UNIT_INTERFACE);
        if (r >= 0)
                r = append_unit_properties(m, unit, false);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_object(sd_bus_message *m, const struct unit *unit) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = unit_object_path(unit, &path);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'e', "oa{sa{sv}}");
        if (r >= 0)
                r = sd_bus_message_append(m, "o", path);
        if (r >= 0)
                r = append_unit_interfaces(m, unit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int turn_get_managed_objects(struct manager *manager, sd_bus_message *call, uint32_t uid,
                                    sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        (void) uid, (void) error;
        r = sd_bus_message_new_method_return(call, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "{oa{sa{sv}}}");
        for (size_t i = 0; i < manager->units.n_units && r >= 0; i++)
                if (manager->units.units[i]->assessed)
                        r = append_object(reply, manager->units.units[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int print_nodes(FILE *f, const struct manager *manager) {
        int r = 0;

        for (size_t i = 0; i < manager->units.n_units && r >= 0; i++) {
                _cleanup_(freep) char *path = NULL;

                if (!manager->units.units[i]->assessed)
                        continue;
                r = unit_object_path(manager->units.units[i], &path);
                if (r >= 0 && fprintf(f, " <node name=\"%s\"/>\n", path + strlen(EXPOSURED_UNIT_PATH "/")) < 0)
                        r = -ENOMEM;
        }
        return r;
}

static int turn_introspect_units(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *f;
        int r;

        (void) uid, (void) error;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        (void) fprintf(f, "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
                       " \"https://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n<node>\n");
        r = print_nodes(f, manager);
        (void) fprintf(f, "</node>\n");
        if (fclose(f) != 0 || r < 0)
                return r < 0 ? r : -ENOMEM;
        return sd_bus_reply_method_return(call, "s", text);
}

static int turn_get_findings(struct manager *manager, sd_bus_message *call, uint32_t uid, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(freep) char *name = NULL;
        struct unit *unit = NULL;
        int r;

        (void) uid;
        r = sd_bus_path_decode(sd_bus_message_get_path(call), EXPOSURED_UNIT_PATH, &name);
        if (r > 0)
                unit = unit_table_get(&manager->units, name);
        if (!unit || !unit->assessed)
                return r < 0 ? r : sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object '%s'.",
                                                     sd_bus_message_get_path(call));
        r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = append_findings_variant(reply, unit);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Whether it calls that method, which takes no arguments. As sd-bus has it, the interface may be left out. */
static bool calls(sd_bus_message *m, const char *interface, const char *member) {
        return streq_ptr(sd_bus_message_get_member(m), member) &&
               (!sd_bus_message_get_interface(m) || streq(sd_bus_message_get_interface(m), interface));
}

static int refuse_arguments(struct turns *turns, sd_bus_message *m, const char *expected, sd_bus_error *error) {
        return turns_refused(turns, m, sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%s takes %s.",
                                                         sd_bus_message_get_member(m), expected));
}

/* What waits is kept whole, so it must be short; sd-bus itself would not mind. */
static int wait_to_introspect(struct turns *turns, sd_bus_message *m, const char *path, sd_bus_error *error) {
        if (sd_bus_message_has_signature(m, "") <= 0)
                return refuse_arguments(turns, m, "no arguments", error);
        if (streq(path, EXPOSURED_UNIT_PATH))
                return turns_request(turns, m, turn_introspect_units, error);
        return turns_forward(turns, m, error);
}

static int wait_for_properties(struct turns *turns, sd_bus_message *m, sd_bus_error *error) {
        const char *interface;
        int r;

        if (sd_bus_message_has_signature(m, "s") <= 0)
                return refuse_arguments(turns, m, "the name of an interface", error);
        r = sd_bus_message_read(m, "s", &interface);
        if (r < 0)
                return r;
        if (strnlen(interface, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX)
                return refuse_arguments(turns, m, "the name of an interface, of at most 255 bytes", error);
        r = sd_bus_message_rewind(m, true);
        return r < 0 ? r : turns_forward(turns, m, error);
}

static bool is_findings(const char *path, const char *interface, const char *property) {
        return strncmp(path, EXPOSURED_UNIT_PATH "/", strlen(EXPOSURED_UNIT_PATH "/")) == 0 &&
               (!*interface || streq(interface, EXPOSURED_UNIT_INTERFACE)) && streq(property, "Findings");
}

static int look_at_property(struct turns *turns, sd_bus_message *m, const char *path, sd_bus_error *error) {
        const char *interface, *property;
        int r;

        if (sd_bus_message_has_signature(m, "ss") <= 0)
                return refuse_arguments(turns, m, "the names of an interface and a property", error);
        r = sd_bus_message_read(m, "ss", &interface, &property);
        if (r < 0)
                return r;
        if (strnlen(interface, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX ||
            strnlen(property, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX)
                return refuse_arguments(turns, m, "the names of an interface and a property, of at most 255 bytes",
                                        error);
        if (is_findings(path, interface, property))
                return turns_request(turns, m, turn_get_findings, error);
        /* sd-bus answers. */
        r = sd_bus_message_rewind(m, true);
        return r < 0 ? r : 0;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *path = sd_bus_message_get_path(m);
        struct turns *turns = ((struct manager *) userdata)->turns;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0 || !path)
                return 0;
        if (turns_ignores(turns, m))
                return 1;
        if (!path_is_plausible(path))
                return turns_refused(turns, m, sd_bus_error_set(error, SD_BUS_ERROR_UNKNOWN_OBJECT,
                                                                "There is no object with such a long path."));
        if (streq(path, EXPOSURED_PATH) && calls(m, OBJECT_MANAGER_INTERFACE, "GetManagedObjects") &&
            sd_bus_message_has_signature(m, "") > 0)
                return turns_request(turns, m, turn_get_managed_objects, error);
        if (calls(m, INTROSPECTABLE_INTERFACE, "Introspect"))
                return wait_to_introspect(turns, m, path, error);
        if (calls(m, PROPERTIES_INTERFACE, "GetAll"))
                return wait_for_properties(turns, m, error);
        if (calls(m, PROPERTIES_INTERFACE, "Get"))
                return look_at_property(turns, m, path, error);
        return 0;
}

int api_add_filter(struct manager *manager, sd_bus *bus, sd_bus_slot **slot) {
        return sd_bus_add_filter(bus, slot, on_message, manager);
}
