#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the buttons of notifications do."""

import os

from notifycase import NotifyCase, main
from service import regression


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
