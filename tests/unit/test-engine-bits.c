/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

#define BIT(n) (UINT64_C(1) << (n))
#define NONE _CHECK_MAX

/* By the number of a capability, as the kernel has it. */
static const enum check capabilities[64] = {
        [0]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_CHOWN_FSETID_SETFCAP,
        [1]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_DAC_FOWNER_IPC_OWNER,
        [2]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_DAC_FOWNER_IPC_OWNER,
        [3]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_DAC_FOWNER_IPC_OWNER,
        [4]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_CHOWN_FSETID_SETFCAP,
        [5]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_KILL,
        [6]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_SET_UID_GID_PCAP,
        [7]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_SET_UID_GID_PCAP,
        [8]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_SET_UID_GID_PCAP,
        [9]  = CHECK_CAPABILITY_BOUNDING_SET_CAP_LINUX_IMMUTABLE,
        [10] = CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_BIND_SERVICE_BROADCAST_RAW,
        [11] = CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_BIND_SERVICE_BROADCAST_RAW,
        [12] = CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_ADMIN,
        [13] = CHECK_CAPABILITY_BOUNDING_SET_CAP_NET_BIND_SERVICE_BROADCAST_RAW,
        [14] = CHECK_CAPABILITY_BOUNDING_SET_CAP_IPC_LOCK,
        [15] = CHECK_CAPABILITY_BOUNDING_SET_CAP_DAC_FOWNER_IPC_OWNER,
        [16] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_MODULE,
        [17] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_RAWIO,
        [18] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_CHROOT,
        [19] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_PTRACE,
        [20] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_PACCT,
        [21] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_ADMIN,
        [22] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_BOOT,
        [23] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_NICE_RESOURCE,
        [24] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_NICE_RESOURCE,
        [25] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_TIME,
        [26] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_TTY_CONFIG,
        [27] = CHECK_CAPABILITY_BOUNDING_SET_CAP_MKNOD,
        [28] = CHECK_CAPABILITY_BOUNDING_SET_CAP_LEASE,
        [29] = CHECK_CAPABILITY_BOUNDING_SET_CAP_AUDIT,
        [30] = CHECK_CAPABILITY_BOUNDING_SET_CAP_AUDIT,
        [31] = CHECK_CAPABILITY_BOUNDING_SET_CAP_CHOWN_FSETID_SETFCAP,
        [32] = CHECK_CAPABILITY_BOUNDING_SET_CAP_MAC,
        [33] = CHECK_CAPABILITY_BOUNDING_SET_CAP_MAC,
        [34] = CHECK_CAPABILITY_BOUNDING_SET_CAP_SYSLOG,
        [35] = CHECK_CAPABILITY_BOUNDING_SET_CAP_WAKE_ALARM,
        [36] = CHECK_CAPABILITY_BOUNDING_SET_CAP_BLOCK_SUSPEND,
        [37] = CHECK_CAPABILITY_BOUNDING_SET_CAP_AUDIT,
        [38] = NONE, /* CAP_PERFMON */
        [39] = CHECK_CAPABILITY_BOUNDING_SET_CAP_BPF,
        [40] = NONE, /* CAP_CHECKPOINT_RESTORE */
        [41 ... 63] = NONE,
};

/* Closed, but for what takes capabilities away by itself. */
static struct facts capable(uint64_t bounding_set) {
        struct facts facts = facts_closed();

        facts.private_devices = false;
        facts.protect_clock = false;
        facts.protect_kernel_logs = false;
        facts.protect_kernel_modules = false;
        facts.capability_bounding_set = bounding_set;

        return facts;
}

START_TEST(capability_won) {
        struct facts before = capable(0), after = capable(BIT(_i));

        assert_only_change(&before, &after, capabilities[_i], 0, 1);
}
END_TEST

/* All the capabilities of the check that _i belongs to. */
START_TEST(capabilities_lost) {
        struct facts before = capable(UINT64_MAX), after;
        uint64_t group = 0;

        for (unsigned i = 0; i < 64; i++)
                if (capabilities[i] == capabilities[_i])
                        group |= BIT(i);

        after = capable(~group);
        assert_only_change(&before, &after, capabilities[_i], 1, 0);
}
END_TEST

START_TEST(ambient_capability_won) {
        struct facts before = facts_closed(), after = facts_closed();

        after.ambient_capabilities = BIT(_i);
        assert_only_change(&before, &after, CHECK_AMBIENT_CAPABILITIES, 0, 1);
}
END_TEST

static enum check namespace_check(uint64_t flag) {
        switch (flag) {
        case 0x00020000: return CHECK_RESTRICT_NAMESPACES_MNT;
        case 0x02000000: return CHECK_RESTRICT_NAMESPACES_CGROUP;
        case 0x04000000: return CHECK_RESTRICT_NAMESPACES_UTS;
        case 0x08000000: return CHECK_RESTRICT_NAMESPACES_IPC;
        case 0x10000000: return CHECK_RESTRICT_NAMESPACES_USER;
        case 0x20000000: return CHECK_RESTRICT_NAMESPACES_PID;
        case 0x40000000: return CHECK_RESTRICT_NAMESPACES_NET;
        default:         return NONE;
        }
}

START_TEST(namespace_won) {
        struct facts before = facts_closed(), after = facts_closed();

        after.restrict_namespaces = BIT(_i);
        assert_only_change(&before, &after, namespace_check(BIT(_i)), 0, 1);
}
END_TEST

START_TEST(namespace_lost) {
        struct facts before = facts_closed(), after;

        before.restrict_namespaces = UINT64_MAX;
        after = before;
        after.restrict_namespaces &= ~BIT(_i);
        assert_only_change(&before, &after, namespace_check(BIT(_i)), 1, 0);
}
END_TEST

static const struct {
        enum check check;
        uint8_t family;
} families[] = {
        { CHECK_RESTRICT_ADDRESS_FAMILIES_AF_INET_INET6, ADDRESS_FAMILY_INET },
        { CHECK_RESTRICT_ADDRESS_FAMILIES_AF_UNIX,       ADDRESS_FAMILY_UNIX },
        { CHECK_RESTRICT_ADDRESS_FAMILIES_AF_NETLINK,    ADDRESS_FAMILY_NETLINK },
        { CHECK_RESTRICT_ADDRESS_FAMILIES_AF_PACKET,     ADDRESS_FAMILY_PACKET },
        { CHECK_RESTRICT_ADDRESS_FAMILIES_OTHER,         ADDRESS_FAMILY_OTHER },
};

START_TEST(family_allowed) {
        struct facts before = facts_closed(), after = facts_closed();

        after.address_families = families[_i].family;
        assert_only_change(&before, &after, families[_i].check, 0, 1);
}
END_TEST

START_TEST(family_denied) {
        struct facts before = facts_closed(), after;

        before.address_families_allow_list = false;
        after = before;
        after.address_families = families[_i].family;
        assert_only_change(&before, &after, families[_i].check, 1, 0);
}
END_TEST

/* All 32 combinations as an allow list and as a deny list: one is the other's opposite. */
START_TEST(families_combined) {
        struct facts allow = facts_closed(), deny = facts_closed();

        allow.address_families = (uint8_t) _i;
        deny.address_families = (uint8_t) _i;
        deny.address_families_allow_list = false;

        for (size_t i = 0; i < ELEMENTSOF(families); i++) {
                bool listed = _i & families[i].family;

                ck_assert_uint_eq(badness(&allow, families[i].check), listed ? 1 : 0);
                ck_assert_uint_eq(badness(&deny, families[i].check), listed ? 0 : 1);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-bits");
        TCase *tcase = tcase_create("bits");

        tcase_add_loop_test(tcase, capability_won, 0, 64);
        tcase_add_loop_test(tcase, capabilities_lost, 0, 64);
        tcase_add_loop_test(tcase, ambient_capability_won, 0, 64);
        tcase_add_loop_test(tcase, namespace_won, 0, 64);
        tcase_add_loop_test(tcase, namespace_lost, 0, 64);
        tcase_add_loop_test(tcase, family_allowed, 0, ELEMENTSOF(families));
        tcase_add_loop_test(tcase, family_denied, 0, ELEMENTSOF(families));
        tcase_add_loop_test(tcase, families_combined, 0, 32);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
