/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <linux/capability.h>

#include "rules.h"

#define CAPABILITY(cap) (UINT64_C(1) << (cap))

static bool has_mount_namespace(const struct facts *facts) {
        return facts->private_mounts ||
                facts->private_devices ||
                facts->private_tmp ||
                facts->protect_control_groups ||
                facts->protect_kernel_modules ||
                facts->protect_kernel_tunables ||
                facts->protect_home != PROTECT_HOME_NO ||
                facts->protect_system != PROTECT_SYSTEM_NO ||
                facts->root_image != ROOT_UNSET;
}

static uint64_t dropped_capabilities(const struct facts *facts) {
        uint64_t dropped = 0;

        if (facts->private_devices)
                dropped |= CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_SYS_RAWIO);
        if (facts->protect_clock)
                dropped |= CAPABILITY(CAP_SYS_TIME) | CAPABILITY(CAP_WAKE_ALARM);
        if (facts->protect_kernel_logs)
                dropped |= CAPABILITY(CAP_SYSLOG);
        if (facts->protect_kernel_modules)
                dropped |= CAPABILITY(CAP_SYS_MODULE);

        return dropped;
}

void facts_imply(struct facts *facts) {
        facts->private_mounts = has_mount_namespace(facts);
        facts->capability_bounding_set &= ~dropped_capabilities(facts);
}
