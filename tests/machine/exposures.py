# SPDX-License-Identifier: LGPL-2.1-or-later
"""What systemd-analyze says and what exposurectl says, in one shape, and how the two differ."""

import json
import time

import bus

SECONDS = 15
PEER = ("systemd-analyze", "security", "--json=short")
OURS_LIST = ("exposurectl", "list", "--json=short")
OURS_SHOW = ("exposurectl", "show", "--json=short")

# One entry into the machine for all units: entering it costs more than asking.
LOOP = """
while IFS= read -r unit; do
        printf '\\n%s\\n' "%unit $unit"
        "$@" "$unit" || echo %failed
done
"""


class NotEqual(Exception):
    """Ours and the peer's did not become equal in time; the text says in what."""


def with_user(command, user):
    return (command[0], "--user", *command[1:]) if user else command


def parse_list(text):
    rows = json.loads(text)
    return {row["unit"]: (row["exposure"], row["predicate"], row["happy"]) for row in rows}


def peer_list(machine, user=False):
    return parse_list(machine.output(*with_user(PEER, user), user=user))


def our_list(machine, user=False, *options):
    return parse_list(machine.output(*with_user(OURS_LIST, user), *options, user=user))


def peer_list_of(machine, names, user=False):
    """The same for named units, two or more, oneshots too: the tool sums them up behind the checks of each."""
    text = machine.output(*with_user(PEER, user), *names, user=user)
    decoder, documents = json.JSONDecoder(), []
    while text := text.strip():
        document, end = decoder.raw_decode(text)
        documents.append(document)
        text = text[end:]
    return {row["unit"]: (row["exposure"], row["predicate"], row["happy"]) for row in documents[-1]}


def finding(entry):
    """A check as (set, share, badness, weight, range, name); the badness tells nothing where it does not apply."""
    badness = entry.get("badness") if entry["set"] is not None else None
    return entry["set"], entry["exposure"], badness, entry.get("weight"), entry.get("range"), entry["name"]


def parse_checks(text):
    """One unit's checks by json_field, or None where it could not be assessed."""
    if "%failed" in text or not text.strip():
        return None
    document = json.loads(text)
    entries = document["findings"] if isinstance(document, dict) else document
    checks = {entry["json_field"]: finding(entry) for entry in entries}
    if len(checks) != len(entries):
        raise ValueError("a check is told twice")
    return checks


def checks(machine, command, names, user):
    lines = "".join(f"{name}\n" for name in names)
    done = machine.run("sh", "-c", LOOP, "loop", *with_user(command, user), input=lines,
                       env={"SYSTEMD_ANALYZE_DEBUG": "1", "SYSTEMD_LOG_LEVEL": "crit"}, user=user, timeout=600)
    parts = done.stdout.split("\n%unit ")[1:]
    return {name: parse_checks(text) for name, _, text in (part.partition("\n") for part in parts)}


def peer_checks(machine, names, user=False):
    return checks(machine, PEER, names, user)


def our_checks(machine, names, user=False):
    return checks(machine, OURS_SHOW, names, user)


def daemon_checks(exposured, names):
    """The same asked of the daemon itself, by its Exposured."""
    return {name: assessed(exposured, name) for name in names}


def assessed(exposured, name):
    try:
        findings = exposured.call("AssessUnit", "s", name)[0]["Findings"]
    except bus.BusError:
        return None
    word = {"good": True, "bad": False, "not-applicable": None}
    return {field: (word[result], f"{share:.1f}" if share else None, badness if word[result] is not None else None,
                    weight, limit, title) for field, title, result, badness, weight, limit, share, *_ in findings}


def differences(peer, ours):
    """The entries of two dictionaries that are not equal, as texts."""
    found = []
    for key in sorted(peer.keys() | ours.keys()):
        if key not in ours:
            found.append(f"{key}: missing, should be {peer[key]}")
        elif key not in peer:
            found.append(f"{key}: {ours[key]}, should not be there")
        elif peer[key] != ours[key]:
            found += between(key, peer[key], ours[key])
    return found


def between(key, peer, ours):
    if isinstance(peer, dict) and isinstance(ours, dict):
        return [f"{key}: {text}" for text in differences(peer, ours)]
    if isinstance(peer, dict) or isinstance(ours, dict):
        return [f"{key}: {'assessed' if ours else 'refused'}, the peer does not agree"]
    return [f"{key}: {ours}, should be {peer}"]


def await_equal(machine, user=False, seconds=SECONDS):
    """Asks both until their lists are equal; returns the list. The peer is asked anew each time, as it may change."""
    deadline = time.monotonic() + seconds
    while True:
        peer, ours = peer_list(machine, user), our_list(machine, user)
        found = differences(peer, ours)
        if not found:
            return ours
        if time.monotonic() > deadline:
            raise NotEqual(f"{len(found)} differences in {len(peer)} units:\n" + "\n".join(found[:20]))
