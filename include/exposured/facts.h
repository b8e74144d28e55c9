/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Facts: what one service unit's settings say, as far as scoring needs it, in a form that knows
 * neither bus nor files. A running manager fills them today; unit files may fill them tomorrow.
 * Plain data without pointers: copied by assignment, compared with facts_equal().
 */

/* Where the manager of a unit runs: PID 1, or the manager of one user. */
enum scope {
        SCOPE_SYSTEM,
        SCOPE_USER,
};

/* ProtectHome=. Absent (the manager did not tell) is no protection, but implies a mount namespace. */
enum protect_home {
        PROTECT_HOME_NO,
        PROTECT_HOME_YES,
        PROTECT_HOME_READ_ONLY,
        PROTECT_HOME_TMPFS,
        PROTECT_HOME_ABSENT,
        _PROTECT_HOME_MAX,
};

/* ProtectSystem=. Absent as with ProtectHome=. */
enum protect_system {
        PROTECT_SYSTEM_NO,
        PROTECT_SYSTEM_YES,
        PROTECT_SYSTEM_FULL,
        PROTECT_SYSTEM_STRICT,
        PROTECT_SYSTEM_ABSENT,
        _PROTECT_SYSTEM_MAX,
};

enum protect_proc {
        PROTECT_PROC_DEFAULT,
        PROTECT_PROC_NOACCESS,
        PROTECT_PROC_INVISIBLE,
        PROTECT_PROC_PTRACEABLE,
        _PROTECT_PROC_MAX,
};

enum device_policy {
        DEVICE_POLICY_AUTO,
        DEVICE_POLICY_CLOSED,
        DEVICE_POLICY_STRICT,
        _DEVICE_POLICY_MAX,
};

/* User=, by what it means for scoring. */
enum user_class {
        USER_UNSET,
        USER_ROOT,      /* "root" or "0" */
        USER_NOBODY,    /* "nobody" */
        USER_OTHER,
        _USER_CLASS_MAX,
};

/* SystemCallArchitectures= */
enum architectures {
        ARCHITECTURES_ANY,      /* empty: all are allowed */
        ARCHITECTURES_NATIVE,   /* exactly "native" */
        ARCHITECTURES_OTHER,
        _ARCHITECTURES_MAX,
};

/* RootDirectory=, RootImage= */
enum root_kind {
        ROOT_UNSET,
        ROOT_HOST,      /* "/" */
        ROOT_OTHER,
        _ROOT_KIND_MAX,
};

/* The families that RestrictAddressFamilies= is scored by, as bits. */
enum address_family {
        ADDRESS_FAMILY_INET    = 1 << 0, /* AF_INET and AF_INET6 */
        ADDRESS_FAMILY_UNIX    = 1 << 1,
        ADDRESS_FAMILY_NETLINK = 1 << 2,
        ADDRESS_FAMILY_PACKET  = 1 << 3,
        ADDRESS_FAMILY_OTHER   = 1 << 4,
};

/* What IPAddressAllow= and IPAddressDeny= hold, as bits. */
enum ip_access {
        IP_DENY_ALL_IPV4   = 1 << 0,
        IP_DENY_ALL_IPV6   = 1 << 1,
        IP_ALLOW_LOCALHOST = 1 << 2, /* an entry that is localhost */
        IP_ALLOW_OTHER     = 1 << 3, /* an entry beyond localhost */
        IP_CUSTOM_FILTER   = 1 << 4, /* an ingress or egress BPF filter of the unit's own */
};

/* A set of the system calls that scoring knows, by syscall_index(). */
#define SYSCALL_SET_WORDS 3
struct syscall_set {
        uint64_t words[SYSCALL_SET_WORDS];
};

struct facts {
        uint64_t capability_bounding_set;       /* CAP_* bits that may still be acquired */
        uint64_t ambient_capabilities;
        uint64_t restrict_namespaces;           /* CLONE_NEW* flags that are still allowed */
        struct syscall_set system_call_filter;  /* the scored ones among the listed system calls */
        uint32_t umask;                         /* 0 to 0777 */
        bool system_call_filter_allow_list;     /* the list allows (true) or denies (false) */
        bool system_call_filter_empty;          /* nothing is listed at all */
        bool address_families_allow_list;
        uint8_t address_families;               /* enum address_family bits that are listed */
        uint8_t ip_access;                      /* enum ip_access bits */
        uint8_t protect_home;                   /* enum protect_home */
        uint8_t protect_system;                 /* enum protect_system */
        uint8_t protect_proc;                   /* enum protect_proc */
        uint8_t device_policy;                  /* enum device_policy */
        uint8_t user;                           /* enum user_class */
        uint8_t architectures;                  /* enum architectures */
        uint8_t root_directory;                 /* enum root_kind */
        uint8_t root_image;                     /* enum root_kind */
        bool default_dependencies;
        bool delegate;
        bool device_allow;                      /* DeviceAllow= has entries */
        bool dynamic_user;
        bool keyring_private;                   /* KeyringMode=private */
        bool lock_personality;
        bool memory_deny_write_execute;
        bool no_new_privileges;
        bool notify_access_all;                 /* NotifyAccess=all */
        bool oneshot;                           /* Type=oneshot; not scored, decides about the overview */
        bool private_devices;
        bool private_mounts;
        bool private_network;
        bool private_tmp;
        bool private_users;
        bool proc_subset_pid;                   /* ProcSubset=pid */
        bool protect_clock;
        bool protect_control_groups;
        bool protect_hostname;
        bool protect_kernel_logs;
        bool protect_kernel_modules;
        bool protect_kernel_tunables;
        bool remove_ipc;
        bool restrict_realtime;
        bool restrict_suid_sgid;
        bool supplementary_groups;              /* has entries; stays last for facts_equal() */
};

/* Fills in what a manager uses where it does not tell: nothing is protected, all bits are allowed. */
void facts_init(struct facts *facts);

/* Whether both say the same, padding aside. */
bool facts_equal(const struct facts *a, const struct facts *b);

/*
 * The position of a system call in a syscall_set, or -1 where no scored group of any known systemd
 * version holds it. A position never changes its meaning: new names are added at the end.
 */
int syscall_index(const char *name);

/* The name at a position, or NULL past the last one. */
const char *syscall_name(int index);

static inline void syscall_set_add(struct syscall_set *set, int index) {
        set->words[index / 64] |= UINT64_C(1) << (index % 64);
}

static inline bool syscall_set_has(const struct syscall_set *set, int index) {
        return set->words[index / 64] & (UINT64_C(1) << (index % 64));
}
