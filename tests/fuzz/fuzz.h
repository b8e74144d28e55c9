/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A fuzzer: one parser, and what must be true of everything that comes out of it. The same source is
 * built in two ways: with libFuzzer, which invents inputs, or with replay.c, which runs those of the
 * corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert() it is there in every build. Ends the process, so that the input is kept. */
#define fuzz_assert(condition)                                                                        \
        do {                                                                                          \
                if (!(condition)) {                                                                   \
                        (void) fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                      \
                }                                                                                     \
        } while (0)
