# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random changes to a running machine: files, and what people and programs do with systemctl."""

import os
import re

import generate

SYSTEM = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system")
ETC, RUN, LIB = SYSTEM

# What a drop-in for all services is for.
ALL = "service"

# For all services: nothing that could keep the bus from starting again.
HARMLESS = ("LockPersonality=yes", "RestrictRealtime=yes", "KeyringMode=private", "IPAddressAllow=localhost",
            "UMask=0027", "NotifyAccess=all")

# What set-property takes, and the score follows.
PROPERTIES = ("DevicePolicy=closed", "DevicePolicy=auto", "DevicePolicy=strict", "IPAddressDeny=any", "IPAddressDeny=",
              "IPAddressAllow=localhost", "IPAddressAllow=10.0.0.0/8", "IPAddressAllow=", "DeviceAllow=/dev/null rw",
              "DeviceAllow=")

TRANSIENT = ("PrivateNetwork=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077", "DynamicUser=yes",
             "SystemCallFilter=@system-service", "CapabilityBoundingSet=CAP_KILL", "PrivateTmp=yes")


class Changes:
    """`one()` makes a change of a random kind and returns what it did, in words; `touched()` tells what that concerns.
    For a user's manager, its folders are given: of the user, for now, and of all users."""

    def __init__(self, machine, generator, folders=SYSTEM, user=False):
        self.machine, self.generator, self.rng = machine, generator, generator.rng
        self.etc, self.run, self.lib = folders
        self.user, self.scope = user, ("--user",) if user else ()
        self.serial = 0
        self.drop_ins, self.added, self.running, self.masked, self.aliases = [], [], [], [], []
        self.written, self.targets = [], []
        self.kinds = [getattr(self, name) for name in sorted(dir(self)) if name.startswith("change_")]
        self.queue = []

    def one(self):
        """Every kind comes once, in a random order, before any comes again."""
        if not self.queue:
            self.queue = self.rng.sample(self.kinds, len(self.kinds))
        change = self.queue.pop()
        self.targets = []
        return f"{change.__name__.removeprefix('change_')}: {change() or ''}"

    def touched(self, names):
        """Those of these units that the last change may have changed."""
        return [name for name in names if any(concerns(target, name) for target in self.targets)]

    # What changes are made of

    def touch(self, target):
        """Of a unit, or of what has drop-ins for several."""
        self.targets.append(target)
        return target

    def plain_unit(self):
        return self.touch(self.rng.choice([
            name for name in self.generator.loaded if re.fullmatch(r"[a-z-]+\d+\.service", name)
            and "alias" not in name and name not in self.masked]))

    def new_name(self, stem):
        self.serial += 1
        return f"{self.generator.prefix}-{stem}-{self.serial}"

    def systemctl(self, *arguments, check=True):
        return self.machine.systemctl(*self.scope, "--quiet", *arguments, check=check, user=self.user)

    def reload(self):
        self.systemctl("daemon-reload")

    def write_drop_in(self, unit, text=None):
        folder = self.rng.choice((self.etc, self.run, self.lib))
        path = f"{folder}/{unit}.d/{self.rng.randrange(100):02}-change.conf"
        self.machine.write(path, text or self.generator.section(0.08))
        self.touch(unit)
        self.drop_ins.append(path)
        self.written.append(path)
        return path

    def sleeper(self, density=0.05):
        # A type that waits for a sign would wait for ever.
        return f"{self.generator.section(density)}\n[Service]\nType=exec\nExecStart=/bin/sleep infinity\n"

    # Files

    def change_fragment(self):
        unit = self.plain_unit()
        for path in list(self.generator.files):
            if path.endswith(f"/{unit}"):
                self.machine.write(path, self.generator.unit(self.rng.choice([0.05, 0.5])))
        self.reload()
        return unit

    def change_drop_in(self):
        path = self.write_drop_in(self.plain_unit())
        self.reload()
        return path

    def change_drop_in_for_prefix(self):
        path = self.write_drop_in(self.rng.choice(["gen-.service", "gen-a-.service", "gen-a-b-.service"]))
        self.reload()
        return path

    def change_drop_in_for_template(self):
        path = self.write_drop_in(f"gen-t{self.rng.randrange(5)}@.service")
        self.reload()
        return path

    def change_drop_in_for_all(self):
        path = self.write_drop_in(ALL, f"[Service]\n{self.rng.choice(HARMLESS)}\n")
        self.reload()
        return path

    def change_drop_in_removed(self):
        if not self.drop_ins:
            return "none left"
        path = self.drop_ins.pop(self.rng.randrange(len(self.drop_ins)))
        self.touch(drop_in_target(path))
        self.machine.remove(path)
        self.reload()
        return path

    def change_drop_in_emptied(self):
        if not self.drop_ins:
            return "none left"
        path = self.rng.choice(self.drop_ins)
        self.touch(drop_in_target(path))
        self.machine.write(path, "")
        self.reload()
        return path

    def change_many_with_one_reload(self):
        paths = [self.write_drop_in(self.plain_unit()) for _ in range(8)]
        self.reload()
        return f"{len(paths)} drop-ins"

    def change_file_without_reload(self):
        return self.write_drop_in(self.plain_unit())

    def change_reload(self):
        self.reload()
        self.touch(ALL)

    def change_reloads_at_once(self):
        path = self.write_drop_in(self.plain_unit())
        reload = " ".join(("systemctl", *self.scope, "daemon-reload"))
        self.machine.run("sh", "-c", f"{reload} & {reload} & wait; {reload}", user=self.user)
        return path

    def change_reexec(self):
        self.write_drop_in(self.plain_unit())
        self.systemctl("daemon-reexec")

    # Units that come and go

    def change_new_unit_started(self):
        name = self.touch(self.new_name("new") + ".service")
        self.machine.write(f"{self.rng.choice((self.etc, self.run))}/{name}", self.sleeper())
        self.running.append(name)
        return f"{name} {self.systemctl('start', name, check=False).returncode}"

    def change_instance_started(self):
        template = f"gen-inst{self.serial % 3}@.service"
        self.machine.write(f"{self.etc}/{template}", self.sleeper())
        name = self.touch(self.new_name(template.removeprefix("gen-").replace("@.service", "@")) + ".service")
        self.running.append(name)
        return f"{name} {self.systemctl('start', name, check=False).returncode}"

    def change_stopped(self):
        if not self.running:
            return "none left"
        name = self.running.pop(self.rng.randrange(len(self.running)))
        self.systemctl("stop", name, check=False)
        self.systemctl("reset-failed", name, check=False)
        return name

    def change_file_of_running_unit_removed(self):
        if not self.running:
            return "none left"
        name = self.touch(self.rng.choice(self.running))
        for folder in (self.etc, self.run):
            self.machine.remove(f"{folder}/{name}")
        self.reload()
        return name

    def change_transient(self):
        name = self.touch(self.new_name("transient") + ".service")
        settings = [f"--property={text}" for text in self.rng.sample(TRANSIENT, 3)]
        self.running.append(name)
        # It would wait for a signal that the end of its job is told by, which a bus that is busy may lose.
        done = self.machine.run("systemd-run", *self.scope, "--quiet", "--no-block", f"--unit={name}", *settings,
                                "sleep", "infinity", check=False, user=self.user)
        return f"{name} {done.returncode}"

    def change_transient_that_ends(self):
        name = self.new_name("short")
        self.machine.run("systemd-run", *self.scope, "--quiet", "--no-block", f"--unit={name}", "true", check=False,
                         user=self.user)
        return name

    def change_asked_for_unloaded(self):
        name = self.rng.choice(self.generator.unloaded)
        self.systemctl("show", name.replace("@.", "@asked."))
        return name

    def change_alias(self):
        name, target = self.touch(self.new_name("alias") + ".service"), self.plain_unit()
        self.machine.link(f"{self.etc}/{name}", target)
        self.aliases.append(f"{self.etc}/{name}")
        self.reload()
        return f"{name} -> {target}"

    def change_alias_removed(self):
        if not self.aliases:
            return "none left"
        path = self.aliases.pop()
        self.machine.remove(path)
        self.reload()
        return path

    # systemctl

    def change_set_property(self):
        unit, setting = self.plain_unit(), self.rng.choice(PROPERTIES)
        self.systemctl("set-property", unit, setting)
        return f"{unit} {setting}"

    def change_set_property_for_now(self):
        unit, setting = self.plain_unit(), self.rng.choice(PROPERTIES)
        self.systemctl("set-property", "--runtime", unit, setting)
        return f"{unit} {setting}"

    def change_set_property_of_running(self):
        if not self.running:
            return "none left"
        unit, setting = self.touch(self.rng.choice(self.running)), self.rng.choice(PROPERTIES)
        self.systemctl("set-property", *self.rng.choice([(), ("--runtime",)]), unit, setting, check=False)
        return f"{unit} {setting}"

    def change_reverted(self):
        unit = self.plain_unit()
        self.systemctl("revert", unit, check=False)
        return unit

    def change_masked(self):
        unit = self.plain_unit()
        self.masked.append(unit)
        self.systemctl("mask", *self.rng.choice([(), ("--runtime",)]), unit, check=False)
        return unit

    def change_unmasked(self):
        if not self.masked:
            return "none left"
        unit = self.touch(self.masked.pop())
        self.systemctl("unmask", unit, check=False)
        self.systemctl("unmask", "--runtime", unit, check=False)
        return unit

    def change_enabled(self):
        name = self.new_name("enabled") + ".service"
        self.machine.write(f"{self.etc}/{name}", self.sleeper() + "\n[Install]\nWantedBy=exposured-generated.target\n")
        self.systemctl("enable", name, check=False)
        self.added.append(name)
        return name

    def change_disabled(self):
        if not self.added:
            return "none left"
        name = self.added.pop()
        self.systemctl("disable", name, check=False)
        return name

    def change_linked(self):
        name = self.touch(self.new_name("linked") + ".service")
        self.machine.write(f"/srv/units/{name}", self.sleeper())
        self.systemctl("link", f"/srv/units/{name}", check=False)
        self.running.append(name)
        return f"{name} {self.systemctl('start', name, check=False).returncode}"

    # Policy, and the processes in between

    def change_policy(self):
        field = self.rng.choice(["PrivateNetwork", "UserOrDynamicUser", "IPAddressDeny", "AmbientCapabilities"])
        weight = self.rng.choice([0, 50, 5000])
        self.touch(ALL)
        self.machine.write("/etc/systemd/systemd-analyze-security.policy", f'{{"{field}": {{"weight": {weight}}}}}')
        return f"{field} {weight}"

    def change_policy_removed(self):
        self.machine.remove("/etc/systemd/systemd-analyze-security.policy")
        self.touch(ALL)

    def change_bus_restarted(self):
        self.systemctl("reset-failed", "dbus.service", check=False)
        self.systemctl("restart", "dbus.service")
        self.touch(ALL)

    def change_daemon_restarted(self):
        self.systemctl("reset-failed", "exposured.service", check=False)
        self.systemctl("restart", "exposured.service")
        self.touch(ALL)

    def change_daemon_killed(self):
        self.systemctl("reset-failed", "exposured.service", check=False)
        self.systemctl("kill", "--signal=KILL", "exposured.service", check=False)
        self.touch(ALL)


def drop_in_target(path):
    return os.path.basename(os.path.dirname(path)).removesuffix(".d")


def concerns(target, name):
    """Whether a drop-in for this (a unit, a prefix, a template, all) counts for the unit of this name."""
    stem = target.removesuffix(".service")
    return target == ALL or name == target or (stem.endswith(("-", "@")) and name.startswith(stem))


def write_base(machine, generator):
    """The generated units, loaded."""
    generator.write(machine)
    machine.systemctl("daemon-reload")
    machine.systemctl("start", generate.LOADER)
