/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

static const struct {
        size_t member;
        uint8_t value;
        bool implies;
} mounts[] = {
        { offsetof(struct facts, private_mounts), true, true },
        { offsetof(struct facts, private_devices), true, true },
        { offsetof(struct facts, private_tmp), true, true },
        { offsetof(struct facts, protect_control_groups), true, true },
        { offsetof(struct facts, protect_kernel_modules), true, true },
        { offsetof(struct facts, protect_kernel_tunables), true, true },
        { offsetof(struct facts, protect_home), PROTECT_HOME_YES, true },
        { offsetof(struct facts, protect_home), PROTECT_HOME_READ_ONLY, true },
        { offsetof(struct facts, protect_home), PROTECT_HOME_TMPFS, true },
        { offsetof(struct facts, protect_home), PROTECT_HOME_ABSENT, true },
        { offsetof(struct facts, protect_system), PROTECT_SYSTEM_YES, true },
        { offsetof(struct facts, protect_system), PROTECT_SYSTEM_FULL, true },
        { offsetof(struct facts, protect_system), PROTECT_SYSTEM_STRICT, true },
        { offsetof(struct facts, protect_system), PROTECT_SYSTEM_ABSENT, true },
        { offsetof(struct facts, root_image), ROOT_HOST, true },
        { offsetof(struct facts, root_image), ROOT_OTHER, true },

        { offsetof(struct facts, root_directory), ROOT_OTHER, false },
        { offsetof(struct facts, private_network), true, false },
        { offsetof(struct facts, private_users), true, false },
        { offsetof(struct facts, proc_subset_pid), true, false },
        { offsetof(struct facts, protect_clock), true, false },
        { offsetof(struct facts, protect_hostname), true, false },
        { offsetof(struct facts, protect_kernel_logs), true, false },
        { offsetof(struct facts, protect_proc), PROTECT_PROC_INVISIBLE, false },
        { offsetof(struct facts, dynamic_user), true, false },
        { offsetof(struct facts, remove_ipc), true, false },
};

START_TEST(private_mounts_is_implied) {
        struct facts facts = facts_open();

        ck_assert_uint_eq(badness(&facts, CHECK_PRIVATE_MOUNTS), 1);
        *((uint8_t *) &facts + mounts[_i].member) = mounts[_i].value;
        ck_assert_uint_eq(badness(&facts, CHECK_PRIVATE_MOUNTS), mounts[_i].implies ? 0 : 1);
}
END_TEST

START_TEST(private_mounts_alone) {
        struct facts before = facts_open(), after = facts_open();

        after.private_mounts = true;
        assert_only_change(&before, &after, CHECK_PRIVATE_MOUNTS, 1, 0);
}
END_TEST

static const struct {
        size_t member;
        enum check dropped[2];
        unsigned n;
} drops[] = {
        { offsetof(struct facts, private_devices),
          { CHECK_CAPABILITY_BOUNDING_SET_CAP_MKNOD, CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_RAWIO }, 2 },
        { offsetof(struct facts, protect_clock),
          { CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_TIME, CHECK_CAPABILITY_BOUNDING_SET_CAP_WAKE_ALARM }, 2 },
        { offsetof(struct facts, protect_kernel_logs),
          { CHECK_CAPABILITY_BOUNDING_SET_CAP_SYSLOG }, 1 },
        { offsetof(struct facts, protect_kernel_modules),
          { CHECK_CAPABILITY_BOUNDING_SET_CAP_SYS_MODULE }, 1 },
        { offsetof(struct facts, protect_kernel_tunables), { 0 }, 0 },
        { offsetof(struct facts, protect_control_groups), { 0 }, 0 },
        { offsetof(struct facts, private_tmp), { 0 }, 0 },
};

/* From all capabilities, nothing but what is expected goes; of the closed facts nothing comes back. */
START_TEST(capabilities_are_dropped) {
        struct facts facts = facts_open();
        struct assessment before, after;
        unsigned n = 0;

        before = assess_newest(&facts);
        *((bool *) &facts + drops[_i].member) = true;
        after = assess_newest(&facts);

        for (unsigned check = CHECK_CAPABILITY_BOUNDING_SET_CAP_AUDIT;
             check <= CHECK_CAPABILITY_BOUNDING_SET_CAP_WAKE_ALARM; check++)
                n += before.badness[check] != after.badness[check];

        ck_assert_uint_eq(n, drops[_i].n);
        for (unsigned i = 0; i < drops[_i].n; i++) {
                ck_assert_uint_eq(before.badness[drops[_i].dropped[i]], 1);
                ck_assert_uint_eq(after.badness[drops[_i].dropped[i]], 0);
        }
}
END_TEST

START_TEST(facts_stay_as_told) {
        struct facts facts = facts_open(), copy;

        facts.private_devices = true;
        copy = facts;
        assess_newest(&facts);

        ck_assert(facts_equal(&facts, &copy));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-implied");
        TCase *tcase = tcase_create("implied");

        tcase_add_loop_test(tcase, private_mounts_is_implied, 0, ELEMENTSOF(mounts));
        tcase_add_test(tcase, private_mounts_alone);
        tcase_add_loop_test(tcase, capabilities_are_dropped, 0, ELEMENTSOF(drops));
        tcase_add_test(tcase, facts_stay_as_told);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
