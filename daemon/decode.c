/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>

#include "reading.h"

/* How one property becomes a fact: a new property is a new row. */
struct property {
        const char *name;
        const char *signature;
        int (*decode)(sd_bus_message *m, void *target, const struct property *property);
        size_t offset;                  /* of the target in struct reading */
        const struct value *values;     /* for decode_enum: ends with the row for all others */
        const char *match;              /* for decode_match: the value that is meant */
};

struct value {
        const char *name;               /* NULL: any other */
        uint8_t value;
};

void reading_init(struct reading *reading) {
        *reading = (struct reading) {};
        facts_init(&reading->facts);
}

void reading_done(struct reading *reading) {
        if (!reading)
                return;
        free(reading->id);
        free(reading->load_state);
        free(reading->fragment_path);
        strv_free(reading->drop_in_paths);
        reading_init(reading);
}

static int decode_bool(sd_bus_message *m, void *target, const struct property *property) {
        bool *value = target;
        int r, b;

        (void) property;
        r = sd_bus_message_read_basic(m, 'b', &b);
        if (r >= 0)
                *value = b;
        return r;
}

/* As the kernel takes it: other bits than those of permissions mean nothing. */
static int decode_umask(sd_bus_message *m, void *target, const struct property *property) {
        uint32_t *mask = target;
        int r;

        (void) property;
        r = sd_bus_message_read_basic(m, 'u', mask);
        *mask &= 0777;
        return r;
}

static int decode_u64(sd_bus_message *m, void *target, const struct property *property) {
        (void) property;
        return sd_bus_message_read_basic(m, 't', target);
}

static int decode_enum(sd_bus_message *m, void *target, const struct property *property) {
        const struct value *v = property->values;
        uint8_t *value = target;
        const char *text;
        int r;

        r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        while (v->name && !streq(v->name, text))
                v++;
        *value = v->value;
        return 0;
}

static int decode_match(sd_bus_message *m, void *target, const struct property *property) {
        bool *value = target;
        const char *text;
        int r;

        r = sd_bus_message_read_basic(m, 's', &text);
        if (r >= 0)
                *value = streq(text, property->match);
        return r;
}

static int decode_string(sd_bus_message *m, void *target, const struct property *property) {
        char **value = target, *copy = NULL;
        const char *text;
        int r;

        (void) property;
        r = sd_bus_message_read_basic(m, 's', &text);
        if (r < 0)
                return r;
        if (strlen(text) >= PATH_MAX)
                return -EBADMSG;
        if (*text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }
        free(*value);
        *value = copy;
        return 0;
}

static int decode_paths(sd_bus_message *m, void *target, const struct property *property) {
        _cleanup_(strv_freep) char **paths = NULL;
        char ***value = target;
        const char *path;
        size_t n = 0;
        int r;

        (void) property;
        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &path)) > 0) {
                if (++n > DROP_IN_PATHS_MAX || strlen(path) >= PATH_MAX)
                        return -EBADMSG;
                r = strv_extend(&paths, path);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        strv_free(*value);
        *value = TAKE_PTR(paths);
        return sd_bus_message_exit_container(m);
}

/* Whether an array has any entry, whatever it holds. */
static int decode_any(sd_bus_message *m, void *target, const struct property *property) {
        bool *value = target;
        int r;

        r = sd_bus_message_enter_container(m, 'a', property->signature + 1);
        if (r < 0)
                return r;
        *value = sd_bus_message_at_end(m, false) == 0;
        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                r = sd_bus_message_skip(m, property->signature + 1);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* A custom BPF filter counts wherever one is. */
static int decode_ip_filter(sd_bus_message *m, void *target, const struct property *property) {
        uint8_t *ip_access = target;
        bool any = false;
        int r;

        r = decode_any(m, &any, property);
        if (r >= 0 && any)
                *ip_access |= IP_CUSTOM_FILTER;
        return r;
}

static int decode_architectures(sd_bus_message *m, void *target, const struct property *property) {
        uint8_t *architectures = target;
        bool native = true;
        const char *name;
        unsigned n = 0;
        int r;

        (void) property;
        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &name)) > 0) {
                n += n < 2;
                native = native && streq(name, "native");
        }
        if (r < 0)
                return r;
        *architectures = n == 0 ? ARCHITECTURES_ANY :
                         n == 1 && native ? ARCHITECTURES_NATIVE : ARCHITECTURES_OTHER;
        return sd_bus_message_exit_container(m);
}

static uint8_t address_family_from_string(const char *name) {
        if (streq(name, "AF_INET") || streq(name, "AF_INET6"))
                return ADDRESS_FAMILY_INET;
        if (streq(name, "AF_UNIX"))
                return ADDRESS_FAMILY_UNIX;
        if (streq(name, "AF_NETLINK"))
                return ADDRESS_FAMILY_NETLINK;
        if (streq(name, "AF_PACKET"))
                return ADDRESS_FAMILY_PACKET;
        return ADDRESS_FAMILY_OTHER;
}

/* Reads one name after the other of a "(bas)", with its first member in *ret_allow_list. */
static int decode_list(sd_bus_message *m, struct facts *facts, bool *ret_allow_list,
                       void (*entry)(struct facts *facts, const char *name)) {
        const char *name;
        int r, allow_list;

        r = sd_bus_message_enter_container(m, 'r', "bas");
        if (r < 0)
                return r;
        r = sd_bus_message_read_basic(m, 'b', &allow_list);
        if (r < 0)
                return r;
        *ret_allow_list = allow_list;
        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &name)) > 0)
                entry(facts, name);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static void add_address_family(struct facts *facts, const char *name) {
        facts->address_families |= address_family_from_string(name);
}

static int decode_address_families(sd_bus_message *m, void *target, const struct property *property) {
        struct facts *facts = target;

        (void) property;
        facts->address_families = 0;
        return decode_list(m, facts, &facts->address_families_allow_list, add_address_family);
}

/* An entry may be "name" or "name:errno". */
static void add_system_call(struct facts *facts, const char *entry) {
        char name[64];
        size_t n = strcspn(entry, ":");
        int index;

        facts->system_call_filter_empty = false;
        if (n >= sizeof(name))
                return;
        memcpy(name, entry, n);
        name[n] = '\0';
        index = syscall_index(name);
        if (index >= 0)
                syscall_set_add(&facts->system_call_filter, index);
}

static int decode_system_calls(sd_bus_message *m, void *target, const struct property *property) {
        struct facts *facts = target;

        (void) property;
        facts->system_call_filter = (struct syscall_set) {};
        facts->system_call_filter_empty = true;
        return decode_list(m, facts, &facts->system_call_filter_allow_list, add_system_call);
}

struct address {
        int32_t family;
        const uint8_t *bytes;
        size_t n_bytes;
        uint32_t prefix;
};

static bool address_is_localhost(const struct address *a) {
        static const struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;

        if (a->family == AF_INET)
                return a->n_bytes == 4 && a->bytes[0] == 127 && a->prefix == 8;
        return a->family == AF_INET6 && a->n_bytes == sizeof(loopback) && a->prefix == 128 &&
               memcmp(a->bytes, &loopback, sizeof(loopback)) == 0;
}

static void deny_address(uint8_t *ip_access, const struct address *a) {
        if (a->prefix != 0)
                return;
        if (a->family == AF_INET)
                *ip_access |= IP_DENY_ALL_IPV4;
        else if (a->family == AF_INET6)
                *ip_access |= IP_DENY_ALL_IPV6;
}

static void allow_address(uint8_t *ip_access, const struct address *a) {
        *ip_access |= address_is_localhost(a) ? IP_ALLOW_LOCALHOST : IP_ALLOW_OTHER;
}

static int decode_addresses(sd_bus_message *m, uint8_t *ip_access,
                            void (*entry)(uint8_t *ip_access, const struct address *a)) {
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(iayu)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'r', "iayu")) > 0) {
                struct address a;
                const void *bytes;

                r = sd_bus_message_read_basic(m, 'i', &a.family);
                if (r < 0)
                        return r;
                r = sd_bus_message_read_array(m, 'y', &bytes, &a.n_bytes);
                if (r < 0)
                        return r;
                a.bytes = bytes;
                r = sd_bus_message_read_basic(m, 'u', &a.prefix);
                if (r < 0)
                        return r;
                entry(ip_access, &a);
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int decode_ip_allow(sd_bus_message *m, void *target, const struct property *property) {
        (void) property;
        return decode_addresses(m, target, allow_address);
}

static int decode_ip_deny(sd_bus_message *m, void *target, const struct property *property) {
        (void) property;
        return decode_addresses(m, target, deny_address);
}

/* All spellings of a systemd boolean that mean yes. */
#define VALUES_YES(v) { "yes", v }, { "true", v }, { "1", v }, { "on", v }, { "y", v }, { "t", v }

static const struct value protect_home_values[] = {
        VALUES_YES(PROTECT_HOME_YES),
        { "tmpfs", PROTECT_HOME_TMPFS },
        { "read-only", PROTECT_HOME_READ_ONLY },
        { NULL, PROTECT_HOME_NO },
};

static const struct value protect_system_values[] = {
        VALUES_YES(PROTECT_SYSTEM_YES),
        { "full", PROTECT_SYSTEM_FULL },
        { "strict", PROTECT_SYSTEM_STRICT },
        { NULL, PROTECT_SYSTEM_NO },
};

static const struct value protect_proc_values[] = {
        { "noaccess", PROTECT_PROC_NOACCESS },
        { "invisible", PROTECT_PROC_INVISIBLE },
        { "ptraceable", PROTECT_PROC_PTRACEABLE },
        { NULL, PROTECT_PROC_DEFAULT },
};

static const struct value device_policy_values[] = {
        { "closed", DEVICE_POLICY_CLOSED },
        { "strict", DEVICE_POLICY_STRICT },
        { NULL, DEVICE_POLICY_AUTO },
};

static const struct value user_values[] = {
        { "", USER_UNSET },
        { "root", USER_ROOT },
        { "0", USER_ROOT },
        { "nobody", USER_NOBODY },
        { NULL, USER_OTHER },
};

static const struct value root_values[] = {
        { "", ROOT_UNSET },
        { "/", ROOT_HOST },
        { NULL, ROOT_OTHER },
};

#define FACT(member) offsetof(struct reading, facts.member)
#define ALL_FACTS offsetof(struct reading, facts)
#define ENUM(property, member, table) { property, "s", decode_enum, FACT(member), .values = table }
#define BOOL(property, member) { property, "b", decode_bool, FACT(member) }
#define MATCH(property, member, value) { property, "s", decode_match, FACT(member), .match = value }

/* Sorted by name (strcmp), for bsearch. */
static const struct property properties[] = {
        { "AmbientCapabilities", "t", decode_u64, FACT(ambient_capabilities) },
        { "CapabilityBoundingSet", "t", decode_u64, FACT(capability_bounding_set) },
        BOOL("DefaultDependencies", default_dependencies),
        BOOL("Delegate", delegate),
        { "DeviceAllow", "a(ss)", decode_any, FACT(device_allow) },
        ENUM("DevicePolicy", device_policy, device_policy_values),
        { "DropInPaths", "as", decode_paths, offsetof(struct reading, drop_in_paths) },
        BOOL("DynamicUser", dynamic_user),
        { "FragmentPath", "s", decode_string, offsetof(struct reading, fragment_path) },
        { "IPAddressAllow", "a(iayu)", decode_ip_allow, FACT(ip_access) },
        { "IPAddressDeny", "a(iayu)", decode_ip_deny, FACT(ip_access) },
        { "IPEgressFilterPath", "as", decode_ip_filter, FACT(ip_access) },
        { "IPIngressFilterPath", "as", decode_ip_filter, FACT(ip_access) },
        { "Id", "s", decode_string, offsetof(struct reading, id) },
        MATCH("KeyringMode", keyring_private, "private"),
        { "LoadState", "s", decode_string, offsetof(struct reading, load_state) },
        BOOL("LockPersonality", lock_personality),
        BOOL("MemoryDenyWriteExecute", memory_deny_write_execute),
        BOOL("NoNewPrivileges", no_new_privileges),
        MATCH("NotifyAccess", notify_access_all, "all"),
        BOOL("PrivateDevices", private_devices),
        BOOL("PrivateMounts", private_mounts),
        BOOL("PrivateNetwork", private_network),
        BOOL("PrivateTmp", private_tmp),
        BOOL("PrivateUsers", private_users),
        MATCH("ProcSubset", proc_subset_pid, "pid"),
        BOOL("ProtectClock", protect_clock),
        BOOL("ProtectControlGroups", protect_control_groups),
        ENUM("ProtectHome", protect_home, protect_home_values),
        BOOL("ProtectHostname", protect_hostname),
        BOOL("ProtectKernelLogs", protect_kernel_logs),
        BOOL("ProtectKernelModules", protect_kernel_modules),
        BOOL("ProtectKernelTunables", protect_kernel_tunables),
        ENUM("ProtectProc", protect_proc, protect_proc_values),
        ENUM("ProtectSystem", protect_system, protect_system_values),
        BOOL("RemoveIPC", remove_ipc),
        { "RestrictAddressFamilies", "(bas)", decode_address_families, ALL_FACTS },
        { "RestrictNamespaces", "t", decode_u64, FACT(restrict_namespaces) },
        BOOL("RestrictRealtime", restrict_realtime),
        BOOL("RestrictSUIDSGID", restrict_suid_sgid),
        ENUM("RootDirectory", root_directory, root_values),
        ENUM("RootImage", root_image, root_values),
        { "SupplementaryGroups", "as", decode_any, FACT(supplementary_groups) },
        { "SystemCallArchitectures", "as", decode_architectures, FACT(architectures) },
        { "SystemCallFilter", "(bas)", decode_system_calls, ALL_FACTS },
        MATCH("Type", oneshot, "oneshot"),
        { "UMask", "u", decode_umask, FACT(umask) },
        ENUM("User", user, user_values),
};

static int compare_property(const void *name, const void *row) {
        return strcmp(name, ((const struct property *) row)->name);
}

static const struct property *property_find(const char *name) {
        return bsearch(name, properties, ELEMENTSOF(properties), sizeof(properties[0]), compare_property);
}

/* The message stands at a variant. A value of another shape is the unit's error, not the bus's. */
static int decode_variant(sd_bus_message *m, const struct property *property, struct reading *reading) {
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (r == 0 || type != 'v' || !streq(contents, property->signature))
                return -EBADMSG;
        r = sd_bus_message_enter_container(m, 'v', property->signature);
        if (r < 0)
                return r;
        r = property->decode(m, (char *) reading + property->offset, property);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 0;
}

int decode_properties(sd_bus_message *message, struct reading *reading, const char **ret_property) {
        int r;

        *ret_property = "(properties)";
        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r == -ENXIO ? -EBADMSG : r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                const struct property *property;
                const char *name;

                r = sd_bus_message_read_basic(message, 's', &name);
                if (r < 0)
                        return r;
                property = property_find(name);
                if (property) {
                        *ret_property = property->name;
                        reading->n_properties++;
                }
                r = property ? decode_variant(message, property, reading) : sd_bus_message_skip(message, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(message);
        return r < 0 ? r : 0;
}

bool reading_is_complete(const struct reading *reading) {
        return reading->n_properties * 2 > ELEMENTSOF(properties);
}

int decode_property(sd_bus_message *message, const char *property, struct reading *reading) {
        const struct property *row = property_find(property);

        return row ? decode_variant(message, row, reading) : -ENOENT;
}
