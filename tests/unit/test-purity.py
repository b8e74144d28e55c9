#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a library calls nothing but what it may.

    test-purity.py engine|store LIBRARY"""

import dataclasses
import re
import subprocess
import sys

# What compilers add by themselves: stack protector, fortification, sanitizers, coverage, relocation.
TOOLCHAIN = r'__stack_chk_|__mem\w+_chk$|__(asan|ubsan|sanitizer|gcov|llvm)_|_GLOBAL_OFFSET_TABLE_$'


@dataclasses.dataclass
class Rule:
    defines: set        # without these it is another library
    calls: str          # it does; where nm does not show that it shows nothing
    allowed: str = ''
    forbidden: str = '$'


RULES = {
    # No bus, no files, no printing.
    'engine': Rule(
        defines={'assess', 'check_info', 'facts_equal', 'model_init'},
        calls='strcmp',
        allowed=r'(bcmp|bsearch|free|memcmp|memcpy|memmove|memset|strcmp)$|' + TOOLCHAIN),
    # No bus, no JSON, no journal, no printing, no processes.
    'store': Rule(
        defines={'store_open', 'store_commit', 'store_each_event'},
        calls='sqlite3_step',
        forbidden=r'(sd_|json_|seccomp_)|v?f?printf$|v?dprintf$|puts$|fputs$|putchar$|perror$|std(out|err)$|v?syslog$|'
                  r'v?fork$|popen$|system$|exec[lv]p?e?$|posix_spawn|exit$|abort$'),
}


def symbols(library, option):
    output = subprocess.run(['nm', option, '-P', library], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in output.splitlines() if line and not line.endswith(':')}


def main():
    name, library = sys.argv[1:]
    rule = RULES[name]
    defined = symbols(library, '--defined-only')
    called = symbols(library, '--undefined-only') - defined
    if not rule.defines <= defined:
        sys.exit(f'{library} is not the {name}')
    if rule.calls not in called:
        sys.exit(f'nm shows no call of {rule.calls} in {library}: it cannot be judged')
    wrong = sorted(s for s in called if re.match(rule.forbidden, s) or not re.match(rule.allowed, s))
    if wrong:
        sys.exit(f'the {name} may not use: ' + ' '.join(wrong))
    print(f'{len(called)} symbols from outside, all allowed')


if __name__ == '__main__':
    main()
