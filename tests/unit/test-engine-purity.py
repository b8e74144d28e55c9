#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the engine's library calls nothing but what it may: no bus, no files, no printing."""

import re
import subprocess
import sys

ALLOWED = {'bcmp', 'bsearch', 'free', 'memcmp', 'memcpy', 'memmove', 'memset', 'strcmp'}

# What compilers add by themselves: stack protector, fortification, sanitizers, coverage, relocation.
TOOLCHAIN = re.compile(
    r'__stack_chk_|__mem\w+_chk$|__(asan|ubsan|sanitizer|gcov|llvm)_|_GLOBAL_OFFSET_TABLE_$')


def symbols(library, option):
    output = subprocess.run(['nm', option, '-P', library], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in output.splitlines() if line and not line.endswith(':')}


def main():
    library = sys.argv[1]

    defined = symbols(library, '--defined-only')
    called = symbols(library, '--undefined-only') - defined

    if not {'assess', 'check_info', 'facts_equal', 'model_init'} <= defined:
        sys.exit(f'{library} is not the engine')
    if 'strcmp' not in called:
        sys.exit(f'nm shows no call of strcmp in {library}: it cannot be judged')

    wrong = sorted(s for s in called if s not in ALLOWED and not TOOLCHAIN.match(s))
    if wrong:
        sys.exit('the engine may not use: ' + ' '.join(wrong))

    print(f'{len(called)} symbols from outside, all allowed')


if __name__ == '__main__':
    main()
