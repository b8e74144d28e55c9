#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether clang-tidy finds anything in what is shipped. What it looks for is in .clang-tidy.

    test-clang-tidy.py SOURCE-FOLDER BUILD-FOLDER"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77


def check(source, build):
    """What is found in one file, or an empty text."""
    result = subprocess.run(["clang-tidy", "--quiet", "-p", build, str(source)], check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if result.returncode == 0:
        return ""
    return result.stdout or f"{source}: {result.stderr}"


def main():
    root, build = Path(sys.argv[1]), sys.argv[2]
    if not shutil.which("clang-tidy"):
        print("clang-tidy is not installed")
        sys.exit(SKIPPED)
    folders = ("client", "daemon", "engine", "notify", "store")
    sources = sorted(path for folder in folders for path in (root / folder).rglob("*.c"))
    if not sources:
        sys.exit("no sources are found, mend this test")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(lambda path: check(path, build), sources) if text]
    if found:
        sys.exit("\n".join(found))
    print(f"nothing is found in {len(sources)} files")


if __name__ == "__main__":
    main()
