/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/macro.h>

#include "fake-systemd.h"

/*
 * What systemd 252 says of a plain service; an array is empty. %n is the unit's name. Properties that
 * exposured knows, and some of those that it has to pass over.
 */
static const struct {
        const char *interface, *name, *signature, *text;
} defaults[] = {
        { "Unit", "Id", "s", "%n" },
        { "Unit", "Names", "as", NULL },
        { "Unit", "Following", "s", "" },
        { "Unit", "Requires", "as", NULL },
        { "Unit", "Description", "s", "A unit that is not there" },
        { "Unit", "LoadState", "s", "%l" },
        { "Unit", "ActiveState", "s", "inactive" },
        { "Unit", "FragmentPath", "s", "%f" },
        { "Unit", "SourcePath", "s", "" },
        { "Unit", "DropInPaths", "as", NULL },
        { "Unit", "UnitFileState", "s", "static" },
        { "Unit", "InactiveEnterTimestamp", "t", "0" },
        { "Unit", "CanStart", "b", "1" },
        { "Unit", "Job", "(uo)", NULL },
        { "Unit", "NeedDaemonReload", "b", "0" },
        { "Unit", "DefaultDependencies", "b", "1" },
        { "Unit", "Conditions", "a(sbbsi)", NULL },
        { "Unit", "LoadError", "(ss)", NULL },
        { "Unit", "InvocationID", "ay", NULL },
        { "Service", "Type", "s", "simple" },
        { "Service", "ExitType", "s", "main" },
        { "Service", "Restart", "s", "no" },
        { "Service", "NotifyAccess", "s", "none" },
        { "Service", "RestartUSec", "t", "100000" },
        { "Service", "RestartPreventExitStatus", "(aiai)", NULL },
        { "Service", "ExecMainPID", "u", "0" },
        { "Service", "ExecStart", "a(sasbttttuii)", NULL },
        { "Service", "ControlGroup", "s", "" },
        { "Service", "MemoryCurrent", "t", "18446744073709551615" },
        { "Service", "Delegate", "b", "0" },
        { "Service", "DelegateControllers", "as", NULL },
        { "Service", "IOReadBandwidthMax", "a(st)", NULL },
        { "Service", "DevicePolicy", "s", "auto" },
        { "Service", "DeviceAllow", "a(ss)", NULL },
        { "Service", "IPAddressAllow", "a(iayu)", NULL },
        { "Service", "IPAddressDeny", "a(iayu)", NULL },
        { "Service", "IPIngressFilterPath", "as", NULL },
        { "Service", "IPEgressFilterPath", "as", NULL },
        { "Service", "SocketBindAllow", "a(iiqq)", NULL },
        { "Service", "RestrictNetworkInterfaces", "(bas)", NULL },
        { "Service", "Environment", "as", NULL },
        { "Service", "EnvironmentFiles", "a(sb)", NULL },
        { "Service", "UMask", "u", "18" },
        { "Service", "WorkingDirectory", "s", "" },
        { "Service", "RootDirectory", "s", "" },
        { "Service", "RootImage", "s", "" },
        { "Service", "RootHash", "ay", NULL },
        { "Service", "MountImages", "a(ssba(ss))", NULL },
        { "Service", "CPUSchedulingPolicy", "i", "0" },
        { "Service", "CapabilityBoundingSet", "t", "2199023255551" },
        { "Service", "AmbientCapabilities", "t", "0" },
        { "Service", "DynamicUser", "b", "0" },
        { "Service", "User", "s", "" },
        { "Service", "Group", "s", "" },
        { "Service", "RemoveIPC", "b", "0" },
        { "Service", "SetCredential", "a(say)", NULL },
        { "Service", "SupplementaryGroups", "as", NULL },
        { "Service", "PrivateTmp", "b", "0" },
        { "Service", "PrivateDevices", "b", "0" },
        { "Service", "ProtectClock", "b", "0" },
        { "Service", "ProtectKernelTunables", "b", "0" },
        { "Service", "ProtectKernelModules", "b", "0" },
        { "Service", "ProtectKernelLogs", "b", "0" },
        { "Service", "ProtectControlGroups", "b", "0" },
        { "Service", "PrivateNetwork", "b", "0" },
        { "Service", "PrivateUsers", "b", "0" },
        { "Service", "PrivateMounts", "b", "0" },
        { "Service", "ProtectHome", "s", "no" },
        { "Service", "ProtectSystem", "s", "no" },
        { "Service", "NoNewPrivileges", "b", "0" },
        { "Service", "SystemCallFilter", "(bas)", NULL },
        { "Service", "SystemCallArchitectures", "as", NULL },
        { "Service", "SystemCallErrorNumber", "i", "2147483646" },
        { "Service", "Personality", "s", "" },
        { "Service", "LockPersonality", "b", "0" },
        { "Service", "RestrictAddressFamilies", "(bas)", NULL },
        { "Service", "RuntimeDirectorySymlink", "a(sst)", NULL },
        { "Service", "MemoryDenyWriteExecute", "b", "0" },
        { "Service", "RestrictRealtime", "b", "0" },
        { "Service", "RestrictSUIDSGID", "b", "0" },
        { "Service", "RestrictNamespaces", "t", "2114060288" },
        { "Service", "BindPaths", "a(ssbt)", NULL },
        { "Service", "KeyringMode", "s", "private" },
        { "Service", "ProtectProc", "s", "default" },
        { "Service", "ProcSubset", "s", "all" },
        { "Service", "ProtectHostname", "b", "0" },
        { "Service", "KillMode", "s", "control-group" },
};

void must(int r, const char *what) {
        if (r >= 0)
                return;
        (void) fprintf(stderr, "fake-systemd: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

struct unit *units_find(struct fake *fake, const char *name) {
        for (struct unit *unit = fake->units; unit; unit = unit->next)
                if (streq(unit->name, name))
                        return unit;
        return NULL;
}

struct unit *units_add(struct fake *fake, const char *name) {
        struct unit *unit = units_find(fake, name);

        if (unit)
                return unit;
        unit = calloc(1, sizeof(*unit));
        must(unit ? 0 : -ENOMEM, "unit");
        (void) snprintf(unit->name, sizeof(unit->name), "%s", name);
        unit->next = fake->units;
        fake->units = unit;
        return unit;
}

static void property_free(struct property *p) {
        sd_bus_message_unref(p->value);
        free(p);
}

void units_forget(struct fake *fake) {
        while (fake->units) {
                struct unit *unit = fake->units;

                fake->units = unit->next;
                while (unit->properties) {
                        struct property *p = unit->properties;

                        unit->properties = p->next;
                        property_free(p);
                }
                free(unit);
        }
}

void unit_reset(struct unit *unit, const char *name) {
        struct property **link = &unit->properties, *p;

        while ((p = *link)) {
                if (!streq(p->name, name)) {
                        link = &p->next;
                        continue;
                }
                *link = p->next;
                property_free(p);
        }
}

void unit_set(struct unit *unit, const char *interface, const char *name, sd_bus_message *value) {
        struct property *p;

        unit_reset(unit, name);
        p = calloc(1, sizeof(*p));
        must(p ? 0 : -ENOMEM, "property");
        (void) snprintf(p->interface, sizeof(p->interface), "%s", interface);
        (void) snprintf(p->name, sizeof(p->name), "%s", name);
        p->value = value;
        p->next = unit->properties;
        unit->properties = p;
}

static const struct property *find_property(const struct unit *unit, const char *name) {
        const struct property *p = unit ? unit->properties : NULL;

        while (p && !streq(p->name, name))
                p = p->next;
        return p;
}

/* What a text of the table stands for. */
static const char *expand(const char *text, const struct unit *unit, const char *name, char *buffer,
                          size_t size) {
        if (streq(text, "%n"))
                return name;
        if (streq(text, "%l"))
                return unit && (unit->file || unit->loaded) ? unit->load_state : "not-found";
        if (!streq(text, "%f"))
                return text;
        (void) snprintf(buffer, size, "/usr/lib/systemd/system/%s", name);
        return unit && (unit->file || unit->loaded) ? buffer : "";
}

static int append_basic(sd_bus_message *m, char type, const char *text) {
        union {
                int i;
                uint32_t u;
                uint64_t t;
        } value;

        if (type == 's')
                return sd_bus_message_append_basic(m, 's', text);
        value.t = strtoull(text, NULL, 10);
        if (type == 'b' || type == 'i')
                value.i = (int) value.t;
        else if (type == 'u')
                value.u = (uint32_t) value.t;
        return sd_bus_message_append_basic(m, type, &value);
}

/* An empty array, or a struct of empty values. */
static int append_empty(sd_bus_message *m, const char *signature) {
        int r;

        if (streq(signature, "(bas)"))
                return sd_bus_message_append(m, signature, 0, 0);
        if (streq(signature, "(aiai)"))
                return sd_bus_message_append(m, signature, 0, 0);
        if (streq(signature, "(uo)"))
                return sd_bus_message_append(m, signature, 0, "/");
        if (streq(signature, "(ss)"))
                return sd_bus_message_append(m, signature, "", "");
        r = sd_bus_message_open_container(m, 'a', signature + 1);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_default(sd_bus_message *m, size_t row, const struct unit *unit, const char *name) {
        const char *signature = defaults[row].signature;
        char buffer[512];
        int r;

        r = sd_bus_message_open_container(m, 'v', signature);
        if (r < 0)
                return r;
        if (defaults[row].text)
                r = append_basic(m, signature[0],
                                 expand(defaults[row].text, unit, name, buffer, sizeof(buffer)));
        else
                r = append_empty(m, signature);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const struct property *p) {
        int r;

        r = sd_bus_message_rewind(p->value, true);
        return r < 0 ? r : sd_bus_message_copy(m, p->value, true);
}

static bool serves(const char *asked, const char *interface) {
        return streq(asked, "") || streq(asked, interface);
}

static int append_entry(sd_bus_message *m, const char *name, const struct property *p, size_t row,
                        const struct unit *unit, const char *unit_name) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = p ? append_value(m, p) : append_default(m, row, unit, unit_name);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_rubbish(sd_bus_message *m, const char *name) {
        return sd_bus_message_append(m, "{sv}", name, "(sax)", "\033[31m", 2, INT64_MIN, INT64_MAX);
}

int unit_append_all(sd_bus_message *m, const struct unit *unit, const char *name, const char *interface,
                    enum telling telling) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; i < ELEMENTSOF(defaults) && r >= 0; i++)
                if (serves(interface, defaults[i].interface) && !find_property(unit, defaults[i].name) &&
                    telling != TELL_NOTHING && !(telling == TELL_HALF && i % 2))
                        r = telling == TELL_RUBBISH ? append_rubbish(m, defaults[i].name) :
                                                      append_entry(m, defaults[i].name, NULL, i, unit, name);
        for (const struct property *p = unit ? unit->properties : NULL; p && r >= 0 && telling == TELL_TRUTH; p = p->next)
                if (serves(interface, p->interface) && p->value)
                        r = append_entry(m, p->name, p, 0, unit, name);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int unit_append_one(sd_bus_message *m, const struct unit *unit, const char *name, const char *interface,
                    const char *property) {
        const struct property *p = find_property(unit, property);

        if (p)
                return p->value && serves(interface, p->interface) ? append_value(m, p) : -ENOENT;
        for (size_t i = 0; i < ELEMENTSOF(defaults); i++)
                if (serves(interface, defaults[i].interface) && streq(defaults[i].name, property))
                        return append_default(m, i, unit, name);
        return -ENOENT;
}
