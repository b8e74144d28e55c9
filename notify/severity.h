/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* As the notification specification numbers them. */
enum urgency {
        URGENCY_LOW,
        URGENCY_NORMAL,
        URGENCY_CRITICAL,
};

/* How urgent it is that a unit lost so much and is that exposed now; both in tenths. */
enum urgency severity_urgency(unsigned before, unsigned after);
