/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cause.h"

#include <exposured/macro.h>

#include "event.h"

/* The words of exposured, and what they mean. Others are shown as they are. */
static const struct {
        const char *change, *text;
} changes[] = {
        { "created",  "was created" },
        { "removed",  "was removed" },
        { "changed",  "was changed" },
        { "relinked", "points elsewhere" },
        { "property", "was set at run time" },
        { "manager",  "systemd itself changed" },
        { "expired",  "an acceptance expired" },
        { "limit",    "more exposed than new units may be" },
        { "unknown",  "the cause is not known" },
};

const char *cause_text(const struct event_cause *cause) {
        for (size_t i = 0; i < ELEMENTSOF(changes); i++)
                if (streq(cause->change, changes[i].change))
                        return changes[i].text;
        return cause->change;
}
