#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposure-notify beside notification servers that are not what they should be."""

from notifycase import AGENT_NAME, NotifyCase, main
from service import regression


class Servers(NotifyCase):
    """Notification servers that are not what they should be."""

    def setUp(self):
        super().setUp()
        self.daemon = self.exposured()
        self.daemon.rows = [regression("a.service", path="/etc/<a>")]

    def test_nothing_but_a_title(self):
        desktop = self.server(capabilities=[])
        self.agent()
        self.until(lambda: desktop.texts)
        self.assertEqual(desktop.texts[0].title,
                         "a became weaker: 2.8 → 5.1 MEDIUM since /etc/<a> was created")
        self.assertEqual((desktop.texts[0].body, desktop.texts[0].actions), ("", {}))

    def test_no_markup(self):
        desktop = self.server(capabilities=["body"])
        self.agent()
        self.until(lambda: desktop.texts)
        self.assertEqual(desktop.texts[0].body, "System service, exposure 2.8 → 5.1 MEDIUM\n"
                                                "Weaker: PrivateNetwork\nsince /etc/<a> was created")

    def test_comes_late(self):
        self.agent()
        self.until(lambda: "ListRegressions" in self.daemon.members())
        self.settle(1)
        desktop = self.server()
        self.until(lambda: desktop.shown)
        self.settle(1)
        self.assertEqual(len(desktop.texts), 1)

    def test_restarts(self):
        desktop = self.server()
        self.agent()
        self.until(lambda: desktop.shown)
        self.leave(desktop)
        desktop = self.server()
        self.until(lambda: "GetCapabilities" in desktop.members())
        self.settle()
        self.assertEqual(desktop.texts, [])
        self.daemon.add(regression("b.service", path="/etc/b"))
        self.until(lambda: desktop.shown)
        self.assertEqual(desktop.texts[0].title, "b became weaker")
        self.assertEqual(desktop.texts[0].replaces, 0)
        # What grows has no notification any more that it could grow in.
        self.daemon.rows = self.daemon.rows[1:]
        self.daemon.add(regression("a.service", id="grown", path="/etc/<a>"))
        self.until(lambda: len(desktop.texts) == 2)
        self.assertEqual((desktop.texts[1].title, desktop.texts[1].replaces), ("a became weaker", 0))

    def test_dies_while_showing(self):
        desktop = self.server()
        self.agent()
        self.until(lambda: "GetCapabilities" in desktop.members())
        desktop.silent = True
        self.until(lambda: desktop.texts)
        self.leave(desktop)
        desktop = self.server()
        self.until(lambda: desktop.shown)
        self.settle(1)
        self.assertEqual(len(desktop.texts), 1)

    def listed_meanwhile(self):
        """The agent is told what is open once more."""
        calls = self.daemon.members().count("ListRegressions")
        self.daemon.tell("Improved", regression("other.service"))
        self.until(lambda: self.daemon.members().count("ListRegressions") > calls)
        self.settle(0.5)

    def test_dies_while_showing_and_listing(self):
        desktop = self.server()
        self.agent()
        self.until(lambda: "GetCapabilities" in desktop.members())
        desktop.silent = True
        self.until(lambda: desktop.texts)
        self.listed_meanwhile()
        self.leave(desktop)
        desktop = self.server()
        self.until(lambda: desktop.shown)
        self.settle(1)
        self.assertEqual(len(desktop.texts), 1)

    def test_never_answers(self):
        desktop = self.server()
        desktop.silent = True
        self.agent()
        self.until(lambda: desktop.texts, patience=60)
        self.assertTrue(desktop.texts[0].body)
        # It is not shown a second time, even where it turns out that the server lives.
        self.until(lambda: self.cpu_is_idle(12), patience=60)
        desktop.silent = False
        self.settle()
        self.assertEqual(len(desktop.texts), 1)
        self.daemon.add(regression("b.service", path="/etc/b"))
        self.until(lambda: desktop.shown)

    def cpu_is_idle(self, seconds):
        self.settle(seconds)
        return True

    def test_answers_rubbish(self):
        for signature, *arguments in (("s", "rubbish"), ("",), ("u", 0), ("as", ["x"])):
            desktop = self.server()
            desktop.rubbish = (signature, *arguments)
            self.daemon.rows = [regression("a.service")]
            agent = self.agent(XDG_SESSION_ID=signature or "none")
            self.until(lambda desktop=desktop: desktop.texts)
            self.daemon.mend(self.daemon.rows[0])
            self.settle(1)
            self.assertEqual(len(desktop.texts), 1)
            agent.stop()
            self.until(lambda: not self.peer.owner(AGENT_NAME))
            self.leave(desktop)

    def test_capabilities_are_rubbish(self):
        desktop = self.server()
        desktop.handle = lambda message: desktop.reply(message, "u", 7)
        agent = self.agent()
        self.until(lambda: "Notify" in desktop.members())
        self.assertIsNone(agent.process.poll())

    def test_refuses(self):
        desktop = self.server()
        error = "org.freedesktop.Notifications.MaxNotificationsExceeded"
        desktop.notify = lambda message: desktop.refuse(message, error, "too many")
        agent = self.agent()
        self.until(lambda: desktop.texts)
        self.settle(3)
        self.assertEqual(len(desktop.texts), 1)
        del desktop.notify
        self.until(lambda: desktop.shown)
        self.assertIsNone(agent.process.poll())

    def test_refuses_after_listing(self):
        desktop = self.server()
        waiting = []
        desktop.notify = waiting.append
        self.agent()
        self.until(lambda: waiting)
        self.listed_meanwhile()
        del desktop.notify
        desktop.refuse(waiting[0], "org.freedesktop.Notifications.MaxNotificationsExceeded", "too many")
        self.until(lambda: desktop.shown)

    def test_closed_while_it_grows(self):
        desktop = self.server()
        self.agent()
        self.until(lambda: desktop.shown)
        (id, _), = desktop.shown.items()
        waiting = []
        desktop.notify = waiting.append
        self.daemon.rows = []
        self.daemon.add(regression("a.service", id="grown", path="/etc/<a>"))
        self.until(lambda: waiting)
        # The person was faster: it comes as a new one, and is closed as such.
        desktop.close_notification(id)
        self.settle(0.5)
        del desktop.notify
        desktop.notify(waiting[0])
        self.daemon.mend(self.daemon.rows[0])
        self.until(lambda: not desktop.shown)


if __name__ == "__main__":
    main()
