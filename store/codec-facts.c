/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include <exposured/macro.h>

#include "buffer.h"
#include "codec.h"
#include "lines.h"

struct fact;

/* How a kind of fact is written and read. The target is where the fact's offset points. */
struct kind {
        int (*write)(const struct fact *fact, const void *target, struct buffer *buffer);
        int (*read)(const struct fact *fact, struct span value, void *target);
};

struct fact {
        const char *name;
        const struct kind *kind;
        size_t offset;
        const char *const *words;       /* by value; or by bit, NULL where the bit is not of this fact */
        unsigned n_words;
};

static int write_word(const struct fact *fact, const void *target, struct buffer *buffer) {
        const uint8_t *value = target;

        if (*value >= fact->n_words)
                return -EINVAL;
        buffer_add(buffer, fact->words[*value]);
        return 0;
}

static int read_word(const struct fact *fact, struct span value, void *target) {
        uint8_t *ret = target;

        for (unsigned i = 0; i < fact->n_words; i++)
                if (span_equal(value, fact->words[i])) {
                        *ret = (uint8_t) i;
                        return 0;
                }
        return -EBADMSG;
}

static const struct kind kind_word = { write_word, read_word };

static int write_bits(const struct fact *fact, const void *target, struct buffer *buffer) {
        const uint8_t *value = target;
        const char *separator = "";

        if (*value >> fact->n_words != 0)
                return -EINVAL;
        for (unsigned i = 0; i < fact->n_words; i++)
                if (fact->words[i] && (*value & 1U << i)) {
                        buffer_add(buffer, separator);
                        buffer_add(buffer, fact->words[i]);
                        separator = " ";
                }
        return 0;
}

/* The bits of one word, or 0 where it is none of this fact. */
static uint8_t bit_of(const struct fact *fact, struct span word) {
        for (unsigned i = 0; i < fact->n_words; i++)
                if (fact->words[i] && span_equal(word, fact->words[i]))
                        return (uint8_t) (1U << i);
        return 0;
}

static int read_bits(const struct fact *fact, struct span value, void *target) {
        uint8_t *ret = target, bit;
        struct span word;

        while (word_next(&value, &word)) {
                bit = bit_of(fact, word);
                if (bit == 0)
                        return -EBADMSG;
                *ret |= bit;
        }
        return 0;
}

static const struct kind kind_bits = { write_bits, read_bits };

static int write_mask(const struct fact *fact, const void *target, struct buffer *buffer) {
        (void) fact;
        buffer_format(buffer, "%" PRIx64, *(const uint64_t *) target);
        return 0;
}

static int read_mask(const struct fact *fact, struct span value, void *target) {
        (void) fact;
        return number_read(value, 16, UINT64_MAX, target);
}

static const struct kind kind_mask = { write_mask, read_mask };

static int write_mode(const struct fact *fact, const void *target, struct buffer *buffer) {
        const uint32_t *mode = target;

        (void) fact;
        if (*mode > 0777)
                return -EINVAL;
        buffer_format(buffer, "%04" PRIo32, *mode);
        return 0;
}

static int read_mode(const struct fact *fact, struct span value, void *target) {
        uint32_t *mode = target;
        uint64_t number;

        (void) fact;
        if (number_read(value, 8, 0777, &number) < 0)
                return -EBADMSG;
        *mode = (uint32_t) number;
        return 0;
}

static const struct kind kind_mode = { write_mode, read_mode };

/* The first word of a list: does it allow or deny? */
static int read_direction(struct span *value, bool *ret_allow_list) {
        struct span word;

        if (!word_next(value, &word))
                return -EBADMSG;
        *ret_allow_list = span_equal(word, "allow");
        return *ret_allow_list || span_equal(word, "deny") ? 0 : -EBADMSG;
}

static int write_families(const struct fact *fact, const void *target, struct buffer *buffer) {
        const struct facts *facts = target;

        buffer_add(buffer, facts->address_families_allow_list ? "allow" : "deny");
        if (facts->address_families != 0)
                buffer_add(buffer, " ");
        return write_bits(fact, &facts->address_families, buffer);
}

static int read_families(const struct fact *fact, struct span value, void *target) {
        struct facts *facts = target;
        int r;

        r = read_direction(&value, &facts->address_families_allow_list);
        return r < 0 ? r : read_bits(fact, value, &facts->address_families);
}

static const struct kind kind_families = { write_families, read_families };

static bool syscall_set_is_known(const struct syscall_set *set) {
        int n = 0;

        while (syscall_name(n))
                n++;
        for (; n < SYSCALL_SET_WORDS * 64; n++)
                if (syscall_set_has(set, n))
                        return false;
        return true;
}

static int write_syscalls(const struct fact *fact, const void *target, struct buffer *buffer) {
        const struct facts *facts = target;
        const char *name;

        (void) fact;
        if (!syscall_set_is_known(&facts->system_call_filter))
                return -EINVAL;
        buffer_add(buffer, facts->system_call_filter_allow_list ? "allow" : "deny");
        if (facts->system_call_filter_empty)
                buffer_add(buffer, " empty");
        for (int i = 0; (name = syscall_name(i)); i++)
                if (syscall_set_has(&facts->system_call_filter, i)) {
                        buffer_add(buffer, " ");
                        buffer_add(buffer, name);
                }
        return 0;
}

/* Texts of ours have the names in their order, so it is mostly soon after the last one. */
static int syscall_find(struct span word, int expected) {
        const char *name;

        for (int i = expected; (name = syscall_name(i)); i++)
                if (span_equal(word, name))
                        return i;
        for (int i = 0; i < expected; i++)
                if (span_equal(word, syscall_name(i)))
                        return i;
        return -1;
}

/* A name that is no longer scored is passed over. */
static int read_syscalls(const struct fact *fact, struct span value, void *target) {
        struct facts *facts = target;
        struct span word;
        int r, expected = 0;

        (void) fact;
        r = read_direction(&value, &facts->system_call_filter_allow_list);
        if (r < 0)
                return r;
        facts->system_call_filter_empty = false;
        while (word_next(&value, &word)) {
                int i;

                if (span_equal(word, "empty")) {
                        facts->system_call_filter_empty = true;
                        continue;
                }
                i = syscall_find(word, expected);
                if (i < 0)
                        continue;
                syscall_set_add(&facts->system_call_filter, i);
                expected = i + 1;
        }
        return 0;
}

static const struct kind kind_syscalls = { write_syscalls, read_syscalls };

static const char *const no_yes[] = { "no", "yes" };
static const char *const other_all[] = { "other", "all" };
static const char *const other_oneshot[] = { "other", "oneshot" };
static const char *const other_pid[] = { "other", "pid" };
static const char *const other_private[] = { "other", "private" };

static const char *const architectures_words[] = {
        [ARCHITECTURES_ANY] = "",
        [ARCHITECTURES_NATIVE] = "native",
        [ARCHITECTURES_OTHER] = "other",
};

static const char *const device_policy_words[] = {
        [DEVICE_POLICY_AUTO] = "auto",
        [DEVICE_POLICY_CLOSED] = "closed",
        [DEVICE_POLICY_STRICT] = "strict",
};

static const char *const protect_home_words[] = {
        [PROTECT_HOME_NO] = "no",
        [PROTECT_HOME_YES] = "yes",
        [PROTECT_HOME_READ_ONLY] = "read-only",
        [PROTECT_HOME_TMPFS] = "tmpfs",
        [PROTECT_HOME_ABSENT] = "absent",
};

static const char *const protect_proc_words[] = {
        [PROTECT_PROC_DEFAULT] = "default",
        [PROTECT_PROC_NOACCESS] = "noaccess",
        [PROTECT_PROC_INVISIBLE] = "invisible",
        [PROTECT_PROC_PTRACEABLE] = "ptraceable",
};

static const char *const protect_system_words[] = {
        [PROTECT_SYSTEM_NO] = "no",
        [PROTECT_SYSTEM_YES] = "yes",
        [PROTECT_SYSTEM_FULL] = "full",
        [PROTECT_SYSTEM_STRICT] = "strict",
        [PROTECT_SYSTEM_ABSENT] = "absent",
};

static const char *const root_words[] = {
        [ROOT_UNSET] = "",
        [ROOT_HOST] = "/",
        [ROOT_OTHER] = "other",
};

static const char *const user_words[] = {
        [USER_UNSET] = "",
        [USER_ROOT] = "root",
        [USER_NOBODY] = "nobody",
        [USER_OTHER] = "other",
};

_Static_assert(ELEMENTSOF(architectures_words) == _ARCHITECTURES_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(device_policy_words) == _DEVICE_POLICY_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(protect_home_words) == _PROTECT_HOME_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(protect_proc_words) == _PROTECT_PROC_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(protect_system_words) == _PROTECT_SYSTEM_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(root_words) == _ROOT_KIND_MAX, "a word for each value");
_Static_assert(ELEMENTSOF(user_words) == _USER_CLASS_MAX, "a word for each value");

/* By bit, as enum address_family and enum ip_access have them. */
static const char *const family_words[] = { "AF_INET", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "other" };
static const char *const ip_allow_words[] = { NULL, NULL, "localhost", "other", NULL };
static const char *const ip_deny_words[] = { "0.0.0.0/0", "::/0", NULL, NULL, NULL };
static const char *const ip_filter_words[] = { NULL, NULL, NULL, NULL, "yes" };

#define FACT(property, member, how) { property, &kind_##how, offsetof(struct facts, member) }
#define WORDS(property, member, table) \
        { property, &kind_word, offsetof(struct facts, member), table, ELEMENTSOF(table) }
#define BOOL(property, member) WORDS(property, member, no_yes)
#define BITS(property, member, table) \
        { property, &kind_bits, offsetof(struct facts, member), table, ELEMENTSOF(table) }

/* Names never change their meaning: rows of older versions have them. */
static const struct fact facts_table[] = {
        FACT("AmbientCapabilities", ambient_capabilities, mask),
        FACT("CapabilityBoundingSet", capability_bounding_set, mask),
        BOOL("DefaultDependencies", default_dependencies),
        BOOL("Delegate", delegate),
        BOOL("DeviceAllow", device_allow),
        WORDS("DevicePolicy", device_policy, device_policy_words),
        BOOL("DynamicUser", dynamic_user),
        BITS("IPAddressAllow", ip_access, ip_allow_words),
        BITS("IPAddressDeny", ip_access, ip_deny_words),
        BITS("IPFilterPath", ip_access, ip_filter_words),
        WORDS("KeyringMode", keyring_private, other_private),
        BOOL("LockPersonality", lock_personality),
        BOOL("MemoryDenyWriteExecute", memory_deny_write_execute),
        BOOL("NoNewPrivileges", no_new_privileges),
        WORDS("NotifyAccess", notify_access_all, other_all),
        BOOL("PrivateDevices", private_devices),
        BOOL("PrivateMounts", private_mounts),
        BOOL("PrivateNetwork", private_network),
        BOOL("PrivateTmp", private_tmp),
        BOOL("PrivateUsers", private_users),
        WORDS("ProcSubset", proc_subset_pid, other_pid),
        BOOL("ProtectClock", protect_clock),
        BOOL("ProtectControlGroups", protect_control_groups),
        WORDS("ProtectHome", protect_home, protect_home_words),
        BOOL("ProtectHostname", protect_hostname),
        BOOL("ProtectKernelLogs", protect_kernel_logs),
        BOOL("ProtectKernelModules", protect_kernel_modules),
        BOOL("ProtectKernelTunables", protect_kernel_tunables),
        WORDS("ProtectProc", protect_proc, protect_proc_words),
        WORDS("ProtectSystem", protect_system, protect_system_words),
        BOOL("RemoveIPC", remove_ipc),
        { "RestrictAddressFamilies", &kind_families, 0, family_words, ELEMENTSOF(family_words) },
        FACT("RestrictNamespaces", restrict_namespaces, mask),
        BOOL("RestrictRealtime", restrict_realtime),
        BOOL("RestrictSUIDSGID", restrict_suid_sgid),
        WORDS("RootDirectory", root_directory, root_words),
        WORDS("RootImage", root_image, root_words),
        BOOL("SupplementaryGroups", supplementary_groups),
        WORDS("SystemCallArchitectures", architectures, architectures_words),
        { "SystemCallFilter", &kind_syscalls, 0 },
        WORDS("Type", oneshot, other_oneshot),
        FACT("UMask", umask, mode),
        WORDS("User", user, user_words),
};

int facts_write(const struct facts *facts, char **ret) {
        _cleanup_(buffer_done) struct buffer buffer = {};

        for (size_t i = 0; i < ELEMENTSOF(facts_table); i++) {
                const struct fact *fact = facts_table + i;
                int r;

                buffer_add(&buffer, fact->name);
                buffer_add(&buffer, "=");
                r = fact->kind->write(fact, (const char *) facts + fact->offset, &buffer);
                if (r < 0)
                        return r;
                buffer_add(&buffer, "\n");
        }
        return buffer_take(&buffer, ret);
}

static const struct fact *fact_find(struct span name, size_t expected) {
        for (size_t i = 0; i < ELEMENTSOF(facts_table); i++) {
                const struct fact *fact = facts_table + (expected + i) % ELEMENTSOF(facts_table);

                if (span_equal(name, fact->name))
                        return fact;
        }
        return NULL;
}

int facts_read(const char *text, struct facts *ret) {
        struct span name, value;
        size_t expected = 0;
        int r;

        facts_init(ret);
        while ((r = line_next(&text, &name, &value)) > 0) {
                const struct fact *fact = fact_find(name, expected);

                if (!fact)
                        continue;
                r = fact->kind->read(fact, value, (char *) ret + fact->offset);
                if (r < 0)
                        return r;
                expected = (size_t) (fact - facts_table) + 1;
        }
        return r;
}
