#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""exposurectl's verbs about what the daemon remembers: regressions, history, accept."""

import os
import subprocess
import time

from clientcase import CLIENT, HOSTILE, UNSAFE, ClientCase, main
from privatebus import PATIENCE
from terminal import run_on_terminal

PATH = "/etc/systemd/system/nginx.service.d/50-tmp.conf"
START = 1700000000000000
SECOND = 1000000
CHECKS = [{"json_field": "PrivateUsers", "before": 0, "after": 1}, {"json_field": "UMask", "before": 1, "after": 2},
          {"json_field": "NotKnownYet", "before": None, "after": 10}]
CAUSES = [{"path": PATH, "change": "created", "time": START,
           "lines": ["-PrivateUsers=yes", "+PrivateUsers=no", " UMask=0022"]},
          {"path": "", "change": "manager", "time": 0, "lines": []}]
NGINX = {"id": "id-of-nginx", "unit": "nginx.service", "units": ["nginx.service"], "baseline": "2.8",
         "exposure": "5.1", "since": START + SECOND, "checks": CHECKS, "causes": CAUSES}
FOO = {"id": "id-of-foo", "unit": "foo@.service",
       "units": ["foo@.service", *(f"many-{i:02}.service" for i in range(11))], "baseline": "4.0", "exposure": "4.0", "since": START, "checks": CHECKS, "causes": CAUSES}

ACCEPTED = "Accepted nginx.service [id-of-nginx.service]\n"


class MemoryCase(ClientCase):
    def terminal(self, *arguments, columns=80, status=0, **environment):
        actual, text = run_on_terminal([CLIENT, *arguments], self.environment(**environment), columns)
        self.assertEqual(actual, status, text)
        return text


class Regressions(MemoryCase):
    def test_text(self):
        text = self.output("regressions", status=3)
        ago = text.split("UTC; ")[1].split("\n")[0]
        self.assertRegex(ago, r"^\d.* ago$")
        details = f"""\
      Worse: ✗ PrivateUsers=   0 →  1 An intruder deals with the real users and groups of the host
             ✗ UMask           1 →  2
             ✗ NotKnownYet   n/a → 10
      Cause: {PATH} was created at 2023-11-14 22:13:20
                 -PrivateUsers=yes
                 +PrivateUsers=no
                  UMask=0022
             systemd itself changed
"""
        self.assertEqual(text, f"""\
▲ nginx.service: 2.8 → 5.1 MEDIUM
      Since: Tue 2023-11-14 22:13:21 UTC; {ago}
{details}\
         Id: id-of-nginx

▲ foo@.service: 4.0 OK
      Since: Tue 2023-11-14 22:13:20 UTC; {ago}
{details}\
    Also in: many-00.service, many-01.service, many-02.service, many-03.service, many-04.service, many-05.service, \
many-06.service, many-07.service and 3 more
         Id: id-of-foo

13 units are worse than their baselines.
Mend the cause, or accept the present state: exposurectl accept UNIT --reason=TEXT
""")

    def test_without_legend(self):
        text = self.output("regressions", "--no-legend", status=3)
        self.assertTrue(text.endswith("         Id: id-of-foo\n"), text)

    def test_json(self):
        self.assertEqual(self.json("regressions", status=3), [NGINX, FOO])

    def test_patterns(self):
        self.assertEqual(self.json("regressions", "nginx", status=3), [NGINX])
        self.assertEqual(self.json("regressions", "foo@*", status=3), [FOO])
        self.assertEqual(self.json("regressions", "many-0[5]*", status=3), [FOO])
        self.assertEqual(self.json("regressions", "*", "nginx", status=3), [NGINX, FOO])
        self.assertEqual(self.json("regressions", "nosuch"), [])
        self.assertEqual(self.output("regressions", "nosuch"), "No regressions of these units.\n")
        self.assertIn("\n1 unit is worse than its baseline.\n", self.output("regressions", "nginx", status=3))

    def test_none(self):
        self.mock.tell("no-regressions")
        self.assertEqual(self.output("regressions"), "No regressions.\n")
        self.assertEqual(self.output("regressions", "--no-legend"), "")
        self.assertEqual(self.output("regressions", "--json=short"), "[]\n")

    def test_on_a_terminal(self):
        text = self.terminal("regressions", "nginx", "--no-pager", status=3)
        self.assertIn("\x1b[0;1;31m▲\x1b[0m", text)
        self.assertIn("                 \x1b[0;31m-PrivateUsers=yes\x1b[0m\n                 \x1b[0;32m+PrivateUsers=no"
                      "\x1b[0m\n                  UMask=0022\n", text)
        text = self.terminal("regressions", "nginx", "--no-pager", columns=70, status=3, NO_COLOR="1")
        self.assertIn("""
      Worse: ✗ PrivateUsers= 0 → 1
               An intruder deals with the real users and groups of the
               host
             ✗ UMask 1 → 2
             ✗ NotKnownYet n/a → 10
""", text)

    def test_without_utf8(self):
        text = self.output("regressions", "nginx", status=3, LC_ALL="C")
        self.assertIn("! nginx.service: 2.8 -> 5.1 MEDIUM\n", text)
        self.assertNotRegex(text, "[^\x20-\x7e\n]")

    def test_hostile(self):
        self.mock.tell("hostile")
        self.assertNotRegex(self.output("regressions", status=3), UNSAFE)
        self.assertNotRegex(self.output("regressions", "--json=pretty", status=3), UNSAFE)
        row = self.json("regressions", status=3)[0]
        self.assertEqual((row["id"], row["unit"], row["units"][0], row["causes"][0]["lines"][1]), (HOSTILE,) * 4)


class History(MemoryCase):
    def test_text(self):
        why = f"{PATH} was created and 1 more"
        self.assertEqual(self.output("history"), f"""\
TIME                  EVENT     UNIT                EXPOSURE TREND CAUSE
2023-11-14 22:13:26 ● model     scoring model (+3)
2023-11-14 22:13:25 ▼ improved  nginx.service (+2) 5.1 → 4.0  -1.1 {why}
2023-11-14 22:13:24 ✓ accepted  nginx.service      2.8 → 5.1  +2.3 root: by the book (until 2096-10-02 07:06:40)
2023-11-14 22:13:23 ✓ accepted  nginx.service            5.1       user 4294967294: for good
2023-11-14 22:13:22 ▲ regressed nginx.service      2.8 → 5.1  +2.3 {why}
2023-11-14 22:13:21 ● appeared  nginx.service            2.8
""")

    def test_of_a_unit(self):
        text = self.output("history", "nginx")
        course, table = text.split("\n\n")
        self.assertEqual(course, "nginx.service ▁███▄ 4.0, between 2.8 and 5.1")
        header, _, *rows = self.output("history").splitlines()
        self.assertEqual(table.splitlines(), [header, *rows])
        self.assertEqual(len(self.output("history", "nginx", "--no-legend").splitlines()), 5)
        self.assertIn("nginx.service 25554 4.0, ", self.output("history", "nginx", LC_ALL="C"))

    def test_json(self):
        nothing = {"reason": None, "uid": None, "until": None}
        nginx = {"unit": "nginx.service", "units": ["nginx.service"], "checks": [], "causes": []}
        rows = [
            {"event": "model", "id": "id-6", "time": START + 6 * SECOND, "unit": "", "baseline": "0.0",
             "exposure": "0.0", "units": ["many-00.service", "many-01.service", "many-02.service"], "checks": [],
             "causes": []} | nothing,
            nginx | {"event": "improved", "id": "id-5", "time": START + 5 * SECOND, "baseline": "5.1",
                     "exposure": "4.0", "units": ["nginx.service", "many-00.service", "many-01.service"],
                     "checks": CHECKS, "causes": CAUSES} | nothing,
            nginx | {"event": "accepted", "id": "id-4", "time": START + 4 * SECOND, "baseline": "2.8",
                     "exposure": "5.1", "reason": "by the book", "uid": 0, "until": 4000000000000000},
            nginx | {"event": "accepted", "id": "id-3", "time": START + 3 * SECOND, "baseline": "5.1",
                     "exposure": "5.1", "reason": "for good", "uid": 4294967294, "until": None},
            nginx | {"event": "regressed", "id": "id-2", "time": START + 2 * SECOND, "baseline": "2.8",
                     "exposure": "5.1", "checks": CHECKS, "causes": CAUSES} | nothing,
            nginx | {"event": "appeared", "id": "id-1", "time": START + SECOND, "baseline": "2.8",
                     "exposure": "2.8"} | nothing,
        ]
        self.assertEqual(self.json("history"), rows)
        self.assertEqual(self.json("history", "nginx.service"), rows[1:])
        self.assertEqual(self.json("history", "--lines=2"), rows[:2])
        self.assertEqual(self.json("history", "nginx", "-n1"), rows[1:2])

    def test_nothing(self):
        self.assertEqual(self.output("history", "nosuch"), "Nothing happened to nosuch.service that is remembered.\n")
        self.assertEqual(self.output("history", "nosuch", "--no-legend"), "")
        self.assertEqual(self.output("history", "nosuch", "--json=short"), "[]\n")

    def ids(self, *arguments):
        return [row["id"] for row in self.json("history", "generated", *arguments)]

    def test_pages(self):
        """More than one answer holds are put together, each once, in their order."""
        for n in 0, 1, 399, 400, 401, 1200, 2345:
            self.mock.tell(f"events {n}")
            self.assertEqual(self.ids(), [str(i) for i in range(n - 1, -1, -1)])
        self.assertEqual(self.ids("--lines=all"), self.ids("--lines=0"))
        self.assertEqual(self.ids("-n", "1001"), [str(i) for i in range(2344, 2344 - 1001, -1)])
        self.assertEqual(len(self.output("history", "generated", "--no-legend").splitlines()), 2345)

    def test_lines_on_a_terminal(self):
        self.mock.tell("events 60")
        text = self.terminal("history", "generated", "--no-pager", NO_COLOR="1")
        self.assertEqual(text.count("generated.service "), 51)
        self.assertIn("\n\nThe newest 50 events. Pass --lines=all to see all.\n", text)
        text = self.terminal("history", "generated", "--no-pager", "-n", "all", NO_COLOR="1")
        self.assertEqual(text.count("generated.service "), 61)
        self.assertNotIn("newest", text)

    def test_narrow_terminal(self):
        text = self.terminal("history", "-n", "2", "--no-pager", NO_COLOR="1")
        self.assertEqual(text, """\
TIME                EXPOSURE TREND EVENT
2023-11-14 22:13 ●                 scoring model (+3) model
2023-11-14 22:13 ▼ 5.1 → 4.0  -1.1 nginx.service (+2) improved
                                   /etc/systemd/system/nginx.service.d/50-tmp.co
                                   nf was created and 1 more

The newest 2 events. Pass --lines=all to see all.
""")

    def test_answer_that_leads_nowhere(self):
        self.assertEqual(self.refusal("history", "loop"), "Cannot read the answer of exposured: Bad message.")

    def test_refusal(self):
        self.assertEqual(self.refusal("history", "broken"), "The history cannot be read: No space left on device.")
        self.assertIn("pattern", self.refusal("history", "nginx*", status=2))

    def test_hostile(self):
        self.mock.tell("hostile")
        for arguments in ["history"], ["history", "a"], ["history", "--json=pretty"], ["history", "--json=short"]:
            self.assertNotRegex(self.output(*arguments), UNSAFE)
        row = self.json("history")[0]
        self.assertEqual((row["event"], row["id"], row["unit"], row["reason"]), (HOSTILE,) * 4)


class Accept(MemoryCase):
    def accepted(self, *, interactive=1):
        """Unit, end and reason of what the daemon was asked next."""
        words = self.mock.out.next().split(" ", 4)
        self.assertEqual((words[0], words[3]), ("Accept", str(interactive)))
        return words[1], int(words[2]), words[4]

    def test_text(self):
        self.assertEqual(self.output("accept", "nginx", "--reason=by the book"), ACCEPTED)
        self.assertEqual(self.accepted(), ("nginx.service", 0, "by the book"))
        text = self.output("accept", "foo@.service", "--reason", "größe", "--until=2096-10-02 07:06:40")
        self.assertEqual(text, "Accepted foo@.service until Tue 2096-10-02 07:06:40 UTC [id-of-foo@.service]\n")
        self.assertEqual(self.accepted(), ("foo@.service", 4000000000000000, "größe"))

    def test_until(self):
        now = time.time()
        self.output("accept", "nginx", "--reason=x", "--until=+1w 2h")
        until = self.accepted()[1] / 1e6
        self.assertTrue(now - 1 <= until - 7 * 86400 - 7200 <= time.time(), until)

    def test_json(self):
        nginx, b = ({"unit": unit, "id": f"id-of-{unit}"} for unit in ("nginx.service", "b.service"))
        self.assertEqual(self.json("accept", "nginx", "--reason=x"), nginx)
        self.accepted()
        self.assertEqual(self.json("accept", "nginx", "b", "nginx.service", "--reason=x"), [nginx, b])
        self.assertEqual([self.accepted()[0], self.accepted()[0]], ["nginx.service", "b.service"])

    def test_patterns(self):
        rows = self.json("accept", "many-0[0-2]*", "nginx*", "*nginx.service", "--reason=x")
        wanted = ["many-00.service", "many-01.service", "many-02.service", "nginx.service"]
        self.assertEqual([row["unit"] for row in rows], wanted)
        self.assertEqual([self.accepted()[0] for _ in wanted], wanted)
        self.assertIsInstance(self.json("accept", "nginx*", "--reason=x"), list)

    def test_pattern_without_match(self):
        sentence = "No unit that matches 'nosuch*' has regressed."
        self.assertEqual(self.refusal("accept", "nosuch*", "--reason=x"), sentence)
        status, out, err = self.run_client("accept", "nosuch*", "nginx", "--reason=x")
        self.assertEqual((status, out), (1, ACCEPTED))
        self.assertEqual(err, f"{sentence}\n")

    def test_refusals(self):
        for name, sentence in {
            "missing": "Nothing is known of missing.service.",
            "fine": "There is nothing to accept of fine.service.",
            "a.socket": "a.socket is not the name of a service unit.",
            "denied": "Access to exposured is denied: polkit does not allow this.",
        }.items():
            self.assertEqual(self.refusal("accept", name, "--reason=x"), sentence)
        status, out, err = self.run_client("accept", "missing", "nginx", "--reason=x")
        self.assertEqual((status, out), (1, ACCEPTED))
        self.assertEqual(err, "Nothing is known of missing.service.\n")

    def test_what_is_denied_is_not_tried_again(self):
        status, out, err = self.run_client("accept", "denied", "nginx", "--reason=x")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err.count("\n"), 1)

    def test_password(self):
        self.output("accept", "nginx", "--reason=x", "--no-ask-password")
        self.accepted(interactive=0)

    def test_hostile(self):
        self.mock.tell("hostile")
        self.assertNotRegex(self.output("accept", "nginx", "--reason=x"), UNSAFE)
        self.accepted()
        self.assertEqual(self.json("accept", "nginx", "--reason=x")["id"], HOSTILE)

    def test_takes_its_time(self):
        """A person may have to find a password."""
        self.mock.tell("hold")
        accept = self.start("accept", "nginx", "--reason=x", environment=self.environment(SYSTEMD_BUS_TIMEOUT="100ms"))
        self.assertEqual(self.mock.out.next(), "Accept")
        self.assertEqual(self.refusal("list", SYSTEMD_BUS_TIMEOUT="100ms"), "exposured did not answer in time.")
        self.assertEqual(self.mock.out.next(), "ListUnits")
        self.assertIsNone(accept.process.poll())
        self.mock.process.stdin.write(b"release\n")
        self.mock.process.stdin.flush()
        self.accepted()
        self.assertEqual(accept.out.next(), "Accepted nginx.service [id-of-nginx.service]")
        self.assertEqual(accept.wait(), 0)

    def test_wrong_usage(self):
        for arguments in (
            [], ["nginx"], ["--reason=x"], ["nginx", "--reason="], ["nginx", "--reason= \t"], ["nginx", "--reason"],
            ["nginx", "--reason=" + "x" * 1025], ["nginx", "--reason=\udcff"], ["nginx", "", "--reason=x"],
            ["nginx", "--reason=x", "--until=yesterday"], ["nginx", "--reason=x", "--until=2020-01-01"],
            ["nginx", "--reason=x", "--until="], ["nginx", "--reason=x", "--lines=5"],
        ):
            self.refusal("accept", *arguments, status=2)
        self.assertIn("2030-12-31", self.refusal("accept", "a", "--reason=x", "--until=soon", status=2))
        for arguments in (
            ["history", "a", "b"], ["history", "--lines=x"], ["history", "--lines="], ["history", "-n", "-1"],
            ["history", "--reason=x"], ["regressions", "--until=+1d"], ["list", "--lines=1"],
        ):
            self.refusal(*arguments, status=2)


class Agent(MemoryCase):
    """polkit's agent for terminals, or what stands in for it: it says in a file how it was started."""

    script = """#!/bin/sh
echo "$1 $3" >>"$HOME/started"
eval "exec $2>&-"
exec sleep 1000
"""
    # Root is never asked for a password.
    somebody = () if os.geteuid() else ("setpriv", "--reuid=65534", "--clear-groups")

    def setUp(self):
        super().setUp()
        os.chmod(self.bus.folder, 0o755)
        for name, text, mode in ("started", "", 0o666), ("pkttyagent", self.script, 0o755):
            with open(f"{self.bus.folder}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(f.name, mode)
        self.paths = {"PATH": f"{self.bus.folder}:{os.environ['PATH']}"}

    def started(self):
        with open(f"{self.bus.folder}/started", encoding="utf-8") as f:
            return f.read()

    def accept(self, *arguments, somebody=somebody, **environment):
        """On a terminal. Ends when the agent is gone, too, which holds the terminal as long as it runs."""
        status, text = run_on_terminal([*somebody, CLIENT, "accept", "nginx", "--reason=x", *arguments],
                                       self.environment(NO_COLOR="1", **environment))
        self.assertEqual((status, text), (0, ACCEPTED))

    def test_runs_while_it_is_needed(self):
        self.accept(**self.paths)
        self.assertEqual(self.started(), "--notify-fd --fallback\n")

    def test_is_not_there(self):
        os.unlink(f"{self.bus.folder}/pkttyagent")
        self.accept(PATH=f"{self.bus.folder}:/usr/bin:/bin")

    def test_is_not_needed(self):
        self.accept("--no-ask-password", **self.paths)
        if os.geteuid() == 0:
            self.accept(somebody=(), **self.paths)
        subprocess.run([*self.somebody, CLIENT, "accept", "nginx", "--reason=x"], env=self.environment(**self.paths),
                       stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True)
        self.assertEqual(self.started(), "")


if __name__ == "__main__":
    main()
