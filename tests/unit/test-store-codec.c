/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include "random.h"
#include "store/codec.h"
#include "store-sample.h"
#include "suite.h"

#define ROUNDS 2000
#define FACTS_BYTES (offsetof(struct facts, supplementary_groups) + 1)

static void assert_round_trip(const struct facts *facts) {
        _cleanup_(freep) char *text = NULL;
        struct facts back;

        memset(&back, 0xa5, sizeof(back));
        ck_assert_int_eq(facts_write(facts, &text), 0);
        ck_assert_int_eq(facts_read(text, &back), 0);
        ck_assert_msg(facts_equal(facts, &back), "not the same:\n%s", text);
}

START_TEST(random_facts_come_back) {
        for (int i = 0; i < ROUNDS; i++) {
                struct facts facts = random_facts();

                assert_round_trip(&facts);
        }
}
END_TEST

START_TEST(plain_facts_come_back) {
        struct facts facts;

        facts_init(&facts);
        assert_round_trip(&facts);
        memset(&facts, 0, sizeof(facts));
        assert_round_trip(&facts);
}
END_TEST

/* Each value that has a word, and the next one, which has none. */
#define VALUES_OF(member, max) { #member, offsetof(struct facts, member), max }

static const struct {
        const char *name;
        size_t offset;
        uint8_t max;
} enums[] = {
        VALUES_OF(address_families, 32),
        VALUES_OF(architectures, _ARCHITECTURES_MAX),
        VALUES_OF(device_policy, _DEVICE_POLICY_MAX),
        VALUES_OF(ip_access, 32),
        VALUES_OF(protect_home, _PROTECT_HOME_MAX),
        VALUES_OF(protect_proc, _PROTECT_PROC_MAX),
        VALUES_OF(protect_system, _PROTECT_SYSTEM_MAX),
        VALUES_OF(root_directory, _ROOT_KIND_MAX),
        VALUES_OF(root_image, _ROOT_KIND_MAX),
        VALUES_OF(user, _USER_CLASS_MAX),
};

START_TEST(each_value_comes_back) {
        _cleanup_(freep) char *text = NULL;
        struct facts facts;

        facts_init(&facts);
        for (uint8_t value = 0; value < enums[_i].max; value++) {
                *((uint8_t *) &facts + enums[_i].offset) = value;
                assert_round_trip(&facts);
        }
        *((uint8_t *) &facts + enums[_i].offset) = enums[_i].max;
        ck_assert_int_eq(facts_write(&facts, &text), -EINVAL);
        ck_assert_ptr_null(text);
}
END_TEST

/* A member that nobody wrote would be lost here: whatever changes in the struct changes the text. */
START_TEST(each_byte_counts) {
        _cleanup_(freep) char *plain = NULL;
        struct facts zero = {};

        ck_assert_int_eq(facts_write(&zero, &plain), 0);
        for (size_t i = 0; i < FACTS_BYTES; i++) {
                _cleanup_(freep) char *text = NULL;
                struct facts facts = zero;

                ((unsigned char *) &facts)[i] = 1;
                if (facts_write(&facts, &text) == -EINVAL)
                        continue; /* the upper bytes of umask */
                ck_assert_msg(!streq(text, plain), "byte %zu is not in the text", i);
                assert_round_trip(&facts);
        }
}
END_TEST

START_TEST(each_syscall_is_named) {
        for (int i = 0; syscall_name(i); i++) {
                _cleanup_(freep) char *text = NULL, *name = NULL;
                struct facts facts;

                facts_init(&facts);
                facts.system_call_filter_empty = false;
                syscall_set_add(&facts.system_call_filter, i);
                assert_round_trip(&facts);
                ck_assert_int_eq(facts_write(&facts, &text), 0);
                ck_assert_int_gt(asprintf(&name, "\nSystemCallFilter=deny %s\n", syscall_name(i)), 0);
                ck_assert_msg(strstr(text, name), "no %s", syscall_name(i));
        }
}
END_TEST

START_TEST(unknown_syscall_is_refused) {
        struct facts facts = {};
        char *text = NULL;

        facts.system_call_filter.words[SYSCALL_SET_WORDS - 1] = UINT64_C(1) << 63;
        ck_assert_int_eq(facts_write(&facts, &text), -EINVAL);
        ck_assert_ptr_null(text);
}
END_TEST

/* What is written has to be read by all later versions: the words are no detail. */
START_TEST(text_of_facts) {
        static const char expected[] =
                "AmbientCapabilities=0\nCapabilityBoundingSet=ffffffffffffffff\nDefaultDependencies=yes\n"
                "Delegate=no\nDeviceAllow=no\nDevicePolicy=strict\nDynamicUser=no\nIPAddressAllow=localhost\n"
                "IPAddressDeny=0.0.0.0/0 ::/0\nIPFilterPath=\nKeyringMode=private\nLockPersonality=no\n"
                "MemoryDenyWriteExecute=no\nNoNewPrivileges=no\nNotifyAccess=all\nPrivateDevices=no\n"
                "PrivateMounts=no\nPrivateNetwork=no\nPrivateTmp=yes\nPrivateUsers=no\nProcSubset=pid\n"
                "ProtectClock=no\nProtectControlGroups=no\nProtectHome=read-only\nProtectHostname=no\n"
                "ProtectKernelLogs=no\nProtectKernelModules=no\nProtectKernelTunables=no\n"
                "ProtectProc=invisible\nProtectSystem=strict\nRemoveIPC=no\n"
                "RestrictAddressFamilies=allow AF_INET AF_UNIX\nRestrictNamespaces=ffffffffffffffff\n"
                "RestrictRealtime=no\nRestrictSUIDSGID=no\nRootDirectory=/\nRootImage=other\n"
                "SupplementaryGroups=no\nSystemCallArchitectures=native\nSystemCallFilter=allow bpf mount\n"
                "Type=oneshot\nUMask=0077\nUser=nobody\n";
        _cleanup_(freep) char *text = NULL;
        struct facts facts;

        facts_init(&facts);
        facts.device_policy = DEVICE_POLICY_STRICT;
        facts.ip_access = IP_DENY_ALL_IPV4 | IP_DENY_ALL_IPV6 | IP_ALLOW_LOCALHOST;
        facts.keyring_private = facts.notify_access_all = facts.private_tmp = true;
        facts.proc_subset_pid = facts.oneshot = true;
        facts.protect_home = PROTECT_HOME_READ_ONLY;
        facts.protect_proc = PROTECT_PROC_INVISIBLE;
        facts.protect_system = PROTECT_SYSTEM_STRICT;
        facts.address_families_allow_list = true;
        facts.address_families = ADDRESS_FAMILY_INET | ADDRESS_FAMILY_UNIX;
        facts.root_directory = ROOT_HOST;
        facts.root_image = ROOT_OTHER;
        facts.architectures = ARCHITECTURES_NATIVE;
        facts.system_call_filter_allow_list = true;
        facts.system_call_filter_empty = false;
        syscall_set_add(&facts.system_call_filter, syscall_index("mount"));
        syscall_set_add(&facts.system_call_filter, syscall_index("bpf"));
        facts.umask = 0077;
        facts.user = USER_NOBODY;

        ck_assert_int_eq(facts_write(&facts, &text), 0);
        ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(missing_and_unknown_names) {
        struct facts facts, plain;

        facts_init(&plain);
        ck_assert_int_eq(facts_read("", &facts), 0);
        ck_assert(facts_equal(&facts, &plain));

        plain.private_tmp = true;
        ck_assert_int_eq(facts_read("ProtectMoon=full\nPrivateTmp=yes\nPrivate=\n=\nPrivateTmpX=no",
                                    &facts), 0);
        ck_assert(facts_equal(&facts, &plain));

        /* in any order, and with a system call that is no longer known */
        plain.umask = 022;
        plain.system_call_filter_empty = false;
        syscall_set_add(&plain.system_call_filter, syscall_index("acct"));
        syscall_set_add(&plain.system_call_filter, syscall_index("bpf"));
        ck_assert_int_eq(facts_read("UMask=022\nSystemCallFilter=deny bpf forgotten acct\nPrivateTmp=yes\n",
                                    &facts), 0);
        ck_assert(facts_equal(&facts, &plain));
}
END_TEST

static const char *const bad_facts[] = {
        "PrivateTmp", "\n", "PrivateTmp=", "PrivateTmp=maybe", "PrivateTmp=YES", "PrivateTmp=yes ",
        "UMask=", "UMask=0999", "UMask=01000", "UMask=-1", "UMask=7777777777777777777777777777",
        "CapabilityBoundingSet=", "CapabilityBoundingSet=0x1", "CapabilityBoundingSet=FF",
        "CapabilityBoundingSet=10000000000000000", "CapabilityBoundingSet=1 ", "ProtectHome=banana",
        "User=root ", "SystemCallFilter=", "SystemCallFilter=bpf", "SystemCallFilter=allowed",
        "RestrictAddressFamilies=", "RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies=deny AF_X25",
        "IPAddressAllow=yes", "IPAddressDeny=localhost", "IPFilterPath=no",
        "PrivateTmp=yes\nrubbish\nDelegate=no",
};

START_TEST(bad_facts_are_refused) {
        struct facts facts;

        ck_assert_msg(facts_read(bad_facts[_i], &facts) == -EBADMSG, "%s", bad_facts[_i]);
}
END_TEST

START_TEST(badness_comes_back) {
        uint8_t badness[_CHECK_MAX], back[_CHECK_MAX];

        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(freep) char *text = NULL;

                for (unsigned k = 0; k < _CHECK_MAX; k++)
                        badness[k] = (uint8_t) random_below(256);
                ck_assert_int_eq(badness_write(badness, &text), 0);
                ck_assert_int_eq(badness_read(text, back), 0);
                ck_assert_mem_eq(back, badness, sizeof(back));
        }
}
END_TEST

START_TEST(badness_by_name) {
        uint8_t badness[_CHECK_MAX];

        ck_assert_int_eq(badness_read("UMask=5\nPrivateMoon=9\nAmbientCapabilities=0\nDelegate=254\n",
                                      badness), 0);
        for (unsigned i = 0; i < _CHECK_MAX; i++)
                ck_assert_uint_eq(badness[i], i == CHECK_UMASK ? 5 : i == CHECK_AMBIENT_CAPABILITIES ? 0 :
                                  i == CHECK_DELEGATE ? 254 : BADNESS_NOT_APPLICABLE);
}
END_TEST

static const char *const bad_badness[] = {
        "UMask", "UMask=", "UMask=-", "UMask=-1", "UMask=255", "UMask=1 2", "UMask=0x1", "UMask= 1", "\n",
        "UMask=99999999999999999999999999",
};

START_TEST(bad_badness_is_refused) {
        uint8_t badness[_CHECK_MAX];

        ck_assert_msg(badness_read(bad_badness[_i], badness) == -EBADMSG, "%s", bad_badness[_i]);
}
END_TEST

START_TEST(changes_come_back) {
        struct check_change changes[_CHECK_MAX], back[_CHECK_MAX];

        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(freep) char *text = NULL;
                size_t n = random_below(_CHECK_MAX + 1), n_back = 99999;

                for (size_t k = 0; k < n; k++)
                        changes[k] = (struct check_change) {
                                random_below(_CHECK_MAX),
                                (uint8_t) random_below(256), (uint8_t) random_below(256),
                        };
                ck_assert_int_eq(changes_write(changes, n, &text), 0);
                ck_assert_int_eq(changes_read(text, back, &n_back), 0);
                ck_assert_uint_eq(n_back, n);
                for (size_t k = 0; k < n; k++) {
                        ck_assert_int_eq(back[k].check, changes[k].check);
                        ck_assert_uint_eq(back[k].before, changes[k].before);
                        ck_assert_uint_eq(back[k].after, changes[k].after);
                }
        }
}
END_TEST

START_TEST(text_of_changes) {
        static const struct check_change changes[] = {
                { CHECK_PRIVATE_TMP, 0, 1 }, { CHECK_UMASK, BADNESS_NOT_APPLICABLE, 5 },
        };
        _cleanup_(freep) char *text = NULL;

        ck_assert_int_eq(changes_write(changes, ELEMENTSOF(changes), &text), 0);
        ck_assert_str_eq(text, "PrivateTmp=0 1\nUMask=- 5\n");
}
END_TEST

static const char *const bad_changes[] = {
        "UMask=", "UMask=1", "UMask=1 ", "UMask=1 2 3", "UMask=255 0", "UMask=0 255", "UMask=a b",
        "UMask 1 2",
};

START_TEST(bad_changes_are_refused) {
        struct check_change changes[_CHECK_MAX];
        size_t n = 7;

        ck_assert_msg(changes_read(bad_changes[_i], changes, &n) == -EBADMSG, "%s", bad_changes[_i]);
        ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(more_changes_than_checks) {
        struct check_change changes[_CHECK_MAX];
        char text[(_CHECK_MAX + 1) * sizeof("UMask=0 1\n")] = "";
        size_t n;

        for (int i = 0; i <= _CHECK_MAX; i++)
                strcat(text, "UMask=0 1\n");
        ck_assert_int_eq(changes_read(text, changes, &n), -EBADMSG);
        ck_assert_int_eq(changes_read(text + sizeof("UMask=0 1\n") - 1, changes, &n), 0);
        ck_assert_uint_eq(n, _CHECK_MAX);
}
END_TEST

START_TEST(changes_of_no_check) {
        struct check_change changes[_CHECK_MAX + 1] = { { _CHECK_MAX, 0, 1 } };
        char *text = NULL;

        ck_assert_int_eq(changes_write(changes, 1, &text), -EINVAL);
        ck_assert_int_eq(changes_write(changes + 1, _CHECK_MAX, &text), 0);
        free(text);
        ck_assert_int_eq(changes_write(changes, _CHECK_MAX + 1, &text), -EINVAL);
}
END_TEST

/* Texts with bytes changed, cut and doubled: read or refused, and what is read can be written. */
START_TEST(garbled_texts) {
        for (int i = 0; i < ROUNDS; i++) {
                _cleanup_(freep) char *text = NULL, *again = NULL;
                struct facts facts = random_facts();
                uint8_t badness[_CHECK_MAX];
                struct check_change changes[_CHECK_MAX];
                size_t length, n;

                ck_assert_int_eq(facts_write(&facts, &text), 0);
                length = strlen(text);
                for (uint64_t k = random_below(4); k > 0; k--)
                        text[random_below(length)] = (char) random_below(128);
                if (facts_read(text, &facts) >= 0)
                        ck_assert_int_eq(facts_write(&facts, &again), 0);
                (void) badness_read(text, badness);
                (void) changes_read(text, changes, &n);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("store-codec");
        TCase *tcase = tcase_create("codec");

        random_start();
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, random_facts_come_back);
        tcase_add_test(tcase, plain_facts_come_back);
        tcase_add_loop_test(tcase, each_value_comes_back, 0, ELEMENTSOF(enums));
        tcase_add_test(tcase, each_byte_counts);
        tcase_add_test(tcase, each_syscall_is_named);
        tcase_add_test(tcase, unknown_syscall_is_refused);
        tcase_add_test(tcase, text_of_facts);
        tcase_add_test(tcase, missing_and_unknown_names);
        tcase_add_loop_test(tcase, bad_facts_are_refused, 0, ELEMENTSOF(bad_facts));
        tcase_add_test(tcase, badness_comes_back);
        tcase_add_test(tcase, badness_by_name);
        tcase_add_loop_test(tcase, bad_badness_is_refused, 0, ELEMENTSOF(bad_badness));
        tcase_add_test(tcase, changes_come_back);
        tcase_add_test(tcase, text_of_changes);
        tcase_add_loop_test(tcase, bad_changes_are_refused, 0, ELEMENTSOF(bad_changes));
        tcase_add_test(tcase, more_changes_than_checks);
        tcase_add_test(tcase, changes_of_no_check);
        tcase_add_test(tcase, garbled_texts);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
