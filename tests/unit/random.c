/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "random.h"

static uint64_t state;

void random_start(void) {
        const char *seed = getenv("TEST_SEED");

        state = seed ? strtoull(seed, NULL, 0) : (uint64_t) time(NULL);
        printf("TEST_SEED=%" PRIu64 "\n", state);
        fflush(stdout);
}

/* SplitMix64 */
uint64_t random_next(void) {
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint64_t random_below(uint64_t n) {
        return random_next() % n;
}

bool random_coin(void) {
        return random_next() & 1;
}
