#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the man pages given are free of what mandoc and groff warn about. Skipped where there is neither."""

import shutil
import subprocess
import sys

COMMANDS = (
    ("mandoc", "-T", "lint", "-W", "warning"),
    ("groff", "-man", "-t", "-ww", "-z", "-Tutf8"),
)


def complaints(command, page):
    done = subprocess.run((*command, page), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 and not done.stdout:
        return f"{command[0]} {page}: status {done.returncode}\n"
    return done.stdout


def main():
    pages = sys.argv[1:]
    commands = [command for command in COMMANDS if shutil.which(command[0])]

    if not pages:
        sys.exit("no pages are given")
    if not commands:
        print("skipped: neither mandoc nor groff is installed")
        sys.exit(77)
    text = "".join(complaints(command, page) for command in commands for page in pages)
    if text:
        sys.exit(text)
    print(f"{len(pages)} pages, read by {' and '.join(command[0] for command in commands)}")


if __name__ == "__main__":
    main()
