# SPDX-License-Identifier: LGPL-2.1-or-later
"""A view of the machine of a test's own: what is put into /etc and /run there, nobody else sees.

The daemon reads files with fixed names. Both folders hold what the host has in them, but for what concerns the
daemon, and whatever a test makes of them.
"""

import os
import subprocess
import sys
import tempfile

INSIDE = "EXPOSURED_TEST_ISOLATED"
HIDDEN = ("exposured", "systemd")


# Its own processes, too: what a test has left ends with it.
COMMAND = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]


def command():
    return [*COMMAND, *([] if os.geteuid() == 0 else ["--map-root-user"])]


def possible():
    """Why it cannot be had, or nothing."""
    try:
        result = subprocess.run([*command(), "mount", "--bind", "/run", "/run"], capture_output=True, text=True,
                                check=False)
    except FileNotFoundError:
        return "unshare is not installed"
    return result.stderr.strip() if result.returncode else ""


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def cover(folder, scratch):
    """Puts a folder of links to what was there in its place."""
    name = folder.strip("/")
    below, above = f"{scratch}/{name}.below", f"{scratch}/{name}"
    os.mkdir(below)
    os.mkdir(above)
    mount("--rbind", folder, below)
    for entry in os.listdir(below):
        if not entry.startswith(HIDDEN):
            os.symlink(f"{below}/{entry}", f"{above}/{entry}")
    mount("--bind", above, folder)


def enter():
    """Runs the program anew with such a view and ends with it, unless it has it. Returns why not, or nothing."""
    scratch = os.environ.get(INSIDE)
    if scratch:
        mount("-t", "tmpfs", "tmpfs", scratch)
        for folder in ("/etc", "/run"):
            cover(folder, scratch)
        return ""
    reason = possible()
    if reason:
        return reason
    with tempfile.TemporaryDirectory(prefix="exposured-view-") as scratch:
        result = subprocess.run([*command(), sys.executable, *sys.argv], env=os.environ | {INSIDE: scratch},
                                check=False)
    sys.exit(result.returncode if result.returncode >= 0 else 128 - result.returncode)
