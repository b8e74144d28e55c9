#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposure-notify as a process, and the sample that exposurectl asks it for."""

import os
import xml.etree.ElementTree as ElementTree

from notifycase import AGENT, AGENT_NAME, CLIENT, NotifyCase, main
from peer import BusError
from privatebus import Process
from service import regression

XML = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../dbus/org.exposured.Notify1.xml")


def members(interface):
    return [(member.tag, member.get("name"), [(a.get("name"), a.get("type")) for a in member.findall("arg")])
            for member in interface]


class Agent(NotifyCase):
    """The process itself."""

    def test_second_one_ends(self):
        self.agent()
        second = Process([AGENT], env=self.environment())
        self.addCleanup(second.close)
        self.assertEqual((second.wait(), second.err.rest()), (0, []))

    def test_session_ends(self):
        daemon = self.exposured()
        agent = self.agent()
        # With its name it has only begun.
        self.until(lambda: "ListRegressions" in daemon.members())
        self.session.stop()
        self.assertEqual(agent.wait(), 1)
        agent.process.returncode = 0
        self.session.start()

    def test_no_session(self):
        environment = self.environment(DBUS_SESSION_BUS_ADDRESS="unix:path=/nonexistent")
        agent = Process([AGENT], env=environment)
        self.addCleanup(agent.close)
        self.assertEqual(agent.wait(), 1)
        self.assertRegex(agent.err.rest()[0], "^Cannot reach the bus of the session: ")

    def test_wrong_usage(self):
        for arguments in (["--nonsense"], ["argument"]):
            agent = Process([AGENT, *arguments], env=self.environment())
            self.addCleanup(agent.close)
            self.assertEqual(agent.wait(), 2)

    def test_system_bus_restarts(self):
        daemon, desktop = self.exposured(), self.server()
        self.agent()
        self.until(lambda: "ListRegressions" in daemon.members())
        self.leave(daemon)
        self.system.stop()
        self.settle(2)
        self.system.start()
        daemon = self.exposured()
        daemon.rows = [regression("a.service")]
        self.until(lambda: desktop.shown)

    def test_idle(self):
        """It sleeps: no timer is set, and there is not one switch to it within some seconds."""
        daemon, desktop = self.exposured(), self.server()
        daemon.rows = [regression("a.service")]
        agent = self.agent()
        self.until(lambda: desktop.shown)
        self.settle(7)
        before = self.switches(agent)
        self.assertEqual(self.timers(agent), {"(0, 0)"})
        self.settle(3)
        self.assertEqual(self.switches(agent), before)

    @staticmethod
    def timers(agent):
        """What is left until the timers of the process are due; zero: they are not set."""
        values = set()
        folder = f"/proc/{agent.process.pid}/fdinfo"
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                values |= {line.split(":")[1].strip() for line in f if line.startswith("it_value")}
        return values

    def switches(self, agent):
        with open(f"/proc/{agent.process.pid}/status", encoding="utf-8") as f:
            return [line for line in f if "ctxt_switches" in line]

    def test_introspection_is_what_is_shipped(self):
        self.agent()
        text, = self.peer.call(AGENT_NAME, "/org/exposured/Notify1", "org.freedesktop.DBus.Introspectable", "Introspect")
        live, shipped = (node.find(f"interface[@name='{AGENT_NAME}']") for node in
                         (ElementTree.fromstring(text), ElementTree.parse(XML).getroot()))
        self.assertEqual(members(live), members(shipped))
        self.assertEqual(members(live), [("method", "ShowSample", [])])

    def test_wrong_usage_of_the_client(self):
        for arguments, complaint in (([], "What shall be"), (["--test", "-Mmachine"], "A notification can"),
                                     (["--test", "argument"], "Too many")):
            client = Process([CLIENT, "notify", *arguments], env=self.environment())
            self.addCleanup(client.close)
            self.assertEqual(client.wait(), 2, arguments)
            self.assertTrue(client.err.next().startswith(complaint), arguments)

    def test_memory_of_many(self):
        """Beside 500 regressions, each with much to say. The peak depends on the pages of libraries that the kernel has
        at hand."""
        daemon, desktop = self.exposured(), self.server()
        agent = self.agent()
        daemon.rows = [regression(f"unit-{i}.service", path=f"/etc/systemd/system/unit-{i}.service.d/x.conf",
                                  checks=["PrivateTmp"] * 10, lines=["+PrivateTmp=no"] * 10) for i in range(500)]
        for _ in range(5):
            daemon.tell()
            self.settle(1)
        self.until(lambda: desktop.shown)
        with open(f"/proc/{agent.process.pid}/status", encoding="utf-8") as f:
            memory = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        with open(AGENT, "rb") as f:
            sanitized = b"__asan_init" in f.read()
        if not sanitized:
            self.assertLessEqual(memory, 4096)

    def test_sample(self):
        desktop = self.server()
        self.agent()
        client = Process([CLIENT, "notify", "--test"], env=self.environment())
        self.addCleanup(client.close)
        self.until(lambda: client.process.poll() is not None)
        self.assertEqual((client.wait(), client.err.rest()), (0, []))
        shown, = desktop.shown.values()
        self.assertEqual(shown.title, "Sample: example became weaker")
        desktop.click(shown.id, "accept")
        self.until(lambda: len(desktop.texts) == 2)
        self.assertIn("Nothing was accepted", desktop.texts[1].title)

    def test_sample_without_server(self):
        self.agent()
        client = Process([CLIENT, "notify", "--test"], env=self.environment())
        self.addCleanup(client.close)
        self.assertEqual((client.wait(), client.err.rest()),
                         (1, ["Cannot show a notification: This session has no notification server."]))

    def test_sample_starts_the_agent(self):
        self.session.offer(AGENT_NAME, AGENT)
        desktop = self.server()
        with self.assertRaises(BusError):
            self.peer.call(AGENT_NAME, "/org/exposured/Notify1", AGENT_NAME, "ShowSample")
        client = Process([CLIENT, "notify", "--test"], env=self.environment())
        self.addCleanup(client.close)
        self.until(lambda: client.process.poll() is not None)
        self.assertEqual((client.wait(), client.err.rest(), len(desktop.shown)), (0, [], 1))


if __name__ == "__main__":
    main()
