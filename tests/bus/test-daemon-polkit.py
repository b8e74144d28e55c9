#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may accept: root, and whom polkit lets. It stands in for polkit here, and answers with all that there is."""

from daemoncase import MANAGER, NAME, PATH, DaemonCase, main
from peer import BusError, Peer, other_users
from service import Service, pump

DENIED = "org.freedesktop.DBus.Error.AccessDenied"
LIMIT = "org.exposured.Exposure1.Error.LimitExceeded"
ACTION = "org.exposured.Exposure1.accept"
YES, NO, CHALLENGE = (True, False, {}), (False, False, {}), (False, True, {})
# So many calls of one user, and of all, may wait for leave.
USER_MAX, MAX = 4, 16


class Acceptance(DaemonCase):
    units = tuple(f"u{i}.service" for i in range(6))

    def setUp(self):
        super().setUp()
        self.users = other_users()
        if not self.users:
            self.skipTest("no other user can be had")
        for unit in self.units:
            self.systemd.set(unit, "PrivateNetwork", "b", True)
            self.systemd.set(unit, "NoNewPrivileges", "b", True)
        self.start()
        for unit in self.units:
            self.systemd.set(unit, "PrivateNetwork", "b", False)
        self.reload()
        self.wait_until(lambda: self.open() == set(self.units))
        self.polkit = None

    def open(self):
        return {unit for row in self.call("ListRegressions")[0] for unit in row[3]}

    def open_id(self, unit):
        return next(row[0] for row in self.call("ListRegressions")[0] if unit in row[3])

    def begin_polkit(self):
        self.polkit = Service(self.bus.address, "org.freedesktop.PolicyKit1")
        self.addCleanup(self.polkit.close)

    def somebody(self, user=0):
        somebody = Peer(self.bus.address, self.users[user])
        self.addCleanup(somebody.close)
        return somebody

    def ask(self, somebody, unit="u0.service"):
        return somebody.send(NAME, PATH, MANAGER, "Accept", "sst", unit, "because", 0)

    def questions(self, number=1):
        """What polkit is asked, so many times."""
        pump([self.polkit], lambda: len(self.polkit.calls) >= number)
        calls, self.polkit.calls = self.polkit.calls, []
        return calls

    def asked(self, somebody, unit="u0.service"):
        """The serial of the call, and the question that it leads to."""
        serial = self.ask(somebody, unit)
        question, = self.questions()
        return serial, question

    def assert_refused(self, somebody, serial, text, name=DENIED):
        with self.assertRaises(BusError) as caught:
            somebody.answer(serial)
        self.assertEqual(caught.exception.name, name)
        self.assertIn(text, str(caught.exception))
        self.assertEqual(self.open(), set(self.units))

    def answered(self, signature, *answer):
        """What becomes of a call where polkit answers that."""
        somebody = self.somebody()
        serial, question = self.asked(somebody)
        self.polkit.reply(question, signature, *answer)
        return somebody, serial

    def test_question(self):
        """It is asked about the connection, by its unique name: whoever is behind that cannot change meanwhile."""
        self.begin_polkit()
        somebody = self.somebody()
        _, question = self.asked(somebody)
        self.assertEqual(question.member, "CheckAuthorization")
        subject, action, details, flags, cancellation = question.body
        self.assertEqual(subject, ("system-bus-name", {"name": somebody.name}))
        self.assertEqual((action, details["unit"], flags, cancellation), (ACTION, "u0.service", 0, ""))

    def test_yes(self):
        self.begin_polkit()
        somebody, serial = self.answered("(bba{ss})", YES)
        self.assertRegex(somebody.answer(serial)[0], r"\A[0-9a-f]{32}\Z")
        self.assertEqual(self.open(), set(self.units[1:]))
        row = self.call("GetHistory", "ssu", "u0.service", "", 1)[0][0]
        self.assertIn(self.users[0], row)

    def test_no(self):
        self.begin_polkit()
        for answer, text in ((NO, "not allowed here"), (CHALLENGE, "password is needed"),
                             ((False, True, {"polkit.retains_authorization_after_challenge": "1"}), "password is needed"),
                             ((False, False, {"polkit.dismissed": "true"}), "cancelled")):
            with self.subTest(answer):
                self.assert_refused(*self.answered("(bba{ss})", answer), text)

    def test_nonsense(self):
        """Only a clear yes is one."""
        self.begin_polkit()
        for signature, answer in (("", ()), ("b", (True,)), ("s", ("yes",)), ("(b)", ((True,),)), ("bba{ss}", YES),
                                  ("(sba{ss})", (("yes", False, {}),)), ("(bba{sv})", ((True, True, {}),))):
            with self.subTest(signature):
                self.assert_refused(*self.answered(signature, *answer), "no answer that makes sense")

    def test_error(self):
        self.begin_polkit()
        somebody = self.somebody()
        for name, text in (("org.freedesktop.PolicyKit1.Error.Failed", "only root may"),
                           ("org.freedesktop.DBus.Error.NoReply", "did not answer")):
            serial, question = self.asked(somebody)
            self.polkit.refuse(question, name, "It is not my day.")
            self.assert_refused(somebody, serial, text)

    def test_absent(self):
        somebody = self.somebody()
        self.assert_refused(somebody, self.ask(somebody), "only root may")

    def test_it_leaves_without_an_answer(self):
        self.begin_polkit()
        somebody = self.somebody()
        serial, _ = self.asked(somebody)
        self.polkit.close()
        self.assert_refused(somebody, serial, "did not answer")

    def test_another_one_cannot_answer(self):
        """A reply by somebody else is none."""
        self.begin_polkit()
        somebody = self.somebody()
        serial, question = self.asked(somebody)
        impostor = Service(self.bus.address, "org.freedesktop.PolicyKit2")
        self.addCleanup(impostor.close)
        impostor.reply(question, "(bba{ss})", YES)
        impostor.all_signals()
        self.polkit.reply(question, "(bba{ss})", NO)
        self.assert_refused(somebody, serial, "not allowed here")

    def test_root_is_not_asked_about(self):
        self.begin_polkit()
        self.call("Accept", "sst", "u0.service", "because", 0)
        self.assertEqual(self.open(), set(self.units[1:]))
        self.assertEqual(self.polkit.calls, [])

    def test_the_caller_leaves(self):
        """What nobody waits for any more is not done, though polkit says yes. Nor does it take a place."""
        self.begin_polkit()
        for _ in range(2 * MAX):
            somebody = self.somebody()
            _, question = self.asked(somebody)
            somebody.close()
            self.wait_until(lambda: not self.peer.owner(question.body[0][1]["name"]))
            self.heard()
            self.polkit.reply(question, "(bba{ss})", YES)
        self.heard()
        self.assertEqual(self.open(), set(self.units))

    def test_silence_is_bounded(self):
        """While polkit says nothing, one user and all together have a bound; everything else goes on."""
        self.begin_polkit()
        callers = [self.somebody(i // USER_MAX) for i in range(min(MAX, USER_MAX * len(self.users)))]
        serials = [self.ask(somebody) for somebody in callers[:USER_MAX]]
        # Calls of several connections come in any order.
        first, = (question for question in self.questions(USER_MAX)
                  if question.body[0][1]["name"] == callers[0].name)
        self.assert_refused(callers[0], self.ask(callers[0]), "Too many", LIMIT)
        self.assert_refused(callers[0], self.ask(callers[0], "u1.service"), "Too many", LIMIT)
        if len(callers) > USER_MAX:
            serials += [self.ask(somebody) for somebody in callers[USER_MAX:]]
            self.questions(len(callers) - USER_MAX)
        if len(callers) == MAX and len(self.users) > MAX // USER_MAX:
            late = self.somebody(MAX // USER_MAX)
            self.assert_refused(late, self.ask(late), "Too many", LIMIT)
        self.assertEqual(self.names(), list(self.units))
        self.polkit.reply(first, "(bba{ss})", NO)
        self.assert_refused(callers[0], serials[0], "not allowed here")
        self.asked(callers[0])

    def test_it_ends_while_polkit_is_silent(self):
        self.begin_polkit()
        self.asked(self.somebody())
        self.assertEqual(self.daemon.end()[0], 0)

    def test_the_bus_goes_while_polkit_is_silent(self):
        self.begin_polkit()
        self.asked(self.somebody())
        self.bus.stop()
        self.bus.start()
        self.systemd.reconnect()
        self.peer = self.connect()
        self.wait_until(lambda: self.peer.owner(NAME))
        self.settle()
        self.assertEqual(self.open(), set(self.units))

    def test_what_was_asked_for_is_gone(self):
        """Leave is given for what is no more: a sentence, not an acceptance."""
        self.begin_polkit()
        somebody = self.somebody()
        serial, question = self.asked(somebody)
        self.call("Accept", "sst", "u0.service", "root was first", 0)
        self.polkit.reply(question, "(bba{ss})", YES)
        with self.assertRaises(BusError) as caught:
            somebody.answer(serial)
        self.assertEqual(caught.exception.name, "org.exposured.Exposure1.Error.NothingToAccept")

    def test_what_was_asked_for_became_worse(self):
        """Leave was given for what was seen, not for what came after."""
        self.begin_polkit()
        somebody = self.somebody()
        serial, question = self.asked(somebody)
        before = self.open_id("u0.service")
        self.systemd.set("u0.service", "NoNewPrivileges", "b", False)
        self.reload()
        self.wait_until(lambda: self.open_id("u0.service") != before)
        self.polkit.reply(question, "(bba{ss})", YES)
        self.assert_refused(somebody, serial, "became weaker", "org.exposured.Exposure1.Error.BecameWeaker")
        somebody, serial = self.answered("(bba{ss})", YES)
        self.assertRegex(somebody.answer(serial)[0], r"\A[0-9a-f]{32}\Z")


if __name__ == "__main__":
    main(needs_view=True)
