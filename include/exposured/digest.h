/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, which tells one state from another. It guards against change, not against an enemy. */
#define DIGEST_NOTHING UINT64_C(0xcbf29ce484222325)

/* The digest of what came before, continued by these bytes. */
static inline uint64_t digest(uint64_t before, const void *data, size_t size) {
        const uint8_t *bytes = data;

        for (size_t i = 0; i < size; i++)
                /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it loses track of arrays */
                before = (before ^ bytes[i]) * UINT64_C(0x100000001b3);
        return before;
}
