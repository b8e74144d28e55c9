/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

#define MEMBER(name) { #name, offsetof(struct facts, name), sizeof(((struct facts *) NULL)->name) }

static const struct {
        const char *name;
        size_t offset;
        size_t size;
} members[] = {
        MEMBER(capability_bounding_set),
        MEMBER(ambient_capabilities),
        MEMBER(restrict_namespaces),
        MEMBER(system_call_filter),
        MEMBER(umask),
        MEMBER(system_call_filter_allow_list),
        MEMBER(system_call_filter_empty),
        MEMBER(address_families_allow_list),
        MEMBER(address_families),
        MEMBER(ip_access),
        MEMBER(protect_home),
        MEMBER(protect_system),
        MEMBER(protect_proc),
        MEMBER(device_policy),
        MEMBER(user),
        MEMBER(architectures),
        MEMBER(root_directory),
        MEMBER(root_image),
        MEMBER(default_dependencies),
        MEMBER(delegate),
        MEMBER(device_allow),
        MEMBER(dynamic_user),
        MEMBER(keyring_private),
        MEMBER(lock_personality),
        MEMBER(memory_deny_write_execute),
        MEMBER(no_new_privileges),
        MEMBER(notify_access_all),
        MEMBER(oneshot),
        MEMBER(private_devices),
        MEMBER(private_mounts),
        MEMBER(private_network),
        MEMBER(private_tmp),
        MEMBER(private_users),
        MEMBER(proc_subset_pid),
        MEMBER(protect_clock),
        MEMBER(protect_control_groups),
        MEMBER(protect_hostname),
        MEMBER(protect_kernel_logs),
        MEMBER(protect_kernel_modules),
        MEMBER(protect_kernel_tunables),
        MEMBER(remove_ipc),
        MEMBER(restrict_realtime),
        MEMBER(restrict_suid_sgid),
        MEMBER(supplementary_groups),
};

START_TEST(members_count) {
        for (size_t i = 0; i < members[_i].size; i++) {
                struct facts a = facts_plain(), b = facts_plain();

                ((unsigned char *) &b)[members[_i].offset + i] ^= 1;
                ck_assert_msg(!facts_equal(&a, &b), "%s does not count", members[_i].name);
                ck_assert(!facts_equal(&b, &a));
        }
}
END_TEST

START_TEST(padding_does_not_count) {
        struct facts a, b;

        memset(&a, 0x00, sizeof(a));
        memset(&b, 0xff, sizeof(b));
        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                memcpy((char *) &b + members[i].offset, (char *) &a + members[i].offset, members[i].size);

        ck_assert(facts_equal(&a, &b));
}
END_TEST

/* Who adds a member adds it here: otherwise there is more between the members than padding explains. */
START_TEST(members_are_complete) {
        size_t bytes = 0;

        for (size_t i = 0; i < ELEMENTSOF(members); i++)
                bytes += members[i].size;

        ck_assert_uint_eq(bytes, offsetof(struct facts, supplementary_groups) + sizeof(bool));
}
END_TEST

START_TEST(nothing_told_is_nothing_protected) {
        struct facts facts;

        memset(&facts, 0xa5, sizeof(facts));
        facts_init(&facts);

        ck_assert_uint_eq(facts.capability_bounding_set, UINT64_MAX);
        ck_assert_uint_eq(facts.ambient_capabilities, 0);
        ck_assert_uint_eq(facts.restrict_namespaces, UINT64_MAX);
        ck_assert_uint_eq(facts.umask, 0002);
        ck_assert(facts.default_dependencies);
        ck_assert(facts.system_call_filter_empty);
        ck_assert(!facts.system_call_filter_allow_list);
        ck_assert(!facts.address_families_allow_list);
        ck_assert_uint_eq(facts.address_families, 0);
        ck_assert_uint_eq(facts.protect_home, PROTECT_HOME_ABSENT);
        ck_assert_uint_eq(facts.protect_system, PROTECT_SYSTEM_ABSENT);
        ck_assert_uint_eq(facts.user, USER_UNSET);
        ck_assert(!facts.oneshot);

        for (unsigned i = 0; i < SYSCALL_SET_WORDS * 64; i++)
                ck_assert(!syscall_set_has(&facts.system_call_filter, (int) i));
}
END_TEST

START_TEST(nothing_told_is_scored_as_absent) {
        static const enum check good[] = {
                CHECK_AMBIENT_CAPABILITIES,
                CHECK_DELEGATE,
                CHECK_NOTIFY_ACCESS,
                CHECK_PRIVATE_MOUNTS, /* implied where ProtectHome= and ProtectSystem= are absent */
        };
        struct assessment assessment;
        struct facts facts;
        unsigned n = 0;

        facts_init(&facts);
        assessment = assess_newest(&facts);

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                ck_assert_uint_eq(assessment.badness[good[i]], 0);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                n += assessment_result(&assessment, i) == RESULT_BAD;

        ck_assert_uint_eq(assessment.badness[CHECK_REMOVE_IPC], BADNESS_NOT_APPLICABLE);
        ck_assert_uint_eq(assessment.badness[CHECK_SUPPLEMENTARY_GROUPS], BADNESS_NOT_APPLICABLE);
        ck_assert_uint_eq(n, _CHECK_MAX - ELEMENTSOF(good) - 2);
        ck_assert_uint_eq(assessment.badness[CHECK_UMASK], 5);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-facts");
        TCase *tcase = tcase_create("facts");

        tcase_add_loop_test(tcase, members_count, 0, ELEMENTSOF(members));
        tcase_add_test(tcase, padding_does_not_count);
        tcase_add_test(tcase, members_are_complete);
        tcase_add_test(tcase, nothing_told_is_nothing_protected);
        tcase_add_test(tcase, nothing_told_is_scored_as_absent);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
