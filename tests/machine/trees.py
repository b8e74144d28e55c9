# SPDX-License-Identifier: LGPL-2.1-or-later
"""The root file systems that test machines are booted from: the host's own, and one for each other release.

A tree is built once, by mmdebstrap, below $EXPOSURED_TREES (/var/tmp/exposured-trees), and again when the list of its
packages has changed. As a program it builds those that are missing.
"""

import fcntl
import os
import shutil
import subprocess
import sys

FOLDER = os.environ.get("EXPOSURED_TREES", "/var/tmp/exposured-trees")

# Release of Debian, and the version of systemd that it was chosen for.
RELEASES = {"bookworm": 252, "trixie": 257, "forky": 262}

PACKAGES = (
    "dbus", "dbus-broker", "dbus-user-session", "libjson-c5", "libpam-systemd", "libseccomp2", "libsqlite3-0",
    "mount", "polkitd", "procps", "systemd", "systemd-container", "systemd-sysv", "util-linux",
)


def host_version():
    """The version of systemd in the host's own tree, or 0."""
    try:
        text = subprocess.run(["systemctl", "--version"], stdout=subprocess.PIPE, text=True).stdout
        return int(text.split()[1].split(".")[0].split("~")[0])
    except (FileNotFoundError, IndexError, ValueError):
        return 0


def needed():
    """The releases that the host's own tree does not stand for."""
    return [release for release, version in RELEASES.items() if version != host_version()]


def places():
    """Name and path of every tree that machines are tested with."""
    return [("host", "/")] + [(release, os.path.join(FOLDER, release)) for release in needed()]


def stamp(release):
    return os.path.join(FOLDER, f"{release}.packages")


def is_built(release):
    try:
        with open(stamp(release)) as file:
            return file.read().split() == list(PACKAGES) and os.path.isdir(os.path.join(FOLDER, release))
    except FileNotFoundError:
        return False


def build(release):
    """Builds the tree of a release unless it is there; raises CalledProcessError."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, f"{release}.lock"), "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if is_built(release):
            return
        tree = os.path.join(FOLDER, release)
        for path in (tree, f"{tree}.new"):
            if os.path.exists(path):
                shutil.rmtree(path)
        print(f"trees: building {tree}", flush=True)
        subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(PACKAGES)}",
                        '--aptopt=Acquire::Check-Valid-Until "false"', release, f"{tree}.new"], check=True)
        os.rename(f"{tree}.new", tree)
        with open(stamp(release), "w") as file:
            file.write("\n".join(PACKAGES) + "\n")


def main():
    failed = 0
    for release in sys.argv[1:] or needed():
        try:
            build(release)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"trees: no tree for {release}: {error}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
