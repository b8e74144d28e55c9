/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>
#include <string.h>

#include <exposured/facts.h>

/* The members stand from wide to narrow, so nothing but the end is padding. */
#define FACTS_BYTES (offsetof(struct facts, supplementary_groups) + sizeof(bool))

_Static_assert(sizeof(struct facts) - FACTS_BYTES < _Alignof(struct facts),
               "supplementary_groups is the last of the facts");

void facts_init(struct facts *facts) {
        memset(facts, 0, sizeof(*facts));

        facts->capability_bounding_set = UINT64_MAX;
        facts->restrict_namespaces = UINT64_MAX;
        facts->system_call_filter_empty = true;
        facts->umask = 0002;
        facts->protect_home = PROTECT_HOME_ABSENT;
        facts->protect_system = PROTECT_SYSTEM_ABSENT;
        facts->default_dependencies = true;
}

bool facts_equal(const struct facts *a, const struct facts *b) {
        return memcmp(a, b, FACTS_BYTES) == 0;
}
