/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <netinet/in.h>
#include <stddef.h>

#include <exposured/macro.h>

#include "message.h"
#include "reading.h"
#include "suite.h"

#define FACT(member) offsetof(struct facts, member)

/* Decodes and frees the message. */
static struct facts decoded(sd_bus_message *m) {
        const char *property = NULL;
        struct reading reading;
        struct facts facts;
        int r;

        reading_init(&reading);
        r = decode_properties(m, &reading, &property);
        ck_assert_msg(r == 0, "%s: %s", property, strerror(-r));
        facts = reading.facts;
        reading_done(&reading);
        sd_bus_message_unref(m);

        return facts;
}

static struct facts facts_default(void) {
        struct facts facts;

        facts_init(&facts);
        return facts;
}

static void assert_facts(const char *what, const struct facts *facts, const struct facts *expected) {
        ck_assert_msg(facts_equal(facts, expected), "%s: other facts than expected", what);
}

/* Properties whose value is the fact. */
static const struct {
        const char *name;
        size_t fact;
} flags[] = {
        { "DefaultDependencies", FACT(default_dependencies) },
        { "Delegate", FACT(delegate) },
        { "DynamicUser", FACT(dynamic_user) },
        { "LockPersonality", FACT(lock_personality) },
        { "MemoryDenyWriteExecute", FACT(memory_deny_write_execute) },
        { "NoNewPrivileges", FACT(no_new_privileges) },
        { "PrivateDevices", FACT(private_devices) },
        { "PrivateMounts", FACT(private_mounts) },
        { "PrivateNetwork", FACT(private_network) },
        { "PrivateTmp", FACT(private_tmp) },
        { "PrivateUsers", FACT(private_users) },
        { "ProtectClock", FACT(protect_clock) },
        { "ProtectControlGroups", FACT(protect_control_groups) },
        { "ProtectHostname", FACT(protect_hostname) },
        { "ProtectKernelLogs", FACT(protect_kernel_logs) },
        { "ProtectKernelModules", FACT(protect_kernel_modules) },
        { "ProtectKernelTunables", FACT(protect_kernel_tunables) },
        { "RemoveIPC", FACT(remove_ipc) },
        { "RestrictRealtime", FACT(restrict_realtime) },
        { "RestrictSUIDSGID", FACT(restrict_suid_sgid) },
};

START_TEST(each_flag) {
        for (int on = 0; on < 2; on++) {
                struct facts expected = facts_default();
                struct facts facts = decoded(property_message(flags[_i].name, "b", on));

                *(bool *) ((char *) &expected + flags[_i].fact) = on;
                assert_facts(flags[_i].name, &facts, &expected);
        }
}
END_TEST

static const struct {
        const char *name;
        size_t fact;
} masks[] = {
        { "AmbientCapabilities", FACT(ambient_capabilities) },
        { "CapabilityBoundingSet", FACT(capability_bounding_set) },
        { "RestrictNamespaces", FACT(restrict_namespaces) },
};

START_TEST(each_mask) {
        static const uint64_t values[] = { 0, 1, UINT64_C(0x8000000000000000), 0x7e020080, UINT64_MAX };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                struct facts expected = facts_default();
                struct facts facts = decoded(property_message(masks[_i].name, "t", values[i]));

                *(uint64_t *) ((char *) &expected + masks[_i].fact) = values[i];
                assert_facts(masks[_i].name, &facts, &expected);
        }
}
END_TEST

/* Properties of which some texts mean something. */
static const struct {
        const char *name, *text;
        size_t fact;
        uint8_t value;
} texts[] = {
        { "DevicePolicy", "auto", FACT(device_policy), DEVICE_POLICY_AUTO },
        { "DevicePolicy", "closed", FACT(device_policy), DEVICE_POLICY_CLOSED },
        { "DevicePolicy", "strict", FACT(device_policy), DEVICE_POLICY_STRICT },
        { "DevicePolicy", "Strict", FACT(device_policy), DEVICE_POLICY_AUTO },
        { "DevicePolicy", "", FACT(device_policy), DEVICE_POLICY_AUTO },
        { "KeyringMode", "private", FACT(keyring_private), true },
        { "KeyringMode", "shared", FACT(keyring_private), false },
        { "KeyringMode", "inherit", FACT(keyring_private), false },
        { "KeyringMode", "", FACT(keyring_private), false },
        { "NotifyAccess", "all", FACT(notify_access_all), true },
        { "NotifyAccess", "main", FACT(notify_access_all), false },
        { "NotifyAccess", "exec", FACT(notify_access_all), false },
        { "NotifyAccess", "none", FACT(notify_access_all), false },
        { "ProcSubset", "pid", FACT(proc_subset_pid), true },
        { "ProcSubset", "all", FACT(proc_subset_pid), false },
        { "ProtectHome", "no", FACT(protect_home), PROTECT_HOME_NO },
        { "ProtectHome", "yes", FACT(protect_home), PROTECT_HOME_YES },
        { "ProtectHome", "true", FACT(protect_home), PROTECT_HOME_YES },
        { "ProtectHome", "1", FACT(protect_home), PROTECT_HOME_YES },
        { "ProtectHome", "read-only", FACT(protect_home), PROTECT_HOME_READ_ONLY },
        { "ProtectHome", "tmpfs", FACT(protect_home), PROTECT_HOME_TMPFS },
        { "ProtectHome", "strict", FACT(protect_home), PROTECT_HOME_NO },
        { "ProtectHome", "", FACT(protect_home), PROTECT_HOME_NO },
        { "ProtectProc", "default", FACT(protect_proc), PROTECT_PROC_DEFAULT },
        { "ProtectProc", "noaccess", FACT(protect_proc), PROTECT_PROC_NOACCESS },
        { "ProtectProc", "invisible", FACT(protect_proc), PROTECT_PROC_INVISIBLE },
        { "ProtectProc", "ptraceable", FACT(protect_proc), PROTECT_PROC_PTRACEABLE },
        { "ProtectProc", "nonsense", FACT(protect_proc), PROTECT_PROC_DEFAULT },
        { "ProtectSystem", "no", FACT(protect_system), PROTECT_SYSTEM_NO },
        { "ProtectSystem", "yes", FACT(protect_system), PROTECT_SYSTEM_YES },
        { "ProtectSystem", "on", FACT(protect_system), PROTECT_SYSTEM_YES },
        { "ProtectSystem", "full", FACT(protect_system), PROTECT_SYSTEM_FULL },
        { "ProtectSystem", "strict", FACT(protect_system), PROTECT_SYSTEM_STRICT },
        { "ProtectSystem", "tmpfs", FACT(protect_system), PROTECT_SYSTEM_NO },
        { "RootDirectory", "", FACT(root_directory), ROOT_UNSET },
        { "RootDirectory", "/", FACT(root_directory), ROOT_HOST },
        { "RootDirectory", "//", FACT(root_directory), ROOT_OTHER },
        { "RootDirectory", "/srv", FACT(root_directory), ROOT_OTHER },
        { "RootImage", "", FACT(root_image), ROOT_UNSET },
        { "RootImage", "/", FACT(root_image), ROOT_HOST },
        { "RootImage", "/x.raw", FACT(root_image), ROOT_OTHER },
        { "Type", "oneshot", FACT(oneshot), true },
        { "Type", "simple", FACT(oneshot), false },
        { "Type", "oneshot ", FACT(oneshot), false },
        { "User", "", FACT(user), USER_UNSET },
        { "User", "root", FACT(user), USER_ROOT },
        { "User", "0", FACT(user), USER_ROOT },
        { "User", "nobody", FACT(user), USER_NOBODY },
        { "User", "00", FACT(user), USER_OTHER },
        { "User", "www-data", FACT(user), USER_OTHER },
};

START_TEST(each_text) {
        struct facts expected = facts_default();
        struct facts facts = decoded(property_message(texts[_i].name, "s", texts[_i].text));

        ((uint8_t *) &expected)[texts[_i].fact] = texts[_i].value;
        assert_facts(texts[_i].text, &facts, &expected);
}
END_TEST

START_TEST(umask_bits) {
        /* Bits that the kernel passes over are not among the facts. */
        static const uint32_t values[][2] = {
                { 0, 0 }, { 0022, 0022 }, { 0077, 0077 }, { 0777, 0777 }, { 07022, 0022 }, { UINT32_MAX, 0777 },
        };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                struct facts expected = facts_default();
                struct facts facts = decoded(property_message("UMask", "u", values[i][0]));

                expected.umask = values[i][1];
                assert_facts("UMask", &facts, &expected);
        }
}
END_TEST

START_TEST(any_entry_counts) {
        struct facts expected = facts_default(), facts;

        facts = decoded(property_message("SupplementaryGroups", "as", 0));
        assert_facts("no group", &facts, &expected);
        facts = decoded(property_message("DeviceAllow", "a(ss)", 0));
        assert_facts("no device", &facts, &expected);

        expected.supplementary_groups = true;
        facts = decoded(property_message("SupplementaryGroups", "as", 2, "audio", "video"));
        assert_facts("groups", &facts, &expected);
        facts = decoded(property_message("SupplementaryGroups", "as", 1, ""));
        assert_facts("one empty group", &facts, &expected);

        expected = facts_default();
        expected.device_allow = true;
        facts = decoded(property_message("DeviceAllow", "a(ss)", 2, "/dev/kvm", "rw", "char-rtc", "r"));
        assert_facts("devices", &facts, &expected);
}
END_TEST

static const struct {
        unsigned n;
        const char *names[3];
        uint8_t value;
} architectures[] = {
        { 0, {}, ARCHITECTURES_ANY },
        { 1, { "native" }, ARCHITECTURES_NATIVE },
        { 1, { "x86-64" }, ARCHITECTURES_OTHER },
        { 1, { "" }, ARCHITECTURES_OTHER },
        { 2, { "native", "x86" }, ARCHITECTURES_OTHER },
        { 2, { "native", "native" }, ARCHITECTURES_OTHER },
        { 3, { "native", "native", "native" }, ARCHITECTURES_OTHER },
};

START_TEST(each_architecture_list) {
        struct facts expected = facts_default();
        struct facts facts = decoded(property_message("SystemCallArchitectures", "as", architectures[_i].n,
                                                      architectures[_i].names[0], architectures[_i].names[1],
                                                      architectures[_i].names[2]));

        expected.architectures = architectures[_i].value;
        assert_facts("SystemCallArchitectures", &facts, &expected);
}
END_TEST

static const struct {
        const char *name;
        uint8_t bits;
} families[] = {
        { "AF_INET", ADDRESS_FAMILY_INET },
        { "AF_INET6", ADDRESS_FAMILY_INET },
        { "AF_UNIX", ADDRESS_FAMILY_UNIX },
        { "AF_NETLINK", ADDRESS_FAMILY_NETLINK },
        { "AF_PACKET", ADDRESS_FAMILY_PACKET },
        { "AF_BLUETOOTH", ADDRESS_FAMILY_OTHER },
        { "AF_INET4", ADDRESS_FAMILY_OTHER },
        { "af_unix", ADDRESS_FAMILY_OTHER },
        { "", ADDRESS_FAMILY_OTHER },
};

START_TEST(each_address_family) {
        for (int allow = 0; allow < 2; allow++) {
                struct facts expected = facts_default();
                struct facts facts = decoded(property_message("RestrictAddressFamilies", "(bas)", allow, 1,
                                                              families[_i].name));

                expected.address_families_allow_list = allow;
                expected.address_families = families[_i].bits;
                assert_facts(families[_i].name, &facts, &expected);
        }
}
END_TEST

START_TEST(address_families_add_up) {
        struct facts expected = facts_default(), facts;

        facts = decoded(property_message("RestrictAddressFamilies", "(bas)", 0, 0));
        assert_facts("none", &facts, &expected);

        expected.address_families_allow_list = true;
        facts = decoded(property_message("RestrictAddressFamilies", "(bas)", 1, 0));
        assert_facts("none allowed", &facts, &expected);

        expected.address_families = ADDRESS_FAMILY_INET | ADDRESS_FAMILY_UNIX | ADDRESS_FAMILY_OTHER;
        facts = decoded(property_message("RestrictAddressFamilies", "(bas)", 1, 4, "AF_UNIX", "AF_INET",
                                         "AF_INET6", "AF_CAN"));
        assert_facts("some allowed", &facts, &expected);
}
END_TEST

static void list_syscall(struct facts *facts, const char *name) {
        int index = syscall_index(name);

        ck_assert_msg(index >= 0, "%s is not known", name);
        syscall_set_add(&facts->system_call_filter, index);
}

START_TEST(system_calls) {
        struct facts expected = facts_default(), facts;

        facts = decoded(property_message("SystemCallFilter", "(bas)", 0, 0));
        assert_facts("no filter", &facts, &expected);

        expected.system_call_filter_allow_list = true;
        facts = decoded(property_message("SystemCallFilter", "(bas)", 1, 0));
        assert_facts("nothing allowed", &facts, &expected);

        /* names that are not scored leave the set empty, but there is a filter */
        expected.system_call_filter_empty = false;
        facts = decoded(property_message("SystemCallFilter", "(bas)", 1, 2, "read", "write"));
        assert_facts("others allowed", &facts, &expected);

        list_syscall(&expected, "mount");
        list_syscall(&expected, "ptrace");
        list_syscall(&expected, "vserver");
        facts = decoded(property_message("SystemCallFilter", "(bas)", 1, 5, "mount", "read", "ptrace:EPERM",
                                         "vserver:kill", "mounts"));
        assert_facts("some allowed", &facts, &expected);

        expected.system_call_filter_allow_list = false;
        facts = decoded(property_message("SystemCallFilter", "(bas)", 0, 4, "mount", "ptrace", "vserver",
                                         ""));
        assert_facts("some denied", &facts, &expected);
}
END_TEST

START_TEST(each_system_call) {
        const char *name;

        for (int i = 0; (name = syscall_name(i)); i++) {
                struct facts expected = facts_default(), facts;

                expected.system_call_filter_empty = false;
                syscall_set_add(&expected.system_call_filter, i);
                facts = decoded(property_message("SystemCallFilter", "(bas)", 0, 1, name));
                assert_facts(name, &facts, &expected);
        }
}
END_TEST

struct address {
        int32_t family;
        uint8_t bytes[16];
        size_t n_bytes;
        uint32_t prefix;
};

static void append_address(sd_bus_message *m, const struct address *a) {
        message_ok(sd_bus_message_open_container(m, 'r', "iayu"));
        message_ok(sd_bus_message_append(m, "i", a->family));
        message_ok(sd_bus_message_append_array(m, 'y', a->bytes, a->n_bytes));
        message_ok(sd_bus_message_append(m, "u", a->prefix));
        message_ok(sd_bus_message_close_container(m));
}

static const struct {
        const char *text;
        struct address address;
        uint8_t allowed, denied;
} addresses[] = {
        { "0.0.0.0/0", { AF_INET, {}, 4, 0 }, IP_ALLOW_OTHER, IP_DENY_ALL_IPV4 },
        { "::/0", { AF_INET6, {}, 16, 0 }, IP_ALLOW_OTHER, IP_DENY_ALL_IPV6 },
        { "0.0.0.0/1", { AF_INET, {}, 4, 1 }, IP_ALLOW_OTHER, 0 },
        { "::/1", { AF_INET6, {}, 16, 1 }, IP_ALLOW_OTHER, 0 },
        { "127.0.0.0/8", { AF_INET, { 127 }, 4, 8 }, IP_ALLOW_LOCALHOST, 0 },
        { "127.0.0.1/8", { AF_INET, { 127, 0, 0, 1 }, 4, 8 }, IP_ALLOW_LOCALHOST, 0 },
        { "127.0.0.1/32", { AF_INET, { 127, 0, 0, 1 }, 4, 32 }, IP_ALLOW_OTHER, 0 },
        { "127.0.0.0/7", { AF_INET, { 127 }, 4, 7 }, IP_ALLOW_OTHER, 0 },
        { "126.0.0.0/8", { AF_INET, { 126 }, 4, 8 }, IP_ALLOW_OTHER, 0 },
        { "::1/128", { AF_INET6, { [15] = 1 }, 16, 128 }, IP_ALLOW_LOCALHOST, 0 },
        { "::1/127", { AF_INET6, { [15] = 1 }, 16, 127 }, IP_ALLOW_OTHER, 0 },
        { "::2/128", { AF_INET6, { [15] = 2 }, 16, 128 }, IP_ALLOW_OTHER, 0 },
        { "10.0.0.0/8", { AF_INET, { 10 }, 4, 8 }, IP_ALLOW_OTHER, 0 },
        { "fe80::/10", { AF_INET6, { 0xfe, 0x80 }, 16, 10 }, IP_ALLOW_OTHER, 0 },
};

static struct facts decoded_address(const char *property, const struct address *a) {
        sd_bus_message *m = properties_new();

        properties_open(m, property, "a(iayu)");
        message_ok(sd_bus_message_open_container(m, 'a', "(iayu)"));
        append_address(m, a);
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_seal(m);

        return decoded(m);
}

START_TEST(each_address) {
        struct facts expected = facts_default(), facts;

        expected.ip_access = addresses[_i].allowed;
        facts = decoded_address("IPAddressAllow", &addresses[_i].address);
        assert_facts(addresses[_i].text, &facts, &expected);

        expected.ip_access = addresses[_i].denied;
        facts = decoded_address("IPAddressDeny", &addresses[_i].address);
        assert_facts(addresses[_i].text, &facts, &expected);
}
END_TEST

START_TEST(addresses_add_up) {
        struct facts expected = facts_default(), facts;
        sd_bus_message *m = properties_new();

        properties_open(m, "IPAddressDeny", "a(iayu)");
        message_ok(sd_bus_message_open_container(m, 'a', "(iayu)"));
        append_address(m, &addresses[0].address);
        append_address(m, &addresses[12].address);
        append_address(m, &addresses[1].address);
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_open(m, "IPAddressAllow", "a(iayu)");
        message_ok(sd_bus_message_open_container(m, 'a', "(iayu)"));
        append_address(m, &addresses[4].address);
        append_address(m, &addresses[13].address);
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_add(m, "IPIngressFilterPath", "as", 1, "/sys/fs/bpf/x");
        properties_seal(m);

        expected.ip_access = IP_DENY_ALL_IPV4 | IP_DENY_ALL_IPV6 | IP_ALLOW_LOCALHOST | IP_ALLOW_OTHER |
                             IP_CUSTOM_FILTER;
        facts = decoded(m);
        assert_facts("addresses", &facts, &expected);
}
END_TEST

START_TEST(custom_filters) {
        static const char *const names[] = { "IPIngressFilterPath", "IPEgressFilterPath" };
        struct facts expected = facts_default(), facts;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                expected.ip_access = 0;
                facts = decoded(property_message(names[i], "as", 0));
                assert_facts(names[i], &facts, &expected);
                expected.ip_access = IP_CUSTOM_FILTER;
                facts = decoded(property_message(names[i], "as", 1, "/sys/fs/bpf/x"));
                assert_facts(names[i], &facts, &expected);
        }
}
END_TEST

START_TEST(names_and_paths) {
        sd_bus_message *m = properties_new();
        const char *property;
        struct reading reading;

        properties_add(m, "Id", "s", "a.service");
        properties_add(m, "LoadState", "s", "loaded");
        properties_add(m, "FragmentPath", "s", "/etc/systemd/system/a.service");
        properties_add(m, "DropInPaths", "as", 2, "/run/1.conf", "/run/2.conf");
        properties_seal(m);

        reading_init(&reading);
        ck_assert_int_eq(decode_properties(m, &reading, &property), 0);
        ck_assert_str_eq(reading.id, "a.service");
        ck_assert_str_eq(reading.load_state, "loaded");
        ck_assert_str_eq(reading.fragment_path, "/etc/systemd/system/a.service");
        ck_assert_uint_eq(strv_length(reading.drop_in_paths), 2);
        ck_assert_str_eq(reading.drop_in_paths[0], "/run/1.conf");
        ck_assert_str_eq(reading.drop_in_paths[1], "/run/2.conf");

        reading_done(&reading);
        ck_assert_ptr_null(reading.id);
        ck_assert_ptr_null(reading.drop_in_paths);
        reading_done(NULL);
        sd_bus_message_unref(m);
}
END_TEST

START_TEST(no_path_is_none) {
        sd_bus_message *m = properties_new();
        const char *property;
        struct reading reading;

        properties_add(m, "FragmentPath", "s", "");
        properties_add(m, "DropInPaths", "as", 0);
        properties_seal(m);

        reading_init(&reading);
        ck_assert_int_eq(decode_properties(m, &reading, &property), 0);
        ck_assert_ptr_null(reading.fragment_path);
        ck_assert_uint_eq(strv_length(reading.drop_in_paths), 0);
        reading_done(&reading);
        sd_bus_message_unref(m);
}
END_TEST

/* Of a property that comes twice, the second one counts, and nothing of the first is left. */
START_TEST(the_last_one_counts) {
        sd_bus_message *m = properties_new();
        const char *property;
        struct reading reading;
        struct facts expected = facts_default();

        properties_add(m, "FragmentPath", "s", "/first");
        properties_add(m, "DropInPaths", "as", 2, "/first", "/second");
        properties_add(m, "RestrictAddressFamilies", "(bas)", 1, 2, "AF_UNIX", "AF_CAN");
        properties_add(m, "SystemCallFilter", "(bas)", 1, 1, "mount");
        properties_add(m, "FragmentPath", "s", "/second");
        properties_add(m, "DropInPaths", "as", 1, "/third");
        properties_add(m, "RestrictAddressFamilies", "(bas)", 0, 1, "AF_INET");
        properties_add(m, "SystemCallFilter", "(bas)", 0, 0);
        properties_seal(m);

        reading_init(&reading);
        ck_assert_int_eq(decode_properties(m, &reading, &property), 0);
        ck_assert_str_eq(reading.fragment_path, "/second");
        ck_assert_uint_eq(strv_length(reading.drop_in_paths), 1);
        expected.address_families = ADDRESS_FAMILY_INET;
        assert_facts("twice", &reading.facts, &expected);
        reading_done(&reading);
        sd_bus_message_unref(m);
}
END_TEST

START_TEST(what_is_missing_is_as_it_was) {
        struct facts expected = facts_default(), facts;
        sd_bus_message *m = properties_new();

        properties_seal(m);
        facts = decoded(m);
        assert_facts("nothing", &facts, &expected);
}
END_TEST

START_TEST(what_is_not_known_is_passed_over) {
        struct facts expected = facts_default(), facts;
        sd_bus_message *m = properties_new();

        properties_add(m, "ExecStart", "a(sasbttttuii)", 1, "/bin/true", 2, "/bin/true", "x", 0,
                       UINT64_C(1), UINT64_C(2), UINT64_C(3), UINT64_C(4), 5, 6, 7);
        properties_add(m, "LogNamespace", "v", "a{sv}", 1, "x", "ax", 2, INT64_C(1), INT64_C(2));
        properties_add(m, "", "d", 1.0);
        properties_add(m, "PrivateTmpEx", "s", "disconnected");
        properties_add(m, "privatetmp", "s", "yes");
        properties_add(m, "PrivateTmp", "b", 1);
        properties_add(m, "ZZZ", "ao", 1, "/org");
        properties_seal(m);

        expected.private_tmp = true;
        facts = decoded(m);
        assert_facts("PrivateTmp", &facts, &expected);
}
END_TEST

START_TEST(single_property) {
        sd_bus_message *m = variant_message("b", 0);
        struct facts expected = facts_default();
        struct reading reading;

        reading_init(&reading);
        ck_assert_int_eq(decode_property(m, "DefaultDependencies", &reading), 0);
        expected.default_dependencies = false;
        assert_facts("DefaultDependencies", &reading.facts, &expected);
        sd_bus_message_unref(m);

        m = variant_message("as", 1, "/run/1.conf");
        ck_assert_int_eq(decode_property(m, "DropInPaths", &reading), 0);
        ck_assert_str_eq(reading.drop_in_paths[0], "/run/1.conf");
        ck_assert_ptr_null(reading.drop_in_paths[1]);
        sd_bus_message_unref(m);
        reading_done(&reading);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("decode");
        TCase *tcase = tcase_create("decode");

        tcase_add_loop_test(tcase, each_flag, 0, ELEMENTSOF(flags));
        tcase_add_loop_test(tcase, each_mask, 0, ELEMENTSOF(masks));
        tcase_add_loop_test(tcase, each_text, 0, ELEMENTSOF(texts));
        tcase_add_test(tcase, umask_bits);
        tcase_add_test(tcase, any_entry_counts);
        tcase_add_loop_test(tcase, each_architecture_list, 0, ELEMENTSOF(architectures));
        tcase_add_loop_test(tcase, each_address_family, 0, ELEMENTSOF(families));
        tcase_add_test(tcase, address_families_add_up);
        tcase_add_test(tcase, system_calls);
        tcase_add_test(tcase, each_system_call);
        tcase_add_loop_test(tcase, each_address, 0, ELEMENTSOF(addresses));
        tcase_add_test(tcase, addresses_add_up);
        tcase_add_test(tcase, custom_filters);
        tcase_add_test(tcase, names_and_paths);
        tcase_add_test(tcase, no_path_is_none);
        tcase_add_test(tcase, the_last_one_counts);
        tcase_add_test(tcase, what_is_missing_is_as_it_was);
        tcase_add_test(tcase, what_is_not_known_is_passed_over);
        tcase_add_test(tcase, single_property);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
