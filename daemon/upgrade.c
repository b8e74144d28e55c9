/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <exposured/macro.h>

#include "batch.h"
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

int upgrade_join(struct upgrade *upgrade, struct batch *batch) {
        int r;

        if (!upgrade->event)
                return 0;
        r = batch_add_event(batch, upgrade->event);
        if (r < 0)
                return r;
        batch->upgrade = upgrade->event;
        upgrade->event = event_unref(upgrade->event);
        return 0;
}
