/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <strings.h>

#include <exposured/macro.h>

int environment_boolean(const char *name) {
        static const char *const yes[] = { "1", "yes", "true", "on" };
        static const char *const no[] = { "0", "no", "false", "off" };
        const char *value = getenv(name);

        for (size_t i = 0; value && i < ELEMENTSOF(yes); i++) {
                if (strcasecmp(value, yes[i]) == 0)
                        return true;
                if (strcasecmp(value, no[i]) == 0)
                        return false;
        }
        return -1;
}
