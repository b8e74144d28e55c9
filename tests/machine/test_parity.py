#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every score and every check equals what systemd-analyze says, at the same moment, in the same machine."""

import json
import random

import case
import exposures
import generate
import tap

UNITS = 300
POLICY = "systemd-analyze-security.policy"
# The first that has the file wins.
POLICY_FOLDERS = ("/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd")


def random_policy(rng, checks):
    """Weights and ranges for some checks of the tool; a range never below the badness, where the tool gives up."""
    policy = {}
    for field in rng.sample(sorted(checks), 25):
        entry = {}
        if rng.random() < 0.7:
            entry["weight"] = rng.choice([0, 0, 1, 37, 500, 2000, 100000])
        if rng.random() < 0.4:
            entry["range"] = checks[field][4] * rng.choice([1, 2, 3, 10])
        if rng.random() < 0.4:
            entry |= {f"description_{what}": f"{what} by policy {rng.random()}" for what in ("good", "bad", "na")}
        policy[field] = entry
    policy["NoSuchCheck"] = {"weight": 5}
    return policy


class Parity(case.MachineCase):
    """Loaded are the generated units and all that the tree ships."""

    @classmethod
    def prepare(cls):
        cls.seed = generate.random_seed()
        tap.note(f"{cls.__name__}: EXPOSURED_SEED={cls.seed}, systemd {cls.machine.systemd_version()}, {cls.broker}")
        cls.rng = random.Random(cls.seed)
        cls.generator = generate.Generator(cls.seed, UNITS)
        cls.generator.write(cls.machine)
        cls.machine.load_shipped()
        cls.machine.systemctl("start", generate.LOADER)
        cls.machine.systemctl("start", "exposured.service")
        exposures.await_equal(cls.machine)

    def loaded_services(self, user=False):
        scope = ("--user",) if user else ()
        text = self.machine.output("systemctl", *scope, "list-units", "--all", "--type=service", "--plain",
                                   "--no-legend", user=user)
        return [line.split()[0] for line in text.splitlines() if line.split()[1] == "loaded"]

    def compare_checks(self, names, least, generated=None, user=False):
        """Where both refuse to assess a unit nothing is compared: so many generated ones must be assessed by both."""
        peer = exposures.peer_checks(self.machine, names, user)
        ours = exposures.our_checks(self.machine, names, user)
        self.assertEqual(set(peer), set(names))
        checks = sum(len(found) for found in peer.values() if found)
        self.assertNoDifferences(exposures.differences(peer, ours), f"{checks} checks of {len(peer)} units")
        generated = generated or names
        assessed = [name for name in generated if peer[name] and ours[name]]
        self.assertGreaterEqual(len(assessed), least)
        return f"{checks} checks of {len(names)} units, {len(assessed)} of {len(generated)} generated ones assessed"

    def test_list(self):
        peer = exposures.peer_list(self.machine)
        self.assertGreaterEqual(len([name for name in peer if name.startswith("gen")]), 0.8 * UNITS)
        self.assertNoDifferences(exposures.differences(peer, exposures.our_list(self.machine)), f"{len(peer)} units")

    def test_list_with_emoji_and_without(self):
        for variables in ({"TERM": "xterm"}, {"TERM": "xterm", "LC_ALL": "C"}, {"TERM": "dumb"}):
            peer, ours = (exposures.parse_list(self.machine.output(*command, env=variables))
                          for command in (exposures.PEER, exposures.OURS_LIST))
            self.assertEqual(peer["systemd-journald.service"], ours["systemd-journald.service"])

    def test_list_with_oneshots(self):
        names = self.loaded_services()
        peer = exposures.peer_list_of(self.machine, names)
        ours = exposures.our_list(self.machine, False, "--all")
        self.assertGreater(len(peer), len(exposures.peer_list(self.machine)))
        self.assertNoDifferences(exposures.differences(peer, ours), f"{len(peer)} units")

    def test_checks_of_every_unit(self):
        names = sorted(set(self.loaded_services()) | set(self.generator.loaded))
        tap.note(f"{type(self).__name__}: {self.compare_checks(names, UNITS, self.generator.loaded)}")

    def test_units_that_are_not_loaded(self):
        tap.note(f"{type(self).__name__}: {self.compare_checks(self.generator.unloaded, 10)}")

    def test_units_that_cannot_be_loaded(self):
        ours = exposures.our_checks(self.machine, self.generator.absent)
        self.assertEqual(ours, {name: None for name in self.generator.absent})

    def test_policy(self):
        checks = exposures.peer_checks(self.machine, ["dbus.service"])["dbus.service"]
        for folder in reversed(POLICY_FOLDERS):
            self.addCleanup(self.machine.remove, f"{folder}/{POLICY}")
        steps = [(folder, random_policy(self.rng, checks)) for folder in reversed(POLICY_FOLDERS)]
        steps += [("/etc/systemd", random_policy(self.rng, checks)), ("/etc/systemd", {})]
        seen = [exposures.peer_list(self.machine)]
        for folder, policy in steps:
            self.machine.write(f"{folder}/{POLICY}", json.dumps(policy))
            self.compare_with_policy(policy, seen)
        for folder in POLICY_FOLDERS:
            self.machine.remove(f"{folder}/{POLICY}")
            exposures.await_equal(self.machine)
        self.assertEqual(exposures.our_list(self.machine), seen[0])

    def compare_with_policy(self, policy, seen):
        seen.append(exposures.await_equal(self.machine))
        self.assertNotEqual(seen[-1], seen[-2])
        names = self.rng.sample(self.generator.loaded, 40)
        self.compare_checks(names, 30)
        self.compare_descriptions(names[0], policy)

    def compare_descriptions(self, name, policy):
        """The texts are ours, but where the policy has one. (The tool keeps some of its own in spite of it.)"""
        entries = json.loads(self.machine.output(*exposures.OURS_SHOW, name))["findings"]
        key = {True: "description_good", False: "description_bad", None: "description_na"}
        told = {entry["json_field"]: entry["description"] for entry in entries}
        wanted = {entry["json_field"]: policy[entry["json_field"]][key[entry["set"]]] for entry in entries
                  if "description_bad" in policy.get(entry["json_field"], {})}
        self.assertEqual({field: told[field] for field in wanted}, wanted)

    def test_user_manager(self):
        machine = self.machine
        generator = generate.Generator(self.seed, UNITS, generate.USER_FOLDERS, "usergen")
        generator.write(machine)
        machine.start_user_manager()
        machine.load_shipped(user=True)
        machine.systemctl("--user", "start", generate.LOADER, user=True)
        machine.systemctl("--user", "start", "exposured.service", user=True)
        exposures.await_equal(machine, user=True)
        names = sorted(set(self.loaded_services(user=True)) | set(generator.loaded))
        compared = self.compare_checks(names, UNITS, generator.loaded, user=True)
        machine.systemctl("--user", "stop", "exposured.service", user=True)
        tap.note(f"{type(self).__name__}: {compared}, of a user manager")


globals().update(case.for_each_tree(Parity))
del Parity

if __name__ == "__main__":
    raise SystemExit(tap.main())
