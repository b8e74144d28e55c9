/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "severity.h"

#include <exposured/macro.h>

/*
 * The first row that fits counts. Critical stays on the screen until somebody reacts: only for what laid a
 * service open. Low may go to a history without being shown: for what hardly moved a service that stays
 * well protected.
 */
static const struct {
        unsigned exposure, loss;        /* at least, in tenths */
        enum urgency urgency;
} severities[] = {
        { .exposure = 90, .loss = 10, .urgency = URGENCY_CRITICAL },
        { .exposure = 75, .loss = 20, .urgency = URGENCY_CRITICAL },
        { .exposure = 0,  .loss = 40, .urgency = URGENCY_CRITICAL },
        { .exposure = 50, .loss = 0,  .urgency = URGENCY_NORMAL },
        { .exposure = 0,  .loss = 2,  .urgency = URGENCY_NORMAL },
        { .exposure = 0,  .loss = 0,  .urgency = URGENCY_LOW },
};

enum urgency severity_urgency(unsigned before, unsigned after) {
        unsigned loss = after > before ? after - before : 0;

        for (size_t i = 0; i < ELEMENTSOF(severities); i++)
                if (after >= severities[i].exposure && loss >= severities[i].loss)
                        return severities[i].urgency;
        return URGENCY_LOW;
}
