/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "batch.h"
#include "log.h"
#include "timer.h"
#include "upgrade.h"

bool upgrade_waits(struct upgrade *upgrade, uint64_t settle_usec) {
        uint64_t now = timer_now();

        if (!upgrade->event)
                return false;
        if (upgrade->due == 0)
                upgrade->due = now + settle_usec;
        return upgrade->due > now;
}

void upgrade_join(struct upgrade *upgrade, struct batch *batch) {
        if (!upgrade->event)
                return;
        if (batch_add_event(batch, upgrade->event) < 0) {
                (void) log_oom();
                return;
        }
        batch->upgrade = upgrade->event;
        upgrade->event = event_unref(upgrade->event);
}
