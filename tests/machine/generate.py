# SPDX-License-Identifier: LGPL-2.1-or-later
"""Service units with every scored setting in every form, by a seed.

A form is what stands behind the "=": a text for one line, a list for several, or a function of the random generator
that returns either. Forms of newer releases are given to older ones too, which warn and go on: the judge is the
manager that loads them. As a program it writes a seed's units below a folder, to be looked at.
"""

import argparse
import itertools
import os
import random
import sys

BOOLEANS = ["yes", "no", "true", "false", "on", "off", "1", "0", "y", "n", "t", "f", "TRUE", "No",
            ["yes", "no"], ["no", "", "yes"], "maybe"]

CAPABILITIES = [
    "CAP_AUDIT_CONTROL", "CAP_AUDIT_READ", "CAP_AUDIT_WRITE", "CAP_BLOCK_SUSPEND", "CAP_BPF", "CAP_CHOWN",
    "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
    "CAP_KILL", "CAP_LEASE", "CAP_LINUX_IMMUTABLE", "CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE", "CAP_MKNOD",
    "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_RAW", "CAP_PERFMON", "CAP_SETFCAP",
    "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYSLOG", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE", "CAP_SYS_NICE", "CAP_SYS_PACCT", "CAP_SYS_PTRACE", "CAP_SYS_RAWIO", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_WAKE_ALARM", "CAP_CHECKPOINT_RESTORE",
]

CALL_GROUPS = [
    "@aio", "@basic-io", "@chown", "@clock", "@cpu-emulation", "@debug", "@default", "@file-system", "@io-event",
    "@ipc", "@keyring", "@known", "@memlock", "@module", "@mount", "@network-io", "@obsolete", "@pkey",
    "@privileged", "@process", "@raw-io", "@reboot", "@resources", "@sandbox", "@setuid", "@signal", "@swap",
    "@sync", "@system-service", "@timer",
]

# Real calls of this and of other machines, and one that does not exist.
CALLS = [
    "acct", "add_key", "adjtimex", "bpf", "chown", "chroot", "clock_settime", "clone3", "delete_module", "dup",
    "execve", "fchown32", "finit_module", "init_module", "ioperm", "iopl", "ioprio_set", "kexec_load", "keyctl",
    "lchown", "lookup_dcookie", "mlock", "modify_ldt", "mount", "mount_setattr", "move_pages", "nice", "open_tree",
    "perf_event_open", "pivot_root", "process_vm_readv", "ptrace", "quotactl_fd", "read", "reboot", "rtas",
    "s390_pci_mmio_read", "sched_setaffinity", "setgroups", "setns", "settimeofday", "setuid", "stime", "swapoff",
    "swapon", "sync_file_range2", "uname", "umount2", "uselib", "vm86", "vhangup", "write", "nosuchcall",
]

FAMILIES = ["AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET", "AF_ALG", "AF_BLUETOOTH", "AF_CAN", "AF_KEY",
            "AF_VSOCK", "AF_TIPC", "AF_NOSUCH"]
NAMESPACES = ["cgroup", "ipc", "net", "mnt", "pid", "user", "uts", "time", "nosuch"]
ADDRESSES = ["any", "localhost", "link-local", "multicast", "127.0.0.0/8", "127.0.0.1", "127.0.0.0/16", "::1",
             "::1/128", "::1/64", "10.0.0.0/8", "192.168.7.1", "0.0.0.0/0", "::/0", "0.0.0.0/1", "fe80::/10",
             "2001:db8::/32", "0.0.0.0", "::", "127.9.9.9/8", "nonsense"]
GROUPS = ["adm", "audio", "daemon", "nogroup", "root", "video", "12345"]
DEVICES = ["/dev/null rw", "/dev/zero", "char-pts rw", "block-loop r", "char-* rwm", "/dev/nosuch r", "/dev/fuse rwm"]


def some(words, low=1, high=5, prefix=""):
    """A form: several of these words on one line."""
    return lambda rng: prefix + " ".join(rng.sample(words, rng.randint(low, min(high, len(words)))))


def lines(*forms):
    """A form: the lines of other forms, one after the other."""
    return lambda rng: [line for form in forms for line in resolve(form, rng)]


def mixed_calls(rng):
    """Calls and groups with what is to be done where they are hit."""
    actions = ["", ":EPERM", ":EACCES", ":13", ":kill", ":log"]
    names = rng.sample(CALLS + CALL_GROUPS, rng.randint(1, 6))
    return " ".join(name + rng.choice(actions) for name in names)


def all_but(words):
    return lambda rng: " ".join(word for word in words if rng.random() < 0.9)


def as_lower(form):
    return lambda rng: form(rng).lower()


def booleans_and(*more):
    return BOOLEANS + list(more)


def capability_sets():
    some_, without = some(CAPABILITIES), some(CAPABILITIES, 1, 12, "~")
    return ["", "~", some_, without, as_lower(some_), lines(some_, some_), lines(without, without),
            lines(some_, without), lines(without, some_), lines(some_, ""), lines("", some_), lines(some_, "~"),
            some(CAPABILITIES, 20, 40), "CAP_NOSUCH CAP_KILL", "~CAP_NOSUCH", "~ CAP_KILL", "3 7 21",
            "CAP_SETUID CAP_SETGID", "CAP_SYS_ADMIN", "CAP_NET_BIND_SERVICE", all_but(CAPABILITIES)]


def call_filters():
    allow, deny = some(CALL_GROUPS, 1, 4), some(CALL_GROUPS, 1, 4, "~")
    calls, not_calls = some(CALLS, 1, 8), some(CALLS, 1, 8, "~")
    tilde_mixed = lambda rng: "~" + mixed_calls(rng)
    return ["", "~", "@system-service", "~@system-service", ["@system-service", "~@privileged @resources"],
            allow, deny, calls, not_calls, mixed_calls, tilde_mixed, lines(allow, deny), lines(deny, allow),
            lines(calls, ""), lines(deny, "", allow), lines(allow, allow, not_calls), lines("@system-service", deny),
            "@known", "~@known", all_but(CALL_GROUPS), "read:EPERM", "~read:EPERM write:kill", "@mount:EPERM @default",
            "@nosuchgroup", "nosuchcall", "~nosuchcall", ["~@mount", "mount"], ["@default", "~@default"],
            lambda rng: "~" + " ".join(CALL_GROUPS)]


def address_lists():
    return ["", some(ADDRESSES, 1, 1), some(ADDRESSES), lines(some(ADDRESSES), some(ADDRESSES)), "any", "localhost",
            "0.0.0.0/0", "::/0", "0.0.0.0/0 ::/0", "127.0.0.0/8 ::1/128", lines(some(ADDRESSES), ""),
            lines(some(ADDRESSES), "", "localhost"), "localhost 10.0.0.0/8", "127.0.0.1", "::1"]


SETTINGS = {
    "AmbientCapabilities": capability_sets(),
    "CapabilityBoundingSet": capability_sets(),
    "Delegate": booleans_and("", "cpu", "memory pids", "nosuch", ["yes", ""], ["cpu", "io"]),
    "DeviceAllow": ["", some(DEVICES, 1, 1), lines(some(DEVICES, 1, 1), some(DEVICES, 1, 1)),
                    lines(some(DEVICES, 1, 1), "")],
    "DevicePolicy": ["auto", "closed", "strict", "nosuch", ["strict", "auto"], "Closed"],
    # Any other word keeps the unit from being loaded.
    "DynamicUser": [form for form in BOOLEANS if form != "maybe" and "" not in form],
    "IPAddressAllow": address_lists(),
    "IPAddressDeny": address_lists() + ["any", "any"],
    "IPEgressFilterPath": ["/sys/fs/bpf/out", ["/sys/fs/bpf/a", "/sys/fs/bpf/b"], ["/sys/fs/bpf/a", ""]],
    "IPIngressFilterPath": ["/sys/fs/bpf/in", ["/sys/fs/bpf/a", "/sys/fs/bpf/b"], ["/sys/fs/bpf/a", ""], "relative"],
    "KeyringMode": ["inherit", "private", "shared", "nosuch", ["private", "shared"], ""],
    "LockPersonality": BOOLEANS,
    "MemoryDenyWriteExecute": BOOLEANS,
    "NoNewPrivileges": BOOLEANS,
    "NotifyAccess": ["none", "main", "exec", "all", "nosuch", ["all", "none"]],
    "PrivateDevices": BOOLEANS,
    "PrivateMounts": BOOLEANS,
    "PrivateNetwork": BOOLEANS,
    "PrivateTmp": booleans_and("disconnected", "connected"),
    "PrivateUsers": booleans_and("self", "identity", "full", "managed", "off"),
    "ProcSubset": ["all", "pid", "nosuch", ["pid", "all"]],
    "ProtectClock": BOOLEANS,
    "ProtectControlGroups": booleans_and("private", "strict"),
    "ProtectHome": booleans_and("read-only", "tmpfs", "nosuch"),
    "ProtectHostname": booleans_and("private", "private:name", "yes:name"),
    "ProtectKernelLogs": BOOLEANS,
    "ProtectKernelModules": BOOLEANS,
    "ProtectKernelTunables": BOOLEANS,
    "ProtectProc": ["noaccess", "invisible", "ptraceable", "default", "nosuch"],
    "ProtectSystem": booleans_and("full", "strict", "nosuch"),
    "RemoveIPC": BOOLEANS,
    "RestrictAddressFamilies": ["", "none", "~", "AF_UNIX", "AF_INET AF_INET6", "~AF_PACKET", some(FAMILIES),
                                some(FAMILIES, 1, 5, "~"), lines(some(FAMILIES), some(FAMILIES, 1, 3, "~")),
                                lines(some(FAMILIES, 1, 5, "~"), some(FAMILIES)), lines(some(FAMILIES), ""),
                                lines("none", "AF_UNIX"), lines("AF_UNIX", "none"), "~AF_INET AF_INET6", "AF_INET6"],
    "RestrictNamespaces": booleans_and("", "~", some(NAMESPACES), some(NAMESPACES, 1, 5, "~"),
                                       lines(some(NAMESPACES), some(NAMESPACES)), lines("yes", ""),
                                       lines(some(NAMESPACES), some(NAMESPACES, 1, 3, "~")),
                                       lines(some(NAMESPACES, 1, 3, "~"), some(NAMESPACES)), "cgroup cgroup",
                                       lines("no", some(NAMESPACES))),
    "RestrictRealtime": BOOLEANS,
    "RestrictSUIDSGID": BOOLEANS,
    "RootDirectory": ["/", "/srv/root", "", "/srv/%n", ["/srv/root", ""], "//", "/./", "/srv//root/"],
    "RootImage": ["/srv/root.raw", "", "/", ["/srv/root.raw", ""]],
    "SupplementaryGroups": ["", some(GROUPS), lines(some(GROUPS), some(GROUPS)), lines(some(GROUPS), ""), "root"],
    "SystemCallArchitectures": ["", "native", "x86-64", "native x86", "x86 x32", "arm64", ["native", "x86"],
                                ["x86", "", "native"], "native native", "nosuch"],
    "SystemCallErrorNumber": ["EPERM", "kill"],
    "SystemCallFilter": call_filters(),
    "Type": ["simple", "exec", "notify", "forking", "idle", "oneshot", "notify-reload"],
    "UMask": ["0077", "077", "77", "0022", "0027", "0", "0777", "0002", "0004", "0020", "0040", "0007", "0070", "07777",
              "0026", "9", ""],
    "User": ["root", "0", "nobody", "daemon", "65534", "4711", "nosuchuser", "", ["daemon", ""], "%j"],
}

# Settings of the section [Unit].
UNIT_SETTINGS = {"DefaultDependencies": BOOLEANS}

# The best that a service can be, so that the low scores are met too; what a random choice never reaches.
HARDENED = """[Service]
User=daemon
CapabilityBoundingSet=
AmbientCapabilities=
DevicePolicy=closed
IPAddressDeny=any
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
NoNewPrivileges=yes
NotifyAccess=none
PrivateDevices=yes
PrivateMounts=yes
PrivateNetwork=yes
PrivateTmp=yes
PrivateUsers=yes
ProcSubset=pid
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=none
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RootDirectory=/srv/root
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
"""

# Read in this order by the manager; the first that has a file of a name wins.
SYSTEM_FOLDERS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                  "/usr/lib/systemd/system")
USER_FOLDERS = ("/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user")

# How likely a setting is in a unit: one alone tells more about it than a crowd, which reaches the low scores.
DENSITIES = (0.02, 0.1, 0.3, 0.6, 0.95)
SPARSE = (0.01, 0.02, 0.05)

INSTANCES = ["one", "two", "a-b", "a:b", "x.y", "_", r"\x2dslash", "0"]
LOADER = "exposured-generated.target"


def resolve(form, rng):
    """The lines of a form."""
    value = form(rng) if callable(form) else form
    return value if isinstance(value, list) else [value]


def spell(key, value, rng):
    """One assignment, in one of the ways in which it can be written."""
    words = value.split(" ")
    if len(words) > 1 and rng.random() < 0.2:
        value = " \\\n   ".join(words) if rng.random() < 0.7 else " \\\n# in the middle\n  ".join(words)
    style = rng.randrange(10)
    if style == 0:
        return f"{key} = {value}"
    if style == 1:
        return f"{key}=\t{value}  "
    if style == 2:
        return f"  {key}={value}"
    if style == 3:
        return f"# {key}=no\n; {key}=yes\n{key}={value}"
    return f"{key}={value}"


class Generator:
    """`files` is path to text, `links` path to target, `loaded` the units that the target keeps loaded, `unloaded`
    names that nothing loads but a question, `absent` those that cannot be loaded."""

    def __init__(self, seed, count=300, folders=SYSTEM_FOLDERS, prefix="gen", densities=DENSITIES):
        self.seed, self.rng = seed, random.Random(seed)
        self.folders, self.prefix, self.densities = folders, prefix, densities
        self.files, self.links = {}, {}
        self.loaded, self.unloaded, self.absent = [], [], []
        self.used = {}
        self.cycles = {key: self._cycle(key, forms) for key, forms in (SETTINGS | UNIT_SETTINGS).items()}
        self._plain(count)
        self._templates(count // 20)
        self._hardened(count // 20)
        self._aliases(count // 20)
        self._shared_drop_ins()
        self._unloadable()
        self._unloaded()
        self._loader()

    def _cycle(self, key, forms):
        """Every form once, in a random order, before any comes again."""
        while True:
            for index in self.rng.sample(range(len(forms)), len(forms)):
                self.used.setdefault(key, set()).add(index)
                yield forms[index]

    def _assignments(self, keys):
        return [spell(key, value, self.rng)
                for key in keys for value in resolve(next(self.cycles[key]), self.rng)]

    def section(self, density):
        """The text of some settings, each taken with this probability."""
        keys = [key for key in SETTINGS if self.rng.random() < density]
        self.rng.shuffle(keys)
        parts = [f"[Service]\n" + "".join(line + "\n" for line in self._assignments(keys))]
        if self.rng.random() < density / 2:
            parts.append("[Unit]\n" + "".join(line + "\n" for line in self._assignments(UNIT_SETTINGS)))
        self.rng.shuffle(parts)
        return "\n".join(parts)

    def unit(self, density):
        text = f"[Unit]\nDescription=Generated\n\n[Service]\nExecStart=/bin/true\n\n{self.section(density)}"
        return text if self.rng.random() < 0.9 else text + "\n[Install]\nWantedBy=multi-user.target\n"

    def folder(self):
        return self.rng.choice(self.folders)

    def drop_in(self, unit, density=0.1):
        name = f"{self.rng.randrange(100):02}-{self.rng.choice(['a', 'local', 'x y', 'override'])}.conf"
        self.files[f"{self.folder()}/{unit}.d/{name}"] = self.section(density)

    def _plain(self, count):
        stems = [self.prefix, f"{self.prefix}-a", f"{self.prefix}-a-b", f"{self.prefix}-odd:_.\\x20name"]
        for i in range(count):
            name = f"{self.rng.choice(stems)}-{i}.service"
            density = self.rng.choice(self.densities)
            self.files[f"{self.folder()}/{name}"] = self.unit(density)
            for _ in range(self.rng.choice([0, 0, 0, 1, 1, 2])):
                self.drop_in(name)
            if self.rng.random() < 0.03:
                self.files[f"{self.folder()}/{name}"] = self.unit(density)
            self.loaded.append(name)

    def _templates(self, count):
        for i in range(count):
            template = f"{self.prefix}-t{i}@.service"
            self.files[f"{self.folder()}/{template}"] = self.unit(self.rng.choice(self.densities))
            instances = [template.replace("@.", f"@{name}.") for name in self.rng.sample(INSTANCES, 3)]
            if self.rng.random() < 0.5:
                self.drop_in(template)
            if self.rng.random() < 0.5:
                self.drop_in(instances[0])
            if self.rng.random() < 0.3:
                self.files[f"{self.folder()}/{instances[1]}"] = self.unit(0.3)
            self.loaded += instances
            if i < 3:
                self.unloaded += [template, template.replace("@.", "@never.")]

    def _hardened(self, count):
        """Perfect but for the clock, whose protection adds a device; and near to it."""
        for i in range(count):
            name = f"{self.prefix}-hardened-{i}.service"
            clock = f"ProtectClock={self.rng.choice(['yes', 'no'])}\n"
            self.files[f"{self.folder()}/{name}"] = "[Service]\nExecStart=/bin/true\n" + HARDENED + clock
            if i % 2:
                self.drop_in(name, 0.03)
            self.loaded.append(name)

    def _aliases(self, count):
        for i, target in enumerate(self.rng.sample([name for name in self.loaded if "@" not in name], count)):
            folder = self.folders[0]
            name = f"{self.prefix}-alias-{i}.service"
            self.links[f"{folder}/{name}"] = target
            if i % 2:
                self.drop_in(name)
            self.loaded.append(name)
        outside = f"/srv/units/{self.prefix}-linked.service"
        self.files[outside] = self.unit(0.3)
        self.links[f"{self.folders[0]}/{os.path.basename(outside)}"] = outside
        self.loaded.append(os.path.basename(outside))

    def _shared_drop_ins(self):
        """For a prefix, and for all services of the machine: the latter must not keep any from running."""
        for unit in (f"{self.prefix}-.service", f"{self.prefix}-a-.service", f"{self.prefix}-a-b-.service",
                     f"{self.prefix}-t1@.service"):
            self.drop_in(unit, 0.03)
        allow = self.rng.choice(["10.0.0.0/8", "localhost", "any"])
        self.files[f"{self.folder()}/service.d/50-generated.conf"] = f"[Service]\nIPAddressAllow={allow}\n"

    def _unloadable(self):
        """Asked for by name these are errors; in the list they must not be."""
        masked, bad, missing = (f"{self.prefix}-{what}.service" for what in ("masked", "bad", "missing"))
        self.links[f"{self.folders[0]}/{masked}"] = "/dev/null"
        self.files[f"{self.folders[0]}/{bad}"] = "[Service]\nType=simple\n"
        self.absent = [masked, bad, missing]

    def _unloaded(self):
        for i in range(6):
            name = f"{self.prefix}-unloaded-{i}.service"
            self.files[f"{self.folder()}/{name}"] = self.unit(self.rng.choice(self.densities))
            self.unloaded.append(name)

    def _loader(self):
        """A dependency of order loads a unit and starts nothing."""
        after = "".join(f"After={name}\n" for name in self.loaded + self.absent)
        self.files[f"{self.folders[0]}/{LOADER}"] = f"[Unit]\nDescription=Keeps generated units loaded\n{after}"

    def unused(self):
        """Forms that no unit has, as texts; there should be none."""
        return [f"{key}: form {index}" for key, forms in (SETTINGS | UNIT_SETTINGS).items()
                for index in set(range(len(forms))) - self.used.get(key, set())]

    def write(self, machine):
        for path, text in self.files.items():
            machine.write(path, text)
        for path, target in self.links.items():
            machine.link(path, target)


def random_seed():
    """From EXPOSURED_SEED, else a new one."""
    text = os.environ.get("EXPOSURED_SEED")
    return int(text) if text else random.SystemRandom().randrange(1 << 32)


class Folder:
    """Stands in for a machine: writes below a folder of the host."""

    def __init__(self, root):
        self.root = root

    def _make(self, path):
        path = self.root + path
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, path, text):
        with open(self._make(path), "w") as file:
            file.write(text)

    def link(self, path, target):
        os.symlink(target, self._make(path))


def main():
    parser = argparse.ArgumentParser(description="Writes the generated units of a seed below a folder.")
    parser.add_argument("--seed", type=int, default=random_seed())
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("folder")
    arguments = parser.parse_args()
    generator = Generator(arguments.seed, arguments.count)
    generator.write(Folder(arguments.folder))
    print(f"seed {arguments.seed}: {len(generator.files)} files, {len(generator.loaded)} units")
    return 0


if __name__ == "__main__":
    sys.exit(main())
