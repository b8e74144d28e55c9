/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>

#include <exposured/macro.h>

#include "message.h"
#include "random.h"
#include "reading.h"
#include "suite.h"

/* All that scoring reads, by its type. */
static const struct {
        const char *name, *signature;
} known[] = {
        { "AmbientCapabilities", "t" },
        { "CapabilityBoundingSet", "t" },
        { "DefaultDependencies", "b" },
        { "Delegate", "b" },
        { "DeviceAllow", "a(ss)" },
        { "DevicePolicy", "s" },
        { "DropInPaths", "as" },
        { "DynamicUser", "b" },
        { "FragmentPath", "s" },
        { "IPAddressAllow", "a(iayu)" },
        { "IPAddressDeny", "a(iayu)" },
        { "IPEgressFilterPath", "as" },
        { "IPIngressFilterPath", "as" },
        { "Id", "s" },
        { "KeyringMode", "s" },
        { "LoadState", "s" },
        { "LockPersonality", "b" },
        { "MemoryDenyWriteExecute", "b" },
        { "NoNewPrivileges", "b" },
        { "NotifyAccess", "s" },
        { "PrivateDevices", "b" },
        { "PrivateMounts", "b" },
        { "PrivateNetwork", "b" },
        { "PrivateTmp", "b" },
        { "PrivateUsers", "b" },
        { "ProcSubset", "s" },
        { "ProtectClock", "b" },
        { "ProtectControlGroups", "b" },
        { "ProtectHome", "s" },
        { "ProtectHostname", "b" },
        { "ProtectKernelLogs", "b" },
        { "ProtectKernelModules", "b" },
        { "ProtectKernelTunables", "b" },
        { "ProtectProc", "s" },
        { "ProtectSystem", "s" },
        { "RemoveIPC", "b" },
        { "RestrictAddressFamilies", "(bas)" },
        { "RestrictNamespaces", "t" },
        { "RestrictRealtime", "b" },
        { "RestrictSUIDSGID", "b" },
        { "RootDirectory", "s" },
        { "RootImage", "s" },
        { "SupplementaryGroups", "as" },
        { "SystemCallArchitectures", "as" },
        { "SystemCallFilter", "(bas)" },
        { "Type", "s" },
        { "UMask", "u" },
        { "User", "s" },
};

/* What a value may be instead; each has the one shape that append_value() gives it. */
static const char *const signatures[] = {
        "y", "b", "n", "q", "i", "u", "x", "t", "d", "s", "o", "g", "v", "as", "au", "ao", "ay", "(bas)",
        "(bau)", "(sas)", "(b)", "a(ss)", "a(su)", "a(sss)", "a(iayu)", "a(iasu)", "a(iay)", "a{sv}", "a{ss}", "aas",
        "(ss)",
};

static void append_array(sd_bus_message *m, const char *contents, unsigned n);

/* A value of any of these types. */
static void append_value(sd_bus_message *m, const char *signature) {
        const char *s = signature;

        if (streq(s, "y"))
                message_ok(sd_bus_message_append(m, s, 7));
        else if (strlen(s) == 1 && strchr("bnqiu", *s))
                message_ok(sd_bus_message_append(m, s, 1));
        else if (streq(s, "x") || streq(s, "t"))
                message_ok(sd_bus_message_append(m, s, UINT64_C(1)));
        else if (streq(s, "d"))
                message_ok(sd_bus_message_append(m, s, 0.5));
        else if (streq(s, "s") || streq(s, "g"))
                message_ok(sd_bus_message_append(m, s, "s"));
        else if (streq(s, "o"))
                message_ok(sd_bus_message_append(m, s, "/"));
        else if (streq(s, "v"))
                message_ok(sd_bus_message_append(m, s, "s", "v"));
        else if (*s == 'a')
                append_array(m, s + 1, 2);
        else {
                size_t n = strlen(s);
                char contents[16];

                ck_assert_uint_lt(n, sizeof(contents));
                memcpy(contents, s + 1, n - 2);
                contents[n - 2] = '\0';
                message_ok(sd_bus_message_open_container(m, *s == '{' ? 'e' : 'r', contents));
                for (char *c = contents; *c; c++) {
                        char one[16] = { *c };

                        /* the only types of more than one character inside are arrays of one */
                        if (*c == 'a')
                                one[1] = *++c;
                        append_value(m, one);
                }
                message_ok(sd_bus_message_close_container(m));
        }
}

static void append_array(sd_bus_message *m, const char *contents, unsigned n) {
        message_ok(sd_bus_message_open_container(m, 'a', contents));
        for (unsigned i = 0; i < n; i++)
                append_value(m, contents);
        message_ok(sd_bus_message_close_container(m));
}

static void add_value(sd_bus_message *m, const char *name, const char *signature) {
        properties_open(m, name, signature);
        append_value(m, signature);
        properties_close(m);
}

/* Decodes and frees the message. */
static void assert_decoded(sd_bus_message *m, int expected, const char *expected_property) {
        const char *property = NULL;
        struct reading reading;
        int r;

        reading_init(&reading);
        r = decode_properties(m, &reading, &property);
        ck_assert_msg(r == expected, "%s: %s, not %s", property, strerror(-r), strerror(-expected));
        if (expected_property)
                ck_assert_str_eq(property, expected_property);
        reading_done(&reading);
        sd_bus_message_unref(m);
}

START_TEST(wrong_type) {
        for (size_t i = 0; i < ELEMENTSOF(signatures); i++) {
                const char *name = known[_i].name;
                bool right = streq(signatures[i], known[_i].signature);
                sd_bus_message *m = properties_new();

                add_value(m, "ExecMainPID", "u");
                add_value(m, name, signatures[i]);
                add_value(m, "Zzz", "s");
                properties_seal(m);
                assert_decoded(m, right ? 0 : -EBADMSG, right ? NULL : name);
        }
}
END_TEST

START_TEST(wrong_type_of_a_single_property) {
        for (size_t i = 0; i < ELEMENTSOF(signatures); i++) {
                bool right = streq(signatures[i], known[_i].signature);
                sd_bus_message *m = message_new();
                struct reading reading;

                message_ok(sd_bus_message_open_container(m, 'v', signatures[i]));
                append_value(m, signatures[i]);
                message_ok(sd_bus_message_close_container(m));
                message_seal(m);
                reading_init(&reading);
                ck_assert_int_eq(decode_property(m, known[_i].name, &reading), right ? 0 : -EBADMSG);
                reading_done(&reading);
                sd_bus_message_unref(m);
        }
}
END_TEST

START_TEST(no_variant) {
        sd_bus_message *m = message_new();
        struct reading reading;

        reading_init(&reading);
        message_ok(sd_bus_message_append(m, "b", 1));
        message_seal(m);
        ck_assert_int_eq(decode_property(m, "PrivateTmp", &reading), -EBADMSG);
        sd_bus_message_unref(m);

        m = message_new();
        message_seal(m);
        ck_assert_int_eq(decode_property(m, "PrivateTmp", &reading), -EBADMSG);
        ck_assert_int_eq(decode_property(m, "PrivateTmpEx", &reading), -ENOENT);
        sd_bus_message_unref(m);
        reading_done(&reading);
}
END_TEST

START_TEST(no_dictionary) {
        for (size_t i = 0; i < ELEMENTSOF(signatures); i++) {
                sd_bus_message *m;

                if (streq(signatures[i], "a{sv}"))
                        continue;
                m = message_new();
                append_value(m, signatures[i]);
                message_seal(m);
                assert_decoded(m, -EBADMSG, "(properties)");
        }
}
END_TEST

START_TEST(no_arguments) {
        sd_bus_message *m = message_new();

        message_seal(m);
        assert_decoded(m, -EBADMSG, "(properties)");
}
END_TEST

/* A text of that length. The caller's. */
static char *long_text(size_t length) {
        char *text = malloc(length + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', length);
        text[length] = '\0';

        return text;
}

static const struct {
        const char *name;
        size_t longest;         /* that is still taken */
} lengths[] = {
        { "Id", PATH_MAX - 1 },
        { "LoadState", PATH_MAX - 1 },
        { "FragmentPath", PATH_MAX - 1 },
        { "User", 1000000 },
        { "ProtectHome", 1000000 },
        { "NotifyAccess", 1000000 },
        { "RootImage", 1000000 },
};

START_TEST(long_texts) {
        size_t longest = lengths[_i].longest;
        char *text = long_text(longest + 1);

        assert_decoded(property_message(lengths[_i].name, "s", text), longest < PATH_MAX ? -EBADMSG : 0,
                       NULL);
        text[longest] = '\0';
        assert_decoded(property_message(lengths[_i].name, "s", text), 0, NULL);
        free(text);
}
END_TEST

/* An array of n times the same text. */
static sd_bus_message *texts_message(const char *name, unsigned n, const char *text) {
        sd_bus_message *m = properties_new();

        properties_open(m, name, "as");
        message_ok(sd_bus_message_open_container(m, 'a', "s"));
        for (unsigned i = 0; i < n; i++)
                message_ok(sd_bus_message_append(m, "s", text));
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_seal(m);

        return m;
}

START_TEST(many_paths) {
        char *text = long_text(PATH_MAX);

        assert_decoded(texts_message("DropInPaths", DROP_IN_PATHS_MAX, "/x"), 0, NULL);
        assert_decoded(texts_message("DropInPaths", DROP_IN_PATHS_MAX + 1, "/x"), -EBADMSG, "DropInPaths");
        assert_decoded(texts_message("DropInPaths", 100000, ""), -EBADMSG, "DropInPaths");
        assert_decoded(texts_message("DropInPaths", 1, text), -EBADMSG, "DropInPaths");
        text[PATH_MAX - 1] = '\0';
        assert_decoded(texts_message("DropInPaths", 2, text), 0, NULL);
        free(text);

        assert_decoded(texts_message("SupplementaryGroups", 100000, "wheel"), 0, NULL);
        assert_decoded(texts_message("SystemCallArchitectures", 100000, "native"), 0, NULL);
}
END_TEST

/* What was read before the error is freed, and an error leaves what was there before. */
START_TEST(error_keeps_the_paths) {
        sd_bus_message *m = texts_message("DropInPaths", 2, "/x");
        sd_bus_message *n = texts_message("DropInPaths", 2000, "/y");
        const char *property;
        struct reading reading;

        reading_init(&reading);
        ck_assert_int_eq(decode_properties(m, &reading, &property), 0);
        ck_assert_int_eq(decode_properties(n, &reading, &property), -EBADMSG);
        ck_assert_uint_eq(strv_length(reading.drop_in_paths), 2);
        ck_assert_str_eq(reading.drop_in_paths[1], "/x");
        reading_done(&reading);
        sd_bus_message_unref(m);
        sd_bus_message_unref(n);
}
END_TEST

static sd_bus_message *list_message(const char *property, unsigned n, const char *name) {
        sd_bus_message *m = properties_new();

        properties_open(m, property, "(bas)");
        message_ok(sd_bus_message_open_container(m, 'r', "bas"));
        message_ok(sd_bus_message_append(m, "b", 1));
        message_ok(sd_bus_message_open_container(m, 'a', "s"));
        for (unsigned i = 0; i < n; i++)
                message_ok(sd_bus_message_append(m, "s", i == n - 1 ? "mount:EPERM" : name));
        message_ok(sd_bus_message_close_container(m));
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_seal(m);

        return m;
}

/* Long names and long lists mean nothing to scoring, but do no harm, and the rest counts. */
START_TEST(many_system_calls) {
        static const size_t sizes[] = { 0, 4, 62, 63, 64, 65, 255, 100000 };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                char *text = long_text(sizes[i]);
                sd_bus_message *m = list_message("SystemCallFilter", sizes[i] < 10 ? 100000 : 3, text);
                const char *property;
                struct reading reading;
                struct facts expected;

                reading_init(&reading);
                ck_assert_int_eq(decode_properties(m, &reading, &property), 0);
                facts_init(&expected);
                expected.system_call_filter_allow_list = true;
                expected.system_call_filter_empty = false;
                syscall_set_add(&expected.system_call_filter, syscall_index("mount"));
                ck_assert(facts_equal(&reading.facts, &expected));
                reading_done(&reading);
                sd_bus_message_unref(m);
                free(text);
        }
}
END_TEST

START_TEST(many_address_families) {
        char *text = long_text(100000);

        assert_decoded(list_message("RestrictAddressFamilies", 100000, "AF_UNIX"), 0, NULL);
        assert_decoded(list_message("RestrictAddressFamilies", 3, text), 0, NULL);
        free(text);
}
END_TEST

/* The bytes of an address that may be no address. What follows them must not be read as such. */
static uint8_t decoded_bytes(const char *property, int family, const uint8_t *bytes, size_t n,
                             unsigned prefix) {
        sd_bus_message *m = properties_new();
        struct reading reading;
        uint8_t ip_access;
        const char *problem;

        properties_open(m, property, "a(iayu)");
        message_ok(sd_bus_message_open_container(m, 'a', "(iayu)"));
        message_ok(sd_bus_message_open_container(m, 'r', "iayu"));
        message_ok(sd_bus_message_append(m, "i", family));
        message_ok(sd_bus_message_append_array(m, 'y', bytes, n));
        message_ok(sd_bus_message_append(m, "u", prefix));
        message_ok(sd_bus_message_close_container(m));
        message_ok(sd_bus_message_close_container(m));
        properties_close(m);
        properties_seal(m);

        reading_init(&reading);
        ck_assert_int_eq(decode_properties(m, &reading, &problem), 0);
        ip_access = reading.facts.ip_access;
        reading_done(&reading);
        sd_bus_message_unref(m);

        return ip_access;
}

START_TEST(odd_addresses) {
        static const int other_families[] = { 0, -1, AF_UNIX, AF_NETLINK, INT_MIN, INT_MAX };
        static const size_t sizes[] = { 0, 1, 3, 5, 8, 15, 17, 1000 };
        uint8_t bytes[1000] = { 127 };

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                ck_assert_uint_eq(decoded_bytes("IPAddressAllow", AF_INET, bytes, sizes[i], 8),
                                  IP_ALLOW_OTHER);
                ck_assert_uint_eq(decoded_bytes("IPAddressAllow", AF_INET6, bytes, sizes[i], 128),
                                  IP_ALLOW_OTHER);
        }
        ck_assert_uint_eq(decoded_bytes("IPAddressAllow", AF_INET, bytes, 16, 8), IP_ALLOW_OTHER);
        ck_assert_uint_eq(decoded_bytes("IPAddressAllow", AF_INET6, bytes, 4, 8), IP_ALLOW_OTHER);
        ck_assert_uint_eq(decoded_bytes("IPAddressAllow", AF_INET, bytes, 4, 8), IP_ALLOW_LOCALHOST);

        for (size_t i = 0; i < ELEMENTSOF(other_families); i++) {
                ck_assert_uint_eq(decoded_bytes("IPAddressDeny", other_families[i], bytes, 4, 0), 0);
                ck_assert_uint_eq(decoded_bytes("IPAddressAllow", other_families[i], bytes, 4, 8),
                                  IP_ALLOW_OTHER);
        }
        ck_assert_uint_eq(decoded_bytes("IPAddressDeny", AF_INET, bytes, 4, UINT_MAX), 0);
}
END_TEST

#define ROUNDS 300

/* Any properties with values of any type: the first known one of a wrong type is the one that is named. */
START_TEST(random_properties) {
        for (unsigned round = 0; round < ROUNDS; round++) {
                sd_bus_message *m = properties_new();
                const char *wrong = NULL;

                for (uint64_t n = random_below(40); n > 0; n--) {
                        size_t row = random_below(ELEMENTSOF(known));
                        bool right = random_below(32) > 0;
                        const char *signature = right ? known[row].signature :
                                                        signatures[random_below(ELEMENTSOF(signatures))];

                        if (random_coin())
                                add_value(m, "Unknown", signatures[random_below(ELEMENTSOF(signatures))]);
                        add_value(m, known[row].name, signature);
                        if (!wrong && !streq(signature, known[row].signature))
                                wrong = known[row].name;
                }
                properties_seal(m);
                assert_decoded(m, wrong ? -EBADMSG : 0, wrong);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("decode-hostile");
        TCase *tcase = tcase_create("hostile");

        random_start();
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, wrong_type, 0, ELEMENTSOF(known));
        tcase_add_loop_test(tcase, wrong_type_of_a_single_property, 0, ELEMENTSOF(known));
        tcase_add_test(tcase, no_variant);
        tcase_add_test(tcase, no_dictionary);
        tcase_add_test(tcase, no_arguments);
        tcase_add_loop_test(tcase, long_texts, 0, ELEMENTSOF(lengths));
        tcase_add_test(tcase, many_paths);
        tcase_add_test(tcase, error_keeps_the_paths);
        tcase_add_test(tcase, many_system_calls);
        tcase_add_test(tcase, many_address_families);
        tcase_add_test(tcase, odd_addresses);
        tcase_add_test(tcase, random_properties);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
