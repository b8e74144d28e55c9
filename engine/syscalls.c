/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/macro.h>

#include "syscalls.h"

#define GROUP(group) (1U << SYSCALL_GROUP_##group)

#define CHOWN         GROUP(CHOWN)
#define CLOCK         GROUP(CLOCK)
#define CPU_EMULATION GROUP(CPU_EMULATION)
#define DEBUG         GROUP(DEBUG)
#define MODULE        GROUP(MODULE)
#define MOUNT         GROUP(MOUNT)
#define OBSOLETE      GROUP(OBSOLETE)
#define PRIVILEGED    GROUP(PRIVILEGED)
#define RAW_IO        GROUP(RAW_IO)
#define REBOOT        GROUP(REBOOT)
#define RESOURCES     GROUP(RESOURCES)
#define SWAP          GROUP(SWAP)

struct syscall_row {
        const char *name;
        unsigned groups;        /* GROUP() bits, but for groups within groups */
        unsigned since;         /* the systemd version that put the name in; 0: all known ones have it */
        unsigned until;         /* the systemd version that took the name out; 0: none */
};

/* A row's place is what syscall_index() gives: new names go to the end. */
static const struct syscall_row rows[] = {
        { "_sysctl", .groups = OBSOLETE | PRIVILEGED },
        { "acct", .groups = PRIVILEGED },
        { "adjtimex", .groups = CLOCK },
        { "afs_syscall", .groups = OBSOLETE },
        { "bdflush", .groups = OBSOLETE },
        { "bpf", .groups = PRIVILEGED },
        { "break", .groups = OBSOLETE },
        { "capset", .groups = PRIVILEGED },
        { "chown", .groups = CHOWN },
        { "chown32", .groups = CHOWN },
        { "chroot", .groups = MOUNT | PRIVILEGED },
        { "clock_adjtime", .groups = CLOCK },
        { "clock_adjtime64", .groups = CLOCK },
        { "clock_settime", .groups = CLOCK },
        { "clock_settime64", .groups = CLOCK },
        { "create_module", .groups = OBSOLETE },
        { "delete_module", .groups = MODULE },
        { "fanotify_init", .groups = PRIVILEGED },
        { "fanotify_mark", .groups = PRIVILEGED },
        { "fchown", .groups = CHOWN },
        { "fchown32", .groups = CHOWN },
        { "fchownat", .groups = CHOWN },
        { "finit_module", .groups = MODULE },
        { "fsconfig", .groups = MOUNT },
        { "fsmount", .groups = MOUNT },
        { "fsopen", .groups = MOUNT },
        { "fspick", .groups = MOUNT },
        { "ftime", .groups = OBSOLETE },
        { "get_kernel_syms", .groups = OBSOLETE },
        { "getpmsg", .groups = OBSOLETE },
        { "gtty", .groups = OBSOLETE },
        { "idle", .groups = OBSOLETE },
        { "init_module", .groups = MODULE },
        { "ioperm", .groups = RAW_IO },
        { "iopl", .groups = RAW_IO },
        { "ioprio_set", .groups = RESOURCES },
        { "kexec_file_load", .groups = REBOOT },
        { "kexec_load", .groups = REBOOT },
        { "lchown", .groups = CHOWN },
        { "lchown32", .groups = CHOWN },
        { "lock", .groups = OBSOLETE },
        { "lookup_dcookie", .groups = DEBUG },
        { "mbind", .groups = RESOURCES },
        { "migrate_pages", .groups = RESOURCES },
        { "modify_ldt", .groups = CPU_EMULATION },
        { "mount", .groups = MOUNT },
        { "mount_setattr", .groups = MOUNT },
        { "move_mount", .groups = MOUNT },
        { "move_pages", .groups = RESOURCES },
        { "mpx", .groups = OBSOLETE },
        { "nfsservctl", .groups = PRIVILEGED },
        { "nice", .groups = RESOURCES },
        { "open_by_handle_at", .groups = PRIVILEGED },
        { "open_tree", .groups = MOUNT, .until = 258 },
        { "open_tree_attr", .groups = MOUNT, .since = 258 },
        { "pciconfig_iobase", .groups = RAW_IO },
        { "pciconfig_read", .groups = RAW_IO },
        { "pciconfig_write", .groups = RAW_IO },
        { "perf_event_open", .groups = DEBUG },
        { "pidfd_getfd", .groups = DEBUG },
        { "pivot_root", .groups = MOUNT | PRIVILEGED },
        { "prof", .groups = OBSOLETE },
        { "profil", .groups = OBSOLETE },
        { "ptrace", .groups = DEBUG },
        { "putpmsg", .groups = OBSOLETE },
        { "query_module", .groups = OBSOLETE },
        { "quotactl", .groups = PRIVILEGED },
        { "quotactl_fd", .groups = PRIVILEGED },
        { "reboot", .groups = REBOOT },
        { "rtas", .groups = DEBUG },
        { "s390_pci_mmio_read", .groups = RAW_IO },
        { "s390_pci_mmio_write", .groups = RAW_IO },
        { "s390_runtime_instr", .groups = DEBUG },
        { "sched_setaffinity", .groups = RESOURCES },
        { "sched_setattr", .groups = RESOURCES },
        { "sched_setparam", .groups = RESOURCES },
        { "sched_setscheduler", .groups = RESOURCES },
        { "security", .groups = OBSOLETE },
        { "set_mempolicy", .groups = RESOURCES },
        { "set_mempolicy_home_node", .groups = RESOURCES },
        { "setdomainname", .groups = PRIVILEGED },
        { "setfsuid", .groups = PRIVILEGED },
        { "setfsuid32", .groups = PRIVILEGED },
        { "setgroups", .groups = PRIVILEGED },
        { "setgroups32", .groups = PRIVILEGED },
        { "sethostname", .groups = PRIVILEGED },
        { "setpriority", .groups = RESOURCES },
        { "setresuid", .groups = PRIVILEGED },
        { "setresuid32", .groups = PRIVILEGED },
        { "setreuid", .groups = PRIVILEGED },
        { "setreuid32", .groups = PRIVILEGED },
        { "setrlimit", .groups = RESOURCES },
        { "settimeofday", .groups = CLOCK },
        { "setuid", .groups = PRIVILEGED },
        { "setuid32", .groups = PRIVILEGED },
        { "sgetmask", .groups = OBSOLETE },
        { "ssetmask", .groups = OBSOLETE },
        { "stime", .groups = OBSOLETE },
        { "stty", .groups = OBSOLETE },
        { "subpage_prot", .groups = CPU_EMULATION },
        { "swapoff", .groups = SWAP },
        { "swapon", .groups = SWAP },
        { "switch_endian", .groups = CPU_EMULATION },
        { "sys_debug_setcontext", .groups = DEBUG },
        { "sysfs", .groups = OBSOLETE },
        { "tuxcall", .groups = OBSOLETE },
        { "ulimit", .groups = OBSOLETE },
        { "umount", .groups = MOUNT },
        { "umount2", .groups = MOUNT },
        { "uselib", .groups = OBSOLETE },
        { "ustat", .groups = OBSOLETE },
        { "vhangup", .groups = PRIVILEGED },
        { "vm86", .groups = CPU_EMULATION },
        { "vm86old", .groups = CPU_EMULATION },
        { "vserver", .groups = OBSOLETE },
};

/* That many rows from the first are sorted by name; those added later are not. */
#define N_SORTED 115

_Static_assert(ELEMENTSOF(rows) >= N_SORTED, "no row was ever taken away");
_Static_assert(ELEMENTSOF(rows) <= 64 * SYSCALL_SET_WORDS, "a syscall_set has a bit for each row");

/* What a group holds besides its own names. */
static const unsigned nested_groups[SYSCALL_GROUP_MAX] = {
        [SYSCALL_GROUP_PRIVILEGED] = CHOWN | CLOCK | MODULE | RAW_IO | REBOOT | SWAP,
};

static int compare_name(const void *name, const void *row) {
        return strcmp(name, ((const struct syscall_row *) row)->name);
}

int syscall_index(const char *name) {
        const struct syscall_row *found;

        found = bsearch(name, rows, N_SORTED, sizeof(rows[0]), compare_name);
        if (found)
                return (int) (found - rows);

        for (size_t i = N_SORTED; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].name, name))
                        return (int) i;

        return -1;
}

const char *syscall_name(int index) {
        if (index < 0 || (size_t) index >= ELEMENTSOF(rows))
                return NULL;

        return rows[index].name;
}

static bool row_counts(const struct syscall_row *row, unsigned systemd_version) {
        if (systemd_version == 0)
                return row->until == 0;

        return systemd_version >= row->since && (row->until == 0 || systemd_version < row->until);
}

void syscall_groups_fill(struct syscall_set groups[static SYSCALL_GROUP_MAX], unsigned systemd_version,
                         syscall_exists_fn exists, void *userdata) {
        memset(groups, 0, SYSCALL_GROUP_MAX * sizeof(groups[0]));

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                if (!row_counts(rows + i, systemd_version))
                        continue;
                if (exists && !exists(rows[i].name, userdata))
                        continue;

                for (unsigned group = 0; group < SYSCALL_GROUP_MAX; group++)
                        if (rows[i].groups & (1U << group | nested_groups[group]))
                                syscall_set_add(groups + group, (int) i);
        }
}
