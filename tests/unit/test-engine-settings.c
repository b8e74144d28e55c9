/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

static const struct {
        enum check check;
        size_t member;
        bool good;
} flags[] = {
        { CHECK_DELEGATE,                  offsetof(struct facts, delegate),                  false },
        { CHECK_KEYRING_MODE,              offsetof(struct facts, keyring_private),           true },
        { CHECK_LOCK_PERSONALITY,          offsetof(struct facts, lock_personality),          true },
        { CHECK_MEMORY_DENY_WRITE_EXECUTE, offsetof(struct facts, memory_deny_write_execute), true },
        { CHECK_NO_NEW_PRIVILEGES,         offsetof(struct facts, no_new_privileges),         true },
        { CHECK_NOTIFY_ACCESS,             offsetof(struct facts, notify_access_all),         false },
        { CHECK_PRIVATE_DEVICES,           offsetof(struct facts, private_devices),           true },
        { CHECK_PRIVATE_NETWORK,           offsetof(struct facts, private_network),           true },
        { CHECK_PRIVATE_TMP,               offsetof(struct facts, private_tmp),               true },
        { CHECK_PRIVATE_USERS,             offsetof(struct facts, private_users),             true },
        { CHECK_PROC_SUBSET,               offsetof(struct facts, proc_subset_pid),           true },
        { CHECK_PROTECT_CLOCK,             offsetof(struct facts, protect_clock),             true },
        { CHECK_PROTECT_CONTROL_GROUPS,    offsetof(struct facts, protect_control_groups),    true },
        { CHECK_PROTECT_HOSTNAME,          offsetof(struct facts, protect_hostname),          true },
        { CHECK_PROTECT_KERNEL_LOGS,       offsetof(struct facts, protect_kernel_logs),       true },
        { CHECK_PROTECT_KERNEL_MODULES,    offsetof(struct facts, protect_kernel_modules),    true },
        { CHECK_PROTECT_KERNEL_TUNABLES,   offsetof(struct facts, protect_kernel_tunables),   true },
        { CHECK_REMOVE_IPC,                offsetof(struct facts, remove_ipc),                true },
        { CHECK_RESTRICT_REALTIME,         offsetof(struct facts, restrict_realtime),         true },
        { CHECK_RESTRICT_SUIDSGID,         offsetof(struct facts, restrict_suid_sgid),        true },
        { CHECK_SUPPLEMENTARY_GROUPS,      offsetof(struct facts, supplementary_groups),      false },
};

static void set_flag(struct facts *facts, int row, bool value) {
        *(bool *) ((char *) facts + flags[row].member) = value;
}

START_TEST(flag_lost) {
        struct facts before = facts_closed(), after = facts_closed();

        set_flag(&after, _i, !flags[_i].good);
        assert_only_change(&before, &after, flags[_i].check, 0, 1);
}
END_TEST

START_TEST(flag_won) {
        struct facts before = facts_open(), after;

        /* what the flag may imply is there already */
        before.private_mounts = true;
        before.capability_bounding_set = 0;

        after = before;
        set_flag(&after, _i, flags[_i].good);
        assert_only_change(&before, &after, flags[_i].check, 1, 0);
}
END_TEST

static const struct {
        enum check check;
        size_t member;
        uint8_t value;
        uint8_t badness;
} values[] = {
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), PROTECT_HOME_NO, 10 },
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), PROTECT_HOME_YES, 0 },
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), PROTECT_HOME_READ_ONLY, 5 },
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), PROTECT_HOME_TMPFS, 1 },
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), PROTECT_HOME_ABSENT, 10 },
        { CHECK_PROTECT_HOME, offsetof(struct facts, protect_home), _PROTECT_HOME_MAX, 10 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), PROTECT_SYSTEM_NO, 10 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), PROTECT_SYSTEM_YES, 5 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), PROTECT_SYSTEM_FULL, 3 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), PROTECT_SYSTEM_STRICT, 0 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), PROTECT_SYSTEM_ABSENT, 10 },
        { CHECK_PROTECT_SYSTEM, offsetof(struct facts, protect_system), UINT8_MAX, 10 },
        { CHECK_PROTECT_PROC, offsetof(struct facts, protect_proc), PROTECT_PROC_DEFAULT, 3 },
        { CHECK_PROTECT_PROC, offsetof(struct facts, protect_proc), PROTECT_PROC_NOACCESS, 1 },
        { CHECK_PROTECT_PROC, offsetof(struct facts, protect_proc), PROTECT_PROC_INVISIBLE, 0 },
        { CHECK_PROTECT_PROC, offsetof(struct facts, protect_proc), PROTECT_PROC_PTRACEABLE, 0 },
        { CHECK_PROTECT_PROC, offsetof(struct facts, protect_proc), _PROTECT_PROC_MAX, 3 },
        { CHECK_SYSTEM_CALL_ARCHITECTURES, offsetof(struct facts, architectures), ARCHITECTURES_ANY, 10 },
        { CHECK_SYSTEM_CALL_ARCHITECTURES, offsetof(struct facts, architectures), ARCHITECTURES_NATIVE, 0 },
        { CHECK_SYSTEM_CALL_ARCHITECTURES, offsetof(struct facts, architectures), ARCHITECTURES_OTHER, 8 },
        { CHECK_SYSTEM_CALL_ARCHITECTURES, offsetof(struct facts, architectures), _ARCHITECTURES_MAX, 10 },
        { CHECK_DEVICE_ALLOW, offsetof(struct facts, device_policy), DEVICE_POLICY_AUTO, 10 },
        { CHECK_DEVICE_ALLOW, offsetof(struct facts, device_policy), DEVICE_POLICY_CLOSED, 0 },
        { CHECK_DEVICE_ALLOW, offsetof(struct facts, device_policy), DEVICE_POLICY_STRICT, 0 },
        { CHECK_DEVICE_ALLOW, offsetof(struct facts, device_policy), _DEVICE_POLICY_MAX, 10 },
        { CHECK_DEVICE_ALLOW, offsetof(struct facts, device_allow), true, 5 },
        { CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE, offsetof(struct facts, root_directory), ROOT_UNSET, 1 },
        { CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE, offsetof(struct facts, root_directory), ROOT_HOST, 1 },
        { CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE, offsetof(struct facts, root_image), ROOT_OTHER, 0 },
        { CHECK_USER_OR_DYNAMIC_USER, offsetof(struct facts, user), USER_NOBODY, 9 },
        { CHECK_IP_ADDRESS_DENY, offsetof(struct facts, ip_access), 0, 10 },
};

START_TEST(value_has_badness) {
        struct facts before = facts_closed(), after = facts_closed();

        *((uint8_t *) &after + values[_i].member) = values[_i].value;
        assert_only_change(&before, &after, values[_i].check, 0, values[_i].badness);
}
END_TEST

START_TEST(devices) {
        static const uint8_t expected[_DEVICE_POLICY_MAX][2] = {
                [DEVICE_POLICY_AUTO] = { 10, 10 },
                [DEVICE_POLICY_CLOSED] = { 0, 5 },
                [DEVICE_POLICY_STRICT] = { 0, 5 },
        };

        for (unsigned entries = 0; entries < 2; entries++) {
                struct facts facts = facts_closed();

                facts.device_policy = (uint8_t) _i;
                facts.device_allow = entries;
                ck_assert_uint_eq(badness(&facts, CHECK_DEVICE_ALLOW), expected[_i][entries]);
        }
}
END_TEST

START_TEST(roots) {
        for (unsigned directory = 0; directory < _ROOT_KIND_MAX; directory++)
                for (unsigned image = 0; image < _ROOT_KIND_MAX; image++) {
                        struct facts facts = facts_closed();

                        facts.root_directory = (uint8_t) directory;
                        facts.root_image = (uint8_t) image;
                        ck_assert_uint_eq(badness(&facts, CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE),
                                          directory == ROOT_OTHER || image == ROOT_OTHER ? 0 : 1);
                }
}
END_TEST

static const struct {
        uint32_t umask;
        uint8_t badness;
} umasks[] = {
        { 0000, 10 }, { 0004, 10 }, { 0020, 10 }, { 0040, 10 }, { 0064, 10 }, { 0700, 10 }, { 0001, 10 },
        { 0002,  5 }, { 0022,  5 }, { 0042,  5 }, { 0062,  5 }, { 0722,  5 }, { 0003,  5 },
        { 0006,  2 }, { 0046,  2 }, { 0007,  2 }, { 0706,  2 },
        { 0026,  1 }, { 0027,  1 }, { 0037,  1 }, { 0726,  1 },
        { 0066,  0 }, { 0067,  0 }, { 0077,  0 }, { 0777,  0 },
};

START_TEST(umask_has_badness) {
        struct facts before = facts_closed(), after = facts_closed();

        after.umask = umasks[_i].umask;
        assert_only_change(&before, &after, CHECK_UMASK, 0, umasks[_i].badness);
}
END_TEST

#define V4  IP_DENY_ALL_IPV4
#define V6  IP_DENY_ALL_IPV6

static const struct {
        unsigned access;
        uint8_t badness;
} accesses[] = {
        { 0, 10 },
        { V4, 10 },
        { V6, 10 },
        { V4 | IP_ALLOW_LOCALHOST, 10 },
        { V6 | IP_ALLOW_OTHER, 10 },
        { IP_ALLOW_LOCALHOST, 10 },
        { IP_ALLOW_OTHER, 10 },
        { V4 | V6, 0 },
        { V4 | V6 | IP_ALLOW_LOCALHOST, 2 },
        { V4 | V6 | IP_ALLOW_OTHER, 5 },
        { V4 | V6 | IP_ALLOW_LOCALHOST | IP_ALLOW_OTHER, 5 },
        { IP_CUSTOM_FILTER, 0 },
        { IP_CUSTOM_FILTER | V4, 0 },
        { IP_CUSTOM_FILTER | V4 | V6 | IP_ALLOW_LOCALHOST | IP_ALLOW_OTHER, 0 },
};

START_TEST(ip_access_has_badness) {
        struct facts before = facts_closed(), after = facts_closed();

        after.ip_access = (uint8_t) accesses[_i].access;
        assert_only_change(&before, &after, CHECK_IP_ADDRESS_DENY, 0, accesses[_i].badness);
}
END_TEST

#define NA BADNESS_NOT_APPLICABLE

/* Expected of a unit with groups and without RemoveIPC=. */
static const struct {
        enum user_class user;
        bool dynamic;
        enum scope scope;
        unsigned version;
        uint8_t badness, groups, ipc;
} users[] = {
        { USER_UNSET,  false, SCOPE_SYSTEM, 252, 10, NA, NA },
        { USER_UNSET,  true,  SCOPE_SYSTEM, 252,  0,  1,  1 },
        { USER_ROOT,   false, SCOPE_SYSTEM, 252, 10, NA, NA },
        { USER_ROOT,   true,  SCOPE_SYSTEM, 252, 10, NA, NA },
        { USER_NOBODY, false, SCOPE_SYSTEM, 252,  9,  1,  1 },
        { USER_NOBODY, true,  SCOPE_SYSTEM, 252,  9,  1,  1 },
        { USER_OTHER,  false, SCOPE_SYSTEM, 252,  0,  1,  1 },
        { USER_OTHER,  true,  SCOPE_SYSTEM, 252,  0,  1,  1 },

        { USER_UNSET,  false, SCOPE_SYSTEM, 262, 10, NA, NA },
        { USER_ROOT,   false, SCOPE_SYSTEM, 262, 10, NA, NA },
        { USER_UNSET,  false, SCOPE_SYSTEM,   0, 10, NA, NA },

        { USER_UNSET,  false, SCOPE_USER,   252, 10, NA, NA },
        { USER_UNSET,  false, SCOPE_USER,   257, 10, NA, NA },
        { USER_UNSET,  false, SCOPE_USER,   261, 10, NA, NA },
        { USER_OTHER,  false, SCOPE_USER,   261,  0,  1,  1 },

        { USER_UNSET,  false, SCOPE_USER,   262,  0,  1, NA },
        { USER_UNSET,  true,  SCOPE_USER,   262,  0,  1, NA },
        { USER_ROOT,   false, SCOPE_USER,   262,  0,  1, NA },
        { USER_NOBODY, false, SCOPE_USER,   262,  9,  1, NA },
        { USER_OTHER,  false, SCOPE_USER,   262,  0,  1, NA },
        { USER_UNSET,  false, SCOPE_USER,   263,  0,  1, NA },
        { USER_UNSET,  false, SCOPE_USER,     0,  0,  1, NA },
};

START_TEST(user_has_badness) {
        struct facts facts = facts_closed();
        struct assessment assessment;

        facts.user = users[_i].user;
        facts.dynamic_user = users[_i].dynamic;
        facts.supplementary_groups = true;
        facts.remove_ipc = false;

        assessment = assess_under(users[_i].version, users[_i].scope, &facts);
        ck_assert_uint_eq(assessment.badness[CHECK_USER_OR_DYNAMIC_USER], users[_i].badness);
        ck_assert_uint_eq(assessment.badness[CHECK_SUPPLEMENTARY_GROUPS], users[_i].groups);
        ck_assert_uint_eq(assessment.badness[CHECK_REMOVE_IPC], users[_i].ipc);
}
END_TEST

START_TEST(early_units_are_spared) {
        static const enum check spared[] = {
                CHECK_PRIVATE_TMP,
                CHECK_PROTECT_HOME,
                CHECK_PROTECT_SYSTEM,
                CHECK_ROOT_DIRECTORY_OR_ROOT_IMAGE,
        };
        struct facts facts = _i ? facts_closed() : facts_open();
        struct assessment before, after;
        struct difference difference;

        before = assess_newest(&facts);
        facts.default_dependencies = false;
        after = assess_newest(&facts);

        assessment_compare(&before, &after, &difference);
        ck_assert_uint_eq(difference.n_changes, ELEMENTSOF(spared));
        for (size_t i = 0; i < ELEMENTSOF(spared); i++) {
                ck_assert_uint_eq(difference.changes[i].check, spared[i]);
                ck_assert_uint_eq(difference.changes[i].after, NA);
        }
        ck_assert_uint_eq(after.total, before.total - 1000 - 1000 - 1000 - 200);
}
END_TEST

START_TEST(every_check_can_be_good_and_bad) {
        struct facts closed = facts_closed(), open = facts_open();

        ck_assert_uint_eq(badness(&closed, _i), 0);
        ck_assert_uint_gt(badness(&open, _i), 0);
        ck_assert_uint_le(badness(&open, _i), check_info(_i)->range);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-settings");
        TCase *tcase = tcase_create("settings");

        tcase_add_loop_test(tcase, every_check_can_be_good_and_bad, 0, _CHECK_MAX);
        tcase_add_loop_test(tcase, flag_lost, 0, ELEMENTSOF(flags));
        tcase_add_loop_test(tcase, flag_won, 0, ELEMENTSOF(flags));
        tcase_add_loop_test(tcase, value_has_badness, 0, ELEMENTSOF(values));
        tcase_add_loop_test(tcase, devices, 0, _DEVICE_POLICY_MAX);
        tcase_add_test(tcase, roots);
        tcase_add_loop_test(tcase, umask_has_badness, 0, ELEMENTSOF(umasks));
        tcase_add_loop_test(tcase, ip_access_has_badness, 0, ELEMENTSOF(accesses));
        tcase_add_loop_test(tcase, user_has_badness, 0, ELEMENTSOF(users));
        tcase_add_loop_test(tcase, early_units_are_spared, 0, 2);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
