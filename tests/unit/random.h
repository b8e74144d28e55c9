/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Random numbers that can be had again. Takes $TEST_SEED, or a new seed, and prints it. */
void random_start(void);

uint64_t random_next(void);

/* 0 to n - 1 */
uint64_t random_below(uint64_t n);
bool random_coin(void);
