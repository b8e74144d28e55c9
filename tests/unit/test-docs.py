#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the man pages of the daemon say what there is: each option, bus member, error, event and journal field of
the sources is in its page, and nothing else is.

    test-docs.py SOURCE-FOLDER EXPOSURED EXPOSURE-NOTIFY"""

import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

wrong = []


def check(condition, text):
    if not condition:
        wrong.append(text)


def compare(what, page, told, there):
    """Both are sets: what the page tells, and what the sources have."""
    check(there, f"{what}: none is found in the sources, mend this test")
    for name in sorted(there - told):
        wrong.append(f"{what} {name} is not in {page}")
    for name in sorted(told - there):
        wrong.append(f"{what} {name} is in {page}, but not in the sources")


def words(pattern, text):
    return set(re.findall(pattern, text, re.M))


# Pages

def font_macro(match):
    """One font takes words, two fonts in turn take parts of words."""
    return (" " if len(match[1]) == 1 else "").join(shlex.split(match[2].replace("\\", "\\\\")))


def plain(text):
    """The text of a page without fonts and escapes."""
    text = re.sub(r"^\.(BR|RB|IR|RI|BI|B|I) (.*)$", font_macro, text, flags=re.M)
    return re.sub(r"\\f[BIRP]", "", text).replace(r"\-", "-").replace(r"\(->", "->")


def tags(text):
    """The tags of the paragraphs of a list, with what follows each."""
    parts = [plain(part).split("\n", 1) for part in re.split(r"^\.TP\n", text, flags=re.M)[1:]]
    return {tag: rest for tag, rest in parts}


class Page:
    def __init__(self, root, name):
        self.name = name
        self.text = (root / "docs" / name).read_text()

    def _part(self, text, macro, title):
        found = re.search(rf"^\.{macro} {title}\n(.*?)(?=^\.{macro} |\Z)", text, re.M | re.S)
        check(found, f"{self.name} has no part {title}")
        return found[1] if found else ""

    def part(self, section, subsection=None):
        text = self._part(self.text, "SH", section)
        return self._part(text, "SS", subsection) if subsection else text


# exposured.conf(5)

OPTION = re.compile(r'\{ "(\w+)", parse_\w+, offsetof\(struct config, \w+\),[^"{}]*"([^"]+)" \}')


def check_configuration(root):
    """Names and values against the parser's table, defaults against the sample, which another test holds against
    the parser."""
    source = (root / "daemon/configuration.c").read_text()
    options = dict(OPTION.findall(source))
    check(len(options) == source.count("offsetof(struct config,"), "not every option of the parser is found")
    sample = dict(re.findall(r"^#(\w+)=(\S+)$", (root / "docs/exposured.conf").read_text(), re.M))
    page = Page(root, "exposured.conf.5")
    told = tags(page.part("OPTIONS"))
    paragraphs = {tag.split("=")[0]: " ".join(text.split()) for tag, text in told.items()}

    compare("option", page.name, set(paragraphs), set(options))
    compare("option", "exposured.conf", set(sample), set(options))
    for name, text in paragraphs.items():
        for sentence in (f"Expects {options.get(name)}", f"Defaults to {sample.get(name)}"):
            check(re.search(re.escape(sentence) + "[.;]", text), f"{page.name} must say of {name}=: {sentence}")


# org.exposured.Exposure1(5)

EMITS = {"true": "", "const": ", const", "false": ", no signal", "invalidates": ", invalidated"}


def interface(root, name):
    return ElementTree.parse(root / "dbus" / f"org.exposured.Exposure1.{name}.xml").find("interface")


def arguments(element, direction="out"):
    found = [a for a in element.findall("arg") if a.get("direction", "out") == direction]
    return ", ".join(f"{a.get('type')} {a.get('name')}" for a in found)


def method_lines(element):
    """The tag of a method, and what stands below it of the result."""
    result = arguments(element)
    return f"{element.get('name')}({arguments(element, 'in')})" + (f" -> {result}" if result else "")


def told_methods(text):
    for tag, rest in tags(text).items():
        first = rest.split("\n", 1)[0]
        yield tag + (f" {first}" if first.startswith("->") else "")


def property_line(element):
    notes = {a.get("name"): a.get("value") for a in element.findall("annotation")}
    word = EMITS[notes.get("org.freedesktop.DBus.Property.EmitsChangedSignal", "true")]
    return f"{element.get('name')} ({element.get('type')}{word})"


def check_signals(page, signals, causes):
    events, told_causes = page.part("MANAGER INTERFACE", "Signals").split("\nA cause is", 1)
    compare("signal", page.name, set(tags(events)), {s.get("name") for s in signals})
    for signal in signals:
        check(arguments(signal) in " ".join(plain(events).split()),
              f"the signal {signal.get('name')} has other arguments than {page.name} says")
    compare("cause", page.name, set(tags(told_causes)), causes)


def check_interfaces(root):
    page = Page(root, "org.exposured.Exposure1.5")
    manager, unit = interface(root, "Manager"), interface(root, "Unit")
    names = (root / "include/exposured/bus.h").read_text()

    compare("method", page.name, set(told_methods(page.part("MANAGER INTERFACE", "Methods"))),
            {method_lines(m) for m in manager.findall("method")})
    check_signals(page, manager.findall("signal"),
                  words(r'^ +\[CAUSE_\w+\] = "(\w+)",$', (root / "daemon/cause.c").read_text()))
    for title, members in (("MANAGER INTERFACE", manager), ("UNIT INTERFACE", unit)):
        compare("property", page.name, set(tags(page.part(title, "Properties"))),
                {property_line(p) for p in members.findall("property")})
    compare("error", page.name, set(tags(page.part("ERRORS"))), words(r'Exposure1\.Error\.(\w+)"', names))
    for action in words(r'_ACTION_\w+ "(\S+)"', names):
        check(action in page.text, f"the action {action} is not in {page.name}")


# exposured(8)

def check_events(page, root):
    """Words, message ids and levels: the page, the daemon and the catalog agree."""
    source, catalog = (root / "daemon/announce.c").read_text(), (root / "units/exposured.catalog").read_text()
    kinds = re.findall(r'^ +\[(EVENT_\w+)\] = \{ "([0-9a-f]{32})", LOG_(\w+) \},$', source, re.M)
    names = dict(re.findall(r'^ +\[(EVENT_\w+)\] = \{ "(\w+)"', (root / "daemon/event.c").read_text(), re.M))
    told = tags(page.part("EVENTS"))

    compare("event", page.name, {tag for tag in told if "(" in tag},
            {f"{names.get(kind)} ({id}, {level.lower()})" for kind, id, level in kinds})
    compare("message id", "exposured.catalog", words(r"^-- ([0-9a-f]{32})$", catalog), {k[1] for k in kinds})
    compare("field", page.name, words(r"\b([A-Z][A-Z_]+)=", "\n".join(told)),
            words(r'fields, "([A-Z_]+)=', source) - {"MESSAGE", "PRIORITY"})


def check_options(page, program):
    help_text = subprocess.run([program, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    pattern = r"(?<![\w-])--?\w[\w-]*"
    compare("option", page.name, words(pattern, "\n".join(tags(page.part("OPTIONS")))), words(pattern, help_text))


# exposure-notify(1)

def tenths(text):
    """Of a cell of the table: nothing below that."""
    return float(re.search(r"\d+\.\d", text)[0]) if re.search(r"\d", text) else None


def check_urgency(page, root):
    """Row by row, but for the last one: it is what is left."""
    source = (root / "notify/severity.c").read_text()
    rows = [(int(exposure) / 10 or None, int(loss) / 10 or None, urgency.lower()) for exposure, loss, urgency in
            re.findall(r"\{ \.exposure = (\d+), +\.loss = (\d+), +\.urgency = URGENCY_(\w+) \}", source)]
    table = re.search(r"^\.TS\n.*?\n(.*?)^\.TE", page.part("URGENCY"), re.M | re.S)[1].splitlines()[1:]
    told = [(tenths(exposure), tenths(loss), urgency) for exposure, loss, urgency in (r.split("\t") for r in table)]
    check(len(rows) > 3 and rows == told, f"the urgencies are {rows}, {page.name} says {told}")


def check_agent(root, program):
    page = Page(root, "exposure-notify.1")
    names = (root / "include/exposured/bus.h").read_text()
    check_options(page, program)
    check_urgency(page, root)
    for name in words(r'_(?:BUS_NAME|PATH|INTERFACE|ERROR_SERVER) "(\S+Notify1\S*)"', names):
        check(name in plain(page.text), f"{name} is not in {page.name}")
    for method in notify_methods(root):
        check(f"{method}()" in page.text, f"the method {method} is not in {page.name}")


def notify_methods(root):
    tree = ElementTree.parse(root / "dbus/org.exposured.Notify1.xml")
    return [m.get("name") for m in tree.find("interface").findall("method")]


# docs/security.md

def check_security(root):
    """The tests that it names are there, and in them the cases that it names behind them."""
    text = (root / "docs/security.md").read_text()
    named = re.findall(r"`((?:tests|dbus|tools|docs)/[^`]+)`(?: \(((?:`test_\w+`(?:, )?)+)\))?", text)
    check(len(named) > 20, "security.md names hardly any test, mend this test")
    for path, cases in named:
        check((root / path).exists(), f"security.md names {path}, which is not there")
        source = (root / path).read_text() if (root / path).is_file() else ""
        for case in re.findall(r"test_\w+", cases):
            check(f"def {case}(" in source, f"security.md names {case}, which is not in {path}")


def main():
    root, daemon, agent = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    page = Page(root, "exposured.8")

    check_configuration(root)
    check_interfaces(root)
    check_events(page, root)
    check_options(page, daemon)
    check_agent(root, agent)
    check_security(root)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
