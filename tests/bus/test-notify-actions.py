#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the buttons of notifications do."""

import os

from notifycase import AGENT_NAME, NotifyCase, main
from service import Service, regression


class Manager(Service):
    """A service manager that starts nothing."""

    def __init__(self, address, state):
        self.state, self.units = state, []
        super().__init__(address, "org.freedesktop.systemd1")

    def handle(self, message):
        if message.member == "StartTransientUnit":
            self.units.append(dict(message.body[2]))
            self.reply(message, "o", "/org/freedesktop/systemd1/job/1")
        elif message.member == "Get":
            self.reply(message, "v", ("s", self.state))


class Actions(NotifyCase):
    """What the buttons do."""

    def setUp(self):
        super().setUp()
        self.daemon, self.desktop = self.exposured(), self.server()
        self.folder = f"{self.session.folder}/bin"
        os.mkdir(self.folder)

    def program(self, name, text="#!/bin/sh\nprintf '%s\\n' \"$SYSTEMD_LESS $XDG_ACTIVATION_TOKEN\" \"$@\" >$OUT.new\n"
                                 "mv $OUT.new $OUT\n"):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(f"{self.folder}/{name}", 0o755)

    def shown(self, *rows):
        for row in rows:
            self.daemon.rows.append(row)
        self.daemon.tell()
        self.until(lambda: self.desktop.shown)
        return max(self.desktop.shown)

    def outcome(self):
        self.until(lambda: len(self.desktop.texts) > 1)
        return self.desktop.texts[-1]

    def test_accept(self):
        self.agent()
        id = self.shown(regression("a.service", units=["a.service", "b.service"]))
        self.desktop.click(id, "accept")
        self.assertEqual(self.outcome().title, "Accepted: a and 1 more")
        self.assertEqual(self.daemon.accepted,
                         [(unit, "Accepted from a desktop notification", 0) for unit in ("a.service", "b.service")])
        # So that polkit may ask.
        call = [m for m in self.daemon.calls if m.member == "Accept"][0]
        self.assertTrue(call.flags & 4)
        self.assertTrue(self.outcome().hints["transient"])

    def test_accept_refused(self):
        self.daemon.refusal = ("org.freedesktop.DBus.Error.AccessDenied", "Not <today>")
        self.agent()
        self.desktop.click(self.shown(regression("a.service")), "accept")
        self.outcome()
        self.until(lambda: len(self.desktop.shown) == 1)
        self.settle(1)
        self.assertEqual(len(self.desktop.texts), 2)
        # It is there again, as it was, and can be tried again.
        (id, shown), = self.desktop.shown.items()
        before = self.desktop.texts[0]
        self.assertEqual((shown.title, shown.body), ("Not accepted: a", f"Not &lt;today&gt;\n{before.body}"))
        self.assertEqual((shown.actions, shown.hints, shown.replaces), (before.actions, before.hints, 0))
        self.daemon.refusal = None
        self.desktop.click(id, "accept")
        self.until(lambda: len(self.desktop.texts) == 3)
        self.assertEqual((self.desktop.texts[2].title, len(self.daemon.accepted)), ("Accepted: a", 2))

    def test_refused_and_mended_meanwhile(self):
        row = regression("a.service")
        self.daemon.refusal = ("org.freedesktop.DBus.Error.AccessDenied", "No")
        self.agent()
        id = self.shown(row)
        self.desktop.click(id, "accept")
        self.outcome()
        self.until(lambda: self.desktop.shown)
        self.daemon.mend(row)
        self.until(lambda: not self.desktop.shown)

    def test_refused_where_there_is_no_body(self):
        self.desktop.capabilities = ("actions",)
        self.daemon.refusal = ("org.freedesktop.DBus.Error.AccessDenied", "Not <today>")
        self.agent()
        self.desktop.click(self.shown(regression("a.service")), "accept")
        self.assertEqual(self.outcome().title, "Not accepted: a: Not <today>")

    def test_accept_template(self):
        self.agent()
        self.desktop.click(self.shown(regression("a@.service", units=["a@1.service", "a@2.service"])), "accept")
        self.outcome()
        self.assertEqual([unit for unit, _, _ in self.daemon.accepted], ["a@.service"])

    def test_accept_while_the_daemon_is_away(self):
        self.agent()
        id = self.shown(regression("a.service"))
        self.leave(self.daemon)
        self.desktop.click(id, "accept")
        self.assertEqual((self.outcome().title, self.outcome().body.splitlines()[0]),
                         ("Not accepted: a", "exposured does not answer."))

    def test_details(self):
        for name in ("less", "exposurectl", "xdg-terminal-exec"):
            self.program(name)
        out = f"{self.session.folder}/out"
        self.agent(PATH=f"{self.folder}:/usr/bin:/bin", OUT=out)
        self.desktop.click(self.shown(regression("a.service", units=["a.service", "-b.service"])), "details", "token-1")
        self.until(lambda: os.path.exists(out))
        with open(out, encoding="utf-8") as f:
            self.assertEqual(f.read().splitlines(),
                             ["RSMKPMArrow keys scroll, q closes$ token-1", f"{self.folder}/exposurectl", "regressions", "--", "a.service",
                              "-b.service"])

    def test_details_of_the_user_in_a_known_terminal(self):
        user = self.exposured(user=True)
        for name in ("less", "exposurectl", "my-terminal"):
            self.program(name)
        out = f"{self.session.folder}/out"
        self.agent(PATH=self.folder + ":/bin", OUT=out, TERMINAL="my-terminal")
        user.rows = [regression("a.service")]
        user.tell()
        self.until(lambda: self.desktop.shown)
        self.desktop.click(max(self.desktop.shown), "default")
        self.until(lambda: os.path.exists(out))
        with open(out, encoding="utf-8") as f:
            self.assertEqual(f.read().splitlines()[1:],
                             ["-e", f"{self.folder}/exposurectl", "--user", "regressions", "--", "a.service"])

    def test_details_without_a_terminal(self):
        self.agent(PATH=self.folder)
        self.desktop.click(self.shown(regression("a.service")), "default")
        self.assertEqual(self.outcome().title, "What became weaker")
        self.assertIn("/etc/systemd/system/a.conf was created", self.outcome().body)

    def in_the_way(self, script="#!/bin/sh\nexit 1\n"):
        """A terminal that fails."""
        for name in ("less", "exposurectl", "xdg-terminal-exec"):
            self.program(name, script)
        return f"{self.folder}:/usr/bin:/bin"

    def test_details_in_a_terminal_that_fails(self):
        self.agent(PATH=self.in_the_way())
        self.desktop.click(self.shown(regression("a.service")), "details")
        self.assertEqual(self.outcome().title, "What became weaker")
        self.assertIn("/etc/systemd/system/a.conf was created", self.outcome().body)

    def test_details_that_were_read(self):
        """Some terminals end as exposurectl does, which says in that way that there are regressions."""
        self.agent(PATH=self.in_the_way("#!/bin/sh\nexit 3\n"))
        self.desktop.click(self.shown(regression("a.service")), "details")
        self.settle(3)
        self.assertEqual(len(self.desktop.texts), 1)

    def test_details_by_the_service_manager(self):
        manager = self.serve(Manager(self.session.address, "active"))
        variables = {"DISPLAY": ":7", "WAYLAND_DISPLAY": "wayland-7", "XAUTHORITY": "/run/x",
                     "XDG_CURRENT_DESKTOP": "A:B"}
        self.agent(PATH=self.in_the_way(), **variables)
        self.desktop.click(self.shown(regression("a.service")), "details", "token")
        self.until(lambda: manager.units)
        environment = manager.units[0]["Environment"]
        self.assertLessEqual({f"{name}={value}" for name, value in variables.items()}, set(environment))
        self.assertIn("XDG_ACTIVATION_TOKEN=token", environment)
        # It lives still after some seconds, and is the manager's alone then.
        self.until(lambda: "UnrefUnit" in manager.members())
        self.assertEqual(manager.members().count("Get"), 2)
        self.assertEqual(len(self.desktop.texts), 1)

    def test_details_by_the_service_manager_fail(self):
        manager = self.serve(Manager(self.session.address, "failed"))
        # No window is worth that much.
        self.agent(PATH=self.in_the_way(), DISPLAY=":" + "7" * 5000)
        self.desktop.click(self.shown(regression("a.service")), "details")
        self.assertEqual(self.outcome().title, "What became weaker")
        self.assertIn("UnrefUnit", manager.members())
        self.assertFalse([v for v in manager.units[0]["Environment"] if v.startswith("DISPLAY=")])

    def busy(self):
        """Three in a row: what comes now has to wait. The number of the first."""
        self.agent()
        for i in range(3):
            self.daemon.add(regression(f"u{i}.service", path=f"/etc/u{i}"))
            self.until(lambda i=i: len(self.desktop.shown) > i)
            self.settle(1)
        return min(self.desktop.shown)

    def test_nobody_accepts_what_was_not_shown(self):
        id = self.busy()
        self.daemon.add(regression("unseen.service", path="/etc/u0", after=6.0))
        self.settle(2)
        self.assertEqual(len(self.desktop.texts), 3)
        self.desktop.click(id, "accept")
        self.until(lambda: len(self.desktop.texts) == 4)
        self.settle(0.5)
        shown = self.desktop.shown[max(self.desktop.shown)]
        self.assertEqual((shown.title, shown.replaces), ("Not accepted: u0", 0))
        self.assertTrue(shown.body.startswith("It has changed since it was shown.\n"
                                              "unseen  2.8 → <b>6.0 MEDIUM</b>\nu0  "), shown)
        # A summary cannot be accepted, even if that is asked for.
        self.assertNotIn("accept", shown.actions)
        self.desktop.click(shown.id, "accept")
        self.settle(1)
        self.assertEqual((self.daemon.accepted, len(self.desktop.texts)), ([], 4))

    def test_nobody_accepts_a_worse_one(self):
        """Who clicks before it says so sees it first."""
        id = self.busy()
        listed = self.daemon.members().count("ListRegressions")
        self.daemon.rows[0] = regression("u0.service", id="worse", path="/etc/u0", after=9.6)
        self.desktop.silent = True
        self.daemon.tell(row=self.daemon.rows[0])
        self.until(lambda: self.daemon.members().count("ListRegressions") > listed)
        self.until(lambda: len(self.desktop.texts) == 4)
        # What says so is on its way.
        self.desktop.click(id, "accept")
        self.settle(1)
        self.desktop.silent = False
        self.desktop.notify([m for m in self.desktop.calls if m.member == "Notify"][-1])
        self.until(lambda: len(self.desktop.texts) == 5)
        self.assertEqual(self.daemon.accepted, [])
        self.assertEqual((self.desktop.texts[-1].title, self.desktop.texts[-1].body),
                         ("Not accepted: u0", "It has changed since it was shown."))
        worse = next(shown for shown in self.desktop.shown.values() if "9.6" in shown.body)
        self.desktop.click(worse.id, "accept")
        self.until(lambda: self.daemon.accepted)

    def test_changed_where_there_is_no_body(self):
        self.desktop.capabilities = ("actions",)
        id = self.busy()
        self.daemon.add(regression("unseen.service", path="/etc/u0", after=6.0))
        self.settle(2)
        self.desktop.click(id, "accept")
        self.until(lambda: len(self.desktop.texts) == 4)
        self.assertEqual(self.desktop.texts[-1].title, "2 system services became weaker")

    def test_click_after_a_restart_while_the_daemon_is_away(self):
        agent = self.agent()
        self.shown(regression("a.service"))
        for action, title in (("accept", "Not accepted"), ("default", "Details cannot be opened")):
            self.settle(0.5)
            if self.daemon:
                self.leave(self.daemon)
            agent.stop()
            self.until(lambda: not self.peer.owner(AGENT_NAME))
            agent = self.agent()
            self.settle(1)
            # One that leaves it on the screen.
            self.desktop._emit("ActionInvoked", "us", 1, action)
            self.until(lambda title=title: self.desktop.texts[-1].title == title)
            self.assertEqual(self.desktop.texts[-1].body, "exposured does not answer.")
            self.daemon = None

    def test_actions_of_others(self):
        self.agent()
        id = self.shown(regression("a.service"))
        for action, other in (("accept", id + 7), ("rubbish", id), ("", id)):
            self.desktop._emit("ActionInvoked", "us", other, action)
        self.desktop._emit("ActionInvoked", "s", "rubbish")
        self.settle(1)
        self.assertEqual((self.daemon.accepted, len(self.desktop.texts)), ([], 1))

    def test_closed_by_the_person(self):
        self.agent()
        self.desktop.close_notification(self.shown(regression("a.service")))
        self.settle()
        self.assertEqual(len(self.desktop.texts), 1)
        # It grows: that is news.
        self.daemon.rows = []
        self.shown(regression("a.service", id="more"))
        self.assertEqual(len(self.desktop.texts), 2)


if __name__ == "__main__":
    main()
