/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/capability.h>
#include <sched.h>
#include <stddef.h>

#include <exposured/macro.h>

#include "model.h"
#include "rules.h"
#include "syscalls.h"

struct rule;

/* What is judged, and by what. */
struct input {
        enum check check;
        const struct rule *rule;
        const struct model *model;
        const struct facts *facts;
};

struct rule {
        uint8_t (*badness)(const struct input *in);
        bool (*exempt)(const struct input *in); /* whether the check is not applicable; NULL: never */

        /* What the badness function looks at, where several checks share one. */
        union {
                size_t member;                  /* offset in struct facts, of a bool or an enum */
                uint64_t bits;                  /* in the set that the function is about */
                enum syscall_group group;
        };
        const uint8_t *by_value;                /* badness by the value of the member */
        uint8_t n_values;
};

static const void *member(const struct input *in) {
        return (const char *) in->facts + in->rule->member;
}

/* From 262 on, a unit of a user manager is never taken for one that runs as root, whatever user it names. */
static bool user_manager_rules(const struct input *in) {
        return in->model->scope == SCOPE_USER && model_since(in->model, 262);
}

static bool starts_early(const struct input *in) {
        return !in->facts->default_dependencies;
}

static bool runs_privileged(const struct input *in) {
        if (user_manager_rules(in))
                return false;

        return in->facts->user == USER_ROOT ||
                (in->facts->user == USER_UNSET && !in->facts->dynamic_user);
}

static bool keeps_ipc(const struct input *in) {
        return user_manager_rules(in) || runs_privileged(in);
}

static uint8_t bad_if_set(const struct input *in) {
        return *(const bool *) member(in);
}

static uint8_t bad_unless_set(const struct input *in) {
        return !*(const bool *) member(in);
}

static uint8_t bad_by_value(const struct input *in) {
        uint8_t value = *(const uint8_t *) member(in);

        /* What is not known protects from nothing. */
        if (value >= in->rule->n_values)
                return (uint8_t) check_info(in->check)->range;

        return in->rule->by_value[value];
}

static uint8_t bad_if_capable(const struct input *in) {
        return (in->facts->capability_bounding_set & in->rule->bits) != 0;
}

static uint8_t bad_if_namespace(const struct input *in) {
        return (in->facts->restrict_namespaces & in->rule->bits) != 0;
}

static uint8_t bad_if_family(const struct input *in) {
        bool listed = in->facts->address_families & in->rule->bits;

        return listed == in->facts->address_families_allow_list;
}

static uint8_t bad_if_syscall(const struct input *in) {
        const struct syscall_set *listed = &in->facts->system_call_filter;
        const struct syscall_set *group = in->model->groups + in->rule->group;
        bool allow_list = in->facts->system_call_filter_allow_list;

        if (in->facts->system_call_filter_empty && !allow_list)
                return 10;

        for (unsigned i = 0; i < SYSCALL_SET_WORDS; i++) {
                uint64_t allowed = allow_list ? listed->words[i] : ~listed->words[i];

                if (group->words[i] & allowed)
                        return allow_list ? 9 : 10;
        }

        return 0;
}

static uint8_t ambient_capabilities(const struct input *in) {
        return in->facts->ambient_capabilities != 0;
}

static uint8_t device_allow(const struct input *in) {
        switch (in->facts->device_policy) {
        case DEVICE_POLICY_CLOSED:
        case DEVICE_POLICY_STRICT:
                return in->facts->device_allow ? 5 : 0;
        default:
                return 10;
        }
}

static uint8_t ip_address_deny(const struct input *in) {
        const unsigned deny_all = IP_DENY_ALL_IPV4 | IP_DENY_ALL_IPV6;
        unsigned access = in->facts->ip_access;

        if (access & IP_CUSTOM_FILTER)
                return 0;
        if ((access & deny_all) != deny_all)
                return 10;
        if (access & IP_ALLOW_OTHER)
                return 5;
        if (access & IP_ALLOW_LOCALHOST)
                return 2;

        return 0;
}

static uint8_t root_directory_or_root_image(const struct input *in) {
        return in->facts->root_directory != ROOT_OTHER && in->facts->root_image != ROOT_OTHER;
}

static uint8_t umask_badness(const struct input *in) {
        static const struct {
                uint32_t bit;
                uint8_t badness;
        } bits[] = {
                { 0002, 10 },
                { 0004,  5 },
                { 0020,  2 },
                { 0040,  1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(bits); i++)
                if (!(in->facts->umask & bits[i].bit))
                        return bits[i].badness;

        return 0;
}

static uint8_t user_or_dynamic_user(const struct input *in) {
        if (in->facts->user == USER_NOBODY)
                return 9;

        return runs_privileged(in) ? 10 : 0;
}

static const uint8_t architectures_badness[_ARCHITECTURES_MAX] = {
        [ARCHITECTURES_ANY] = 10,
        [ARCHITECTURES_NATIVE] = 0,
        [ARCHITECTURES_OTHER] = 8,
};

static const uint8_t protect_home_badness[_PROTECT_HOME_MAX] = {
        [PROTECT_HOME_NO] = 10,
        [PROTECT_HOME_YES] = 0,
        [PROTECT_HOME_READ_ONLY] = 5,
        [PROTECT_HOME_TMPFS] = 1,
        [PROTECT_HOME_ABSENT] = 10,
};

static const uint8_t protect_proc_badness[_PROTECT_PROC_MAX] = {
        [PROTECT_PROC_DEFAULT] = 3,
        [PROTECT_PROC_NOACCESS] = 1,
        [PROTECT_PROC_INVISIBLE] = 0,
        [PROTECT_PROC_PTRACEABLE] = 0,
};

static const uint8_t protect_system_badness[_PROTECT_SYSTEM_MAX] = {
        [PROTECT_SYSTEM_NO] = 10,
        [PROTECT_SYSTEM_YES] = 5,
        [PROTECT_SYSTEM_FULL] = 3,
        [PROTECT_SYSTEM_STRICT] = 0,
        [PROTECT_SYSTEM_ABSENT] = 10,
};

/* The offset of a member of struct facts that has this type. */
#define MEMBER(type, name) _Generic(((struct facts *) NULL)->name, type : offsetof(struct facts, name))

#define BAD_IF_SET(name, ...)     { .badness = bad_if_set, .member = MEMBER(bool, name), __VA_ARGS__ }
#define BAD_UNLESS_SET(name, ...) { .badness = bad_unless_set, .member = MEMBER(bool, name), __VA_ARGS__ }
#define BAD_BY_VALUE(name, values, ...) { \
        .badness = bad_by_value, \
        .member = MEMBER(uint8_t, name), \
        .by_value = values, \
        .n_values = sizeof(values), \
        __VA_ARGS__ }

#define CAP(name) (UINT64_C(1) << CAP_##name)
#define BAD_IF_CAPABLE(caps)      { .badness = bad_if_capable, .bits = caps }
#define BAD_IF_NAMESPACE(flag)    { .badness = bad_if_namespace, .bits = flag }
#define BAD_IF_FAMILY(family)     { .badness = bad_if_family, .bits = family }
#define BAD_IF_SYSCALL(name)      { .badness = bad_if_syscall, .group = SYSCALL_GROUP_##name }

static const struct rule rules[_CHECK_MAX] = {
        [CHECK_AMBIENT_CAPABILITIES] = { .badness = ambient_capabilities },
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_AUDIT] = BAD_IF_CAPABLE(
                CAP(AUDIT_CONTROL) | CAP(AUDIT_READ) | CAP(AUDIT_WRITE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_BLOCK_SUSPEND] = BAD_IF_CAPABLE(CAP(BLOCK_SUSPEND)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_BPF] = BAD_IF_CAPABLE(CAP(BPF)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_CHOWN_FSETID_SETFCAP] = BAD_IF_CAPABLE(
                CAP(CHOWN) | CAP(FSETID) | CAP(SETFCAP)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_DAC_FOWNER_IPC_OWNER] = BAD_IF_CAPABLE(
                CAP(DAC_OVERRIDE) | CAP(DAC_READ_SEARCH) | CAP(FOWNER) | CAP(IPC_OWNER)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_IPC_LOCK] = BAD_IF_CAPABLE(CAP(IPC_LOCK)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_KILL] = BAD_IF_CAPABLE(CAP(KILL)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_LEASE] = BAD_IF_CAPABLE(CAP(LEASE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_LINUX_IMMUTABLE] = BAD_IF_CAPABLE(CAP(LINUX_IMMUTABLE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_MAC] = BAD_IF_CAPABLE(CAP(MAC_ADMIN) | CAP(MAC_OVERRIDE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_MKNOD] = BAD_IF_CAPABLE(CAP(MKNOD)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_ADMIN] = BAD_IF_CAPABLE(CAP(NET_ADMIN)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_BIND_SERVICE_BROADCAST_RAW] = BAD_IF_CAPABLE(
                CAP(NET_BIND_SERVICE) | CAP(NET_BROADCAST) | CAP(NET_RAW)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SET_UID_GID_PCAP] = BAD_IF_CAPABLE(
                CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYSLOG] = BAD_IF_CAPABLE(CAP(SYSLOG)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_ADMIN] = BAD_IF_CAPABLE(CAP(SYS_ADMIN)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_BOOT] = BAD_IF_CAPABLE(CAP(SYS_BOOT)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_CHROOT] = BAD_IF_CAPABLE(CAP(SYS_CHROOT)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_MODULE] = BAD_IF_CAPABLE(CAP(SYS_MODULE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_NICE_RESOURCE] = BAD_IF_CAPABLE(
                CAP(SYS_NICE) | CAP(SYS_RESOURCE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_PACCT] = BAD_IF_CAPABLE(CAP(SYS_PACCT)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_PTRACE] = BAD_IF_CAPABLE(CAP(SYS_PTRACE)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_RAWIO] = BAD_IF_CAPABLE(CAP(SYS_RAWIO)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_TIME] = BAD_IF_CAPABLE(CAP(SYS_TIME)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_TTY_CONFIG] = BAD_IF_CAPABLE(CAP(SYS_TTY_CONFIG)),
        [CHECK_CAPABILITY_BOUNDING_SET_CAP_WAKE_ALARM] = BAD_IF_CAPABLE(CAP(WAKE_ALARM)),
        [CHECK_DELEGATE] = BAD_IF_SET(delegate),
        [CHECK_DEVICE_ALLOW] = { .badness = device_allow },
        [CHECK_IP_ADDRESS_DENY] = { .badness = ip_address_deny },
        [CHECK_KEYRING_MODE] = BAD_UNLESS_SET(keyring_private),
        [CHECK_LOCK_PERSONALITY] = BAD_UNLESS_SET(lock_personality),
        [CHECK_MEMORY_DENY_WRITE_EXECUTE] = BAD_UNLESS_SET(memory_deny_write_execute),
        [CHECK_NO_NEW_PRIVILEGES] = BAD_UNLESS_SET(no_new_privileges),
        [CHECK_NOTIFY_ACCESS] = BAD_IF_SET(notify_access_all),
        [CHECK_PRIVATE_DEVICES] = BAD_UNLESS_SET(private_devices),
        [CHECK_PRIVATE_MOUNTS] = BAD_UNLESS_SET(private_mounts),
        [CHECK_PRIVATE_NETWORK] = BAD_UNLESS_SET(private_network),
        [CHECK_PRIVATE_TMP] = BAD_UNLESS_SET(private_tmp, .exempt = starts_early),
        [CHECK_PRIVATE_USERS] = BAD_UNLESS_SET(private_users),
        [CHECK_PROC_SUBSET] = BAD_UNLESS_SET(proc_subset_pid),
        [CHECK_PROTECT_CLOCK] = BAD_UNLESS_SET(protect_clock),
        [CHECK_PROTECT_CONTROL_GROUPS] = BAD_UNLESS_SET(protect_control_groups),
        [CHECK_PROTECT_HOME] = BAD_BY_VALUE(protect_home, protect_home_badness, .exempt = starts_early),
        [CHECK_PROTECT_HOSTNAME] = BAD_UNLESS_SET(protect_hostname),
        [CHECK_PROTECT_KERNEL_LOGS] = BAD_UNLESS_SET(protect_kernel_logs),
        [CHECK_PROTECT_KERNEL_MODULES] = BAD_UNLESS_SET(protect_kernel_modules),
        [CHECK_PROTECT_KERNEL_TUNABLES] = BAD_UNLESS_SET(protect_kernel_tunables),
        [CHECK_PROTECT_PROC] = BAD_BY_VALUE(protect_proc, protect_proc_badness),
        [CHECK_PROTECT_SYSTEM] = BAD_BY_VALUE(protect_system, protect_system_badness, .exempt = starts_early),
        [CHECK_REMOVE_IPC] = BAD_UNLESS_SET(remove_ipc, .exempt = keeps_ipc),
        [CHECK_RESTRICT_ADDRESS_FAMILIES_AF_INET_INET6] = BAD_IF_FAMILY(ADDRESS_FAMILY_INET),
        [CHECK_RESTRICT_ADDRESS_FAMILIES_AF_NETLINK] = BAD_IF_FAMILY(ADDRESS_FAMILY_NETLINK),
        [CHECK_RESTRICT_ADDRESS_FAMILIES_AF_PACKET] = BAD_IF_FAMILY(ADDRESS_FAMILY_PACKET),
        [CHECK_RESTRICT_ADDRESS_FAMILIES_AF_UNIX] = BAD_IF_FAMILY(ADDRESS_FAMILY_UNIX),
        [CHECK_RESTRICT_ADDRESS_FAMILIES_OTHER] = BAD_IF_FAMILY(ADDRESS_FAMILY_OTHER),
        [CHECK_RESTRICT_NAMESPACES_CGROUP] = BAD_IF_NAMESPACE(CLONE_NEWCGROUP),
        [CHECK_RESTRICT_NAMESPACES_IPC] = BAD_IF_NAMESPACE(CLONE_NEWIPC),
        [CHECK_RESTRICT_NAMESPACES_MNT] = BAD_IF_NAMESPACE(CLONE_NEWNS),
        [CHECK_RESTRICT_NAMESPACES_NET] = BAD_IF_NAMESPACE(CLONE_NEWNET),
        [CHECK_RESTRICT_NAMESPACES_PID] = BAD_IF_NAMESPACE(CLONE_NEWPID),
        [CHECK_RESTRICT_NAMESPACES_USER] = BAD_IF_NAMESPACE(CLONE_NEWUSER),
        [CHECK_RESTRICT_NAMESPACES_UTS] = BAD_IF_NAMESPACE(CLONE_NEWUTS),
        [CHECK_RESTRICT_REALTIME] = BAD_UNLESS_SET(restrict_realtime),
        [CHECK_RESTRICT_SUIDSGID] = BAD_UNLESS_SET(restrict_suid_sgid),
        [CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE] = {
                .badness = root_directory_or_root_image,
                .exempt = starts_early,
        },
        [CHECK_SUPPLEMENTARY_GROUPS] = BAD_IF_SET(supplementary_groups, .exempt = runs_privileged),
        [CHECK_SYSTEM_CALL_ARCHITECTURES] = BAD_BY_VALUE(architectures, architectures_badness),
        [CHECK_SYSTEM_CALL_FILTER_CLOCK] = BAD_IF_SYSCALL(CLOCK),
        [CHECK_SYSTEM_CALL_FILTER_CPU_EMULATION] = BAD_IF_SYSCALL(CPU_EMULATION),
        [CHECK_SYSTEM_CALL_FILTER_DEBUG] = BAD_IF_SYSCALL(DEBUG),
        [CHECK_SYSTEM_CALL_FILTER_MODULE] = BAD_IF_SYSCALL(MODULE),
        [CHECK_SYSTEM_CALL_FILTER_MOUNT] = BAD_IF_SYSCALL(MOUNT),
        [CHECK_SYSTEM_CALL_FILTER_OBSOLETE] = BAD_IF_SYSCALL(OBSOLETE),
        [CHECK_SYSTEM_CALL_FILTER_PRIVILEGED] = BAD_IF_SYSCALL(PRIVILEGED),
        [CHECK_SYSTEM_CALL_FILTER_RAW_IO] = BAD_IF_SYSCALL(RAW_IO),
        [CHECK_SYSTEM_CALL_FILTER_REBOOT] = BAD_IF_SYSCALL(REBOOT),
        [CHECK_SYSTEM_CALL_FILTER_RESOURCES] = BAD_IF_SYSCALL(RESOURCES),
        [CHECK_SYSTEM_CALL_FILTER_SWAP] = BAD_IF_SYSCALL(SWAP),
        [CHECK_UMASK] = { .badness = umask_badness },
        [CHECK_USER_OR_DYNAMIC_USER] = { .badness = user_or_dynamic_user },
};

uint8_t rule_badness(enum check check, const struct model *model, const struct facts *facts) {
        const struct input in = {
                .check = check,
                .rule = rules + check,
                .model = model,
                .facts = facts,
        };

        if (in.rule->exempt && in.rule->exempt(&in))
                return BADNESS_NOT_APPLICABLE;

        return in.rule->badness(&in);
}
