/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* What happens to the files of a unit, and the causes that are found for it. Entries are of a folder. */

#define UNIT "usr/foo.service"
#define UNIT_ETC "etc/foo.service"
#define OVERRIDE "etc/foo.service.d/override.conf"
#define VENDOR "usr/foo.service.d/10-x.conf"
#define VENDOR_ETC "etc/foo.service.d/10-x.conf"
#define ALL_SERVICES "etc/service.d/10-x.conf"
#define CONTROL "etc/systemd/system.control/foo.service.d/50-MemoryMax.conf"
#define USER_CONTROL "run/user/1/systemd/user.control/foo.service.d/50-MemoryMax.conf"
#define TRANSIENT "run/systemd/transient/foo.service"
#define TRANSIENT_DROP_IN "run/systemd/transient/foo.service.d/50-MemoryMax.conf"

#define SERVICE "[Service]\nExecStart=/bin/true\n"
#define OPEN "[Service]\nProtectHome=no\n"
#define CLOSED "[Service]\nProtectHome=yes\n"

struct step {
        enum { END, WRITE, PRIVATE, LINK, REMOVE, RENAME, TOUCH } kind;
        const char *entry, *text;
};

struct scenario {
        const char *name;
        struct step before[6];
        const char *fragment, *drop_ins[4];
        struct step change[6];
        const char *new_fragment, *new_drop_ins[4];
        const char *causes; /* "change entry", then the lines, of each */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;
