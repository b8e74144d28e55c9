#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the store's library keeps to its own: no bus, no JSON, no journal, no printing, no processes."""

import re
import subprocess
import sys

FORBIDDEN = re.compile(
    r'(sd_|json_|seccomp_)|v?f?printf$|v?dprintf$|puts$|fputs$|putchar$|perror$|std(out|err)$|v?syslog$|'
    r'v?fork$|popen$|system$|exec[lv]p?e?$|posix_spawn|exit$|abort$')


def symbols(library, option):
    output = subprocess.run(['nm', option, '-P', library], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in output.splitlines() if line and not line.endswith(':')}


def main():
    library = sys.argv[1]

    defined = symbols(library, '--defined-only')
    called = symbols(library, '--undefined-only') - defined

    if not {'store_open', 'store_commit', 'store_each_event'} <= defined:
        sys.exit(f'{library} is not the store')
    if 'sqlite3_step' not in called:
        sys.exit(f'nm shows no call of sqlite3_step in {library}: it cannot be judged')

    wrong = sorted(s for s in called if FORBIDDEN.match(s))
    if wrong:
        sys.exit('the store may not use: ' + ' '.join(wrong))

    print(f'{len(called)} symbols from outside, none of them forbidden')


if __name__ == '__main__':
    main()
