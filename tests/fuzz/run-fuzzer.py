#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a fuzzer for some seconds ($EXPOSURED_FUZZ_SECONDS, else 60), beginning with its corpus.

    run-fuzzer.py FUZZER CORPUS DICTIONARY [FOLDER]

What it finds on the way is kept in the folder, or forgotten where none is given. An input that breaks
something is left in the current folder, and ends the run: put it into the corpus, where every build tests it
from then on."""

import os
import subprocess
import sys
import tempfile


def main():
    fuzzer, corpus, dictionary, *found = sys.argv[1:]
    seconds = int(os.environ.get("EXPOSURED_FUZZ_SECONDS", "60"))
    with tempfile.TemporaryDirectory(prefix="exposured-fuzz-") as temporary:
        # The last option keeps the sentences of what is fuzzed from the terminal, and libFuzzer's own on it.
        command = [os.path.abspath(fuzzer), *(found or [temporary]), corpus, f"-dict={dictionary}",
                   f"-max_total_time={seconds}", "-max_len=8192", "-timeout=10", "-rss_limit_mb=2048",
                   "-print_final_stats=1", "-close_fd_mask=1"]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
