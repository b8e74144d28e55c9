/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <exposured/macro.h>

#include "engine-facts.h"
#include "suite.h"

#define NAMES_MAX 64

/*
 * As printed by systemd-analyze syscall-filter, with the groups within a group spelled out. The two names
 * that came and went are added by group_of().
 */
static const struct group {
        enum check check;
        const char *names[NAMES_MAX];
} groups[SYSCALL_GROUP_MAX] = {
        {
                .check = CHECK_SYSTEM_CALL_FILTER_CLOCK,
                .names = {
                        "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime",
                        "clock_settime64", "settimeofday",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_CPU_EMULATION,
                .names = {
                        "modify_ldt", "subpage_prot", "switch_endian", "vm86", "vm86old",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_DEBUG,
                .names = {
                        "lookup_dcookie", "perf_event_open", "pidfd_getfd", "ptrace", "rtas",
                        "s390_runtime_instr", "sys_debug_setcontext",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_MODULE,
                .names = {
                        "delete_module", "finit_module", "init_module",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_MOUNT,
                .names = {
                        "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
                        "move_mount", "pivot_root", "umount", "umount2",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_OBSOLETE,
                .names = {
                        "_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime",
                        "get_kernel_syms", "getpmsg", "gtty", "idle", "lock", "mpx", "prof", "profil",
                        "putpmsg", "query_module", "security", "sgetmask", "ssetmask", "stime",
                        "stty", "sysfs", "tuxcall", "ulimit", "uselib", "ustat", "vserver",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_PRIVILEGED,
                .names = {
                        "_sysctl", "acct", "adjtimex", "bpf", "capset", "chown", "chown32", "chroot",
                        "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64",
                        "delete_module", "fanotify_init", "fanotify_mark", "fchown", "fchown32",
                        "fchownat", "finit_module", "init_module", "ioperm", "iopl",
                        "kexec_file_load", "kexec_load", "lchown", "lchown32", "nfsservctl",
                        "open_by_handle_at", "pciconfig_iobase", "pciconfig_read", "pciconfig_write",
                        "pivot_root", "quotactl", "quotactl_fd", "reboot", "s390_pci_mmio_read",
                        "s390_pci_mmio_write", "setdomainname", "setfsuid", "setfsuid32", "setgroups",
                        "setgroups32", "sethostname", "setresuid", "setresuid32", "setreuid",
                        "setreuid32", "settimeofday", "setuid", "setuid32", "swapoff", "swapon",
                        "vhangup",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_RAW_IO,
                .names = {
                        "ioperm", "iopl", "pciconfig_iobase", "pciconfig_read", "pciconfig_write",
                        "s390_pci_mmio_read", "s390_pci_mmio_write",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_REBOOT,
                .names = {
                        "kexec_file_load", "kexec_load", "reboot",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_RESOURCES,
                .names = {
                        "ioprio_set", "mbind", "migrate_pages", "move_pages", "nice",
                        "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
                        "set_mempolicy", "set_mempolicy_home_node", "setpriority", "setrlimit",
                },
        },
        {
                .check = CHECK_SYSTEM_CALL_FILTER_SWAP,
                .names = {
                        "swapoff", "swapon",
                },
        },
};

/* 0 is the newest. */
static const unsigned versions[] = { 250, 252, 255, 257, 258, 262, 300, 0 };

static struct group group_of(int row, unsigned version) {
        struct group group = groups[row];
        unsigned n = 0;

        if (group.check != CHECK_SYSTEM_CALL_FILTER_MOUNT)
                return group;

        while (group.names[n])
                n++;
        group.names[n] = version == 0 || version >= 258 ? "open_tree_attr" : "open_tree";

        return group;
}

static bool group_has(const struct group *group, const char *name) {
        for (const char *const *p = group->names; *p; p++)
                if (streq(*p, name))
                        return true;

        return false;
}

/* Facts that allow the names, or deny them, and nothing else about system calls. */
static struct facts filtered(bool allow_list, const char *const *names) {
        struct facts facts = facts_closed();

        facts.system_call_filter_allow_list = allow_list;
        facts.system_call_filter_empty = false;
        facts_list_syscalls(&facts, names);

        return facts;
}

/* One row of the loop is one version. Each known name, allowed alone, makes those groups bad that hold it. */
START_TEST(one_name_allowed) {
        const char *name;

        for (int i = 0; (name = syscall_name(i)); i++) {
                struct facts facts = filtered(true, (const char *const[]) { name, NULL });
                struct assessment assessment = assess_under(versions[_i], SCOPE_SYSTEM, &facts);

                for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                        struct group group = group_of(row, versions[_i]);

                        ck_assert_msg(assessment.badness[group.check] == (group_has(&group, name) ? 9 : 0),
                                      "%s in %u: %s is %u", name, versions[_i],
                                      check_info(group.check)->json_field, assessment.badness[group.check]);
                }
        }
}
END_TEST

START_TEST(one_name_not_denied) {
        const char *name;

        for (int i = 0; (name = syscall_name(i)); i++) {
                const char *denied[192] = { 0 };
                struct assessment assessment;
                struct facts facts;
                unsigned n = 0;

                for (int j = 0; syscall_name(j); j++)
                        if (j != i)
                                denied[n++] = syscall_name(j);

                facts = filtered(false, denied);
                assessment = assess_under(versions[_i], SCOPE_SYSTEM, &facts);

                for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                        struct group group = group_of(row, versions[_i]);

                        ck_assert_uint_eq(assessment.badness[group.check],
                                          group_has(&group, name) ? 10 : 0);
                }
        }
}
END_TEST

/* The names of one group denied close this group, and no other but one that lies within it. */
START_TEST(group_denied) {
        for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                struct group denied = group_of(row, versions[_i]);
                struct facts facts = filtered(false, denied.names);
                struct assessment assessment = assess_under(versions[_i], SCOPE_SYSTEM, &facts);

                for (int other = 0; other < SYSCALL_GROUP_MAX; other++) {
                        struct group group = group_of(other, versions[_i]);
                        bool within = true;

                        for (const char *const *p = group.names; *p; p++)
                                within = within && group_has(&denied, *p);

                        ck_assert_uint_eq(assessment.badness[group.check], within ? 0 : 10);
                }
        }
}
END_TEST

START_TEST(empty_lists) {
        struct facts allow = facts_closed(), deny = facts_closed();

        deny.system_call_filter_allow_list = false;

        for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                ck_assert_uint_eq(badness(&allow, groups[row].check), 0);
                ck_assert_uint_eq(badness(&deny, groups[row].check), 10);
        }
}
END_TEST

/* A list of names that are not scored is not empty. */
START_TEST(list_of_others) {
        struct facts allow = filtered(true, (const char *const[]) { NULL });
        struct facts deny = filtered(false, (const char *const[]) { NULL });

        for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                ck_assert_uint_eq(badness(&allow, groups[row].check), 0);
                ck_assert_uint_eq(badness(&deny, groups[row].check), 10);
        }
}
END_TEST

static bool exists_but(const char *name, void *userdata) {
        return !streq(name, userdata);
}

static bool exists_only(const char *name, void *userdata) {
        return streq(name, userdata);
}

static bool exists_not(const char *name, void *userdata) {
        ck_assert_ptr_null(userdata);
        return streq(name, "");
}

static uint8_t badness_where(syscall_exists_fn exists, const char *name, const struct facts *facts,
                             enum check check) {
        struct assessment assessment;
        struct model model;

        model_init(&model, 252, SCOPE_SYSTEM, NULL, exists, (void *) name);
        assess(&model, facts, &assessment);
        model_done(&model);

        return assessment.badness[check];
}

START_TEST(what_does_not_exist_is_skipped) {
        struct facts allow = filtered(true, (const char *const[]) { "swapon", NULL });
        struct facts deny = filtered(false, (const char *const[]) { "swapoff", NULL });
        enum check check = CHECK_SYSTEM_CALL_FILTER_SWAP;

        ck_assert_uint_eq(badness_where(exists_but, "acct", &allow, check), 9);
        ck_assert_uint_eq(badness_where(exists_but, "swapon", &allow, check), 0);
        ck_assert_uint_eq(badness_where(exists_only, "swapon", &allow, check), 9);
        ck_assert_uint_eq(badness_where(exists_only, "swapoff", &allow, check), 0);

        ck_assert_uint_eq(badness_where(exists_but, "acct", &deny, check), 10);
        ck_assert_uint_eq(badness_where(exists_but, "swapon", &deny, check), 0);
        ck_assert_uint_eq(badness_where(exists_only, "swapon", &deny, check), 10);
        ck_assert_uint_eq(badness_where(exists_only, "swapoff", &deny, check), 0);
}
END_TEST

START_TEST(group_without_any_name_is_good) {
        struct facts allow = filtered(true, (const char *const[]) { "swapon", NULL });
        struct facts deny = filtered(false, (const char *const[]) { "acct", NULL });
        struct facts none = facts_closed();

        none.system_call_filter_allow_list = false;

        for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                ck_assert_uint_eq(badness_where(exists_not, NULL, &allow, groups[row].check), 0);
                ck_assert_uint_eq(badness_where(exists_not, NULL, &deny, groups[row].check), 0);
                ck_assert_uint_eq(badness_where(exists_not, NULL, &none, groups[row].check), 10);
        }
}
END_TEST

START_TEST(positions_and_names) {
        const char *name;
        int n = 0;

        while ((name = syscall_name(n))) {
                ck_assert_int_eq(syscall_index(name), n);
                n++;
        }

        ck_assert_int_ge(n, 115);
        ck_assert_int_le(n, SYSCALL_SET_WORDS * 64);
        ck_assert_ptr_null(syscall_name(n + 1));
        ck_assert_ptr_null(syscall_name(-1));

        /* a position never changes its meaning */
        ck_assert_str_eq(syscall_name(0), "_sysctl");
        ck_assert_str_eq(syscall_name(1), "acct");
        ck_assert_str_eq(syscall_name(53), "open_tree");
        ck_assert_str_eq(syscall_name(54), "open_tree_attr");
        ck_assert_str_eq(syscall_name(114), "vserver");
}
END_TEST

START_TEST(every_name_has_a_group) {
        const char *name;

        for (int i = 0; (name = syscall_name(i)); i++) {
                bool found = false;

                for (size_t j = 0; j < ELEMENTSOF(versions); j++)
                        for (int row = 0; row < SYSCALL_GROUP_MAX; row++) {
                                struct group group = group_of(row, versions[j]);

                                found = found || group_has(&group, name);
                        }

                ck_assert_msg(found, "%s is in no group", name);
        }
}
END_TEST

START_TEST(other_names_have_no_position) {
        static const char *const others[] = {
                "", "_", "read", "openat", "zzz", "@mount", "mount:EPERM", "Mount", "mount ", "mounts",
        };

        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                ck_assert_int_eq(syscall_index(others[i]), -1);
}
END_TEST

START_TEST(sets_hold_what_is_added) {
        struct syscall_set set = { 0 };

        for (int i = 0; i < SYSCALL_SET_WORDS * 64; i += 3)
                syscall_set_add(&set, i);
        for (int i = 0; i < SYSCALL_SET_WORDS * 64; i++)
                ck_assert(syscall_set_has(&set, i) == (i % 3 == 0));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("engine-syscalls");
        TCase *tcase = tcase_create("syscalls");

        tcase_add_loop_test(tcase, one_name_allowed, 0, ELEMENTSOF(versions));
        tcase_add_loop_test(tcase, one_name_not_denied, 0, ELEMENTSOF(versions));
        tcase_add_loop_test(tcase, group_denied, 0, ELEMENTSOF(versions));
        tcase_add_test(tcase, empty_lists);
        tcase_add_test(tcase, list_of_others);
        tcase_add_test(tcase, what_does_not_exist_is_skipped);
        tcase_add_test(tcase, group_without_any_name_is_good);
        tcase_add_test(tcase, positions_and_names);
        tcase_add_test(tcase, every_name_has_a_group);
        tcase_add_test(tcase, other_names_have_no_position);
        tcase_add_test(tcase, sets_hold_what_is_added);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
