/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/assessment.h>

/* What systemd-analyze security says of one check. */
struct expected {
        const char *json_field;
        const char *name;
        uint64_t weight;
        uint64_t range;
        uint8_t plain_badness;          /* of facts_plain() */
        uint8_t plain_share;
        uint8_t halfway_badness;        /* of facts_halfway() */
        uint8_t halfway_share;
};

extern const struct expected expected[_CHECK_MAX];
