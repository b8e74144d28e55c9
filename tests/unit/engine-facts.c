/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>

#include "engine-facts.h"

struct facts facts_closed(void) {
        struct facts facts;

        facts_init(&facts);

        facts.capability_bounding_set = 0;
        facts.restrict_namespaces = 0;
        facts.umask = 0077;
        facts.system_call_filter_allow_list = true;
        facts.address_families_allow_list = true;
        facts.ip_access = IP_DENY_ALL_IPV4 | IP_DENY_ALL_IPV6;
        facts.protect_home = PROTECT_HOME_YES;
        facts.protect_system = PROTECT_SYSTEM_STRICT;
        facts.protect_proc = PROTECT_PROC_INVISIBLE;
        facts.device_policy = DEVICE_POLICY_CLOSED;
        facts.user = USER_OTHER;
        facts.architectures = ARCHITECTURES_NATIVE;
        facts.root_directory = ROOT_OTHER;
        facts.keyring_private = true;
        facts.lock_personality = true;
        facts.memory_deny_write_execute = true;
        facts.no_new_privileges = true;
        facts.private_devices = true;
        facts.private_mounts = true;
        facts.private_network = true;
        facts.private_tmp = true;
        facts.private_users = true;
        facts.proc_subset_pid = true;
        facts.protect_clock = true;
        facts.protect_control_groups = true;
        facts.protect_hostname = true;
        facts.protect_kernel_logs = true;
        facts.protect_kernel_modules = true;
        facts.protect_kernel_tunables = true;
        facts.remove_ipc = true;
        facts.restrict_realtime = true;
        facts.restrict_suid_sgid = true;

        return facts;
}

struct facts facts_open(void) {
        struct facts facts;

        facts_init(&facts);

        facts.ambient_capabilities = 1;
        facts.umask = 0;
        facts.protect_home = PROTECT_HOME_NO;
        facts.protect_system = PROTECT_SYSTEM_NO;
        facts.user = USER_NOBODY; /* as root, some checks would not apply */
        facts.delegate = true;
        facts.notify_access_all = true;
        facts.supplementary_groups = true;

        return facts;
}

struct facts facts_plain(void) {
        struct facts facts;

        facts_init(&facts);

        facts.umask = 0022;
        facts.protect_home = PROTECT_HOME_NO;
        facts.protect_system = PROTECT_SYSTEM_NO;
        facts.keyring_private = true;

        return facts;
}

/*
 * [Service]
 * ExecStart=/bin/true
 * User=nobody
 * PrivateTmp=yes
 * ProtectHome=read-only
 * ProtectSystem=full
 * ProtectProc=noaccess
 * UMask=0022
 * SystemCallArchitectures=x86-64
 * SystemCallFilter=@system-service
 * IPAddressDeny=any
 * IPAddressAllow=10.0.0.0/8
 * DevicePolicy=closed
 * DeviceAllow=/dev/kvm
 * CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID
 * RestrictAddressFamilies=AF_UNIX AF_INET
 * RestrictNamespaces=user
 * NoNewPrivileges=yes
 */
struct facts facts_halfway(void) {
        /* of @system-service, some that are scored */
        static const char *const listed[] = { "chown", "sched_setaffinity", "setpriority", "setuid", NULL };
        struct facts facts = facts_plain();

        facts.capability_bounding_set = UINT64_C(1) << 10 | UINT64_C(1) << 7;
        facts.restrict_namespaces = 0x10000000;
        facts.system_call_filter_allow_list = true;
        facts.system_call_filter_empty = false;
        facts_list_syscalls(&facts, listed);
        facts.address_families_allow_list = true;
        facts.address_families = ADDRESS_FAMILY_UNIX | ADDRESS_FAMILY_INET;
        facts.ip_access = IP_DENY_ALL_IPV4 | IP_DENY_ALL_IPV6 | IP_ALLOW_OTHER;
        facts.protect_home = PROTECT_HOME_READ_ONLY;
        facts.protect_system = PROTECT_SYSTEM_FULL;
        facts.protect_proc = PROTECT_PROC_NOACCESS;
        facts.device_policy = DEVICE_POLICY_CLOSED;
        facts.user = USER_NOBODY;
        facts.architectures = ARCHITECTURES_OTHER;
        facts.device_allow = true;
        facts.no_new_privileges = true;
        facts.private_tmp = true;

        return facts;
}

void facts_list_syscalls(struct facts *facts, const char *const *names) {
        for (; *names; names++) {
                int index = syscall_index(*names);

                ck_assert_msg(index >= 0, "%s is not known", *names);
                syscall_set_add(&facts->system_call_filter, index);
        }
}

struct assessment assess_under(unsigned systemd_version, enum scope scope, const struct facts *facts) {
        struct assessment assessment;
        struct model model;

        model_init(&model, systemd_version, scope, NULL, NULL, NULL);
        assess(&model, facts, &assessment);
        model_done(&model);

        return assessment;
}

struct assessment assess_newest(const struct facts *facts) {
        return assess_under(0, SCOPE_SYSTEM, facts);
}

uint8_t badness(const struct facts *facts, enum check check) {
        return assess_newest(facts).badness[check];
}

void assert_only_change(const struct facts *before, const struct facts *after, enum check check,
                        uint8_t was, uint8_t is) {
        struct assessment a = assess_newest(before), b = assess_newest(after);

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                const char *name = check_info(i)->json_field;

                if (i == check) {
                        ck_assert_msg(a.badness[i] == was, "%s was %u, not %u", name, a.badness[i], was);
                        ck_assert_msg(b.badness[i] == is, "%s is %u, not %u", name, b.badness[i], is);
                } else
                        ck_assert_msg(a.badness[i] == b.badness[i], "%s went from %u to %u",
                                      name, a.badness[i], b.badness[i]);
        }
}
