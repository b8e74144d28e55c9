/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#include "cause.h"
#include "diff.h"
#include "memory.h"
#include "strv.h"
#include "suite.h"
#include "temp.h"
#include "timer.h"

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

static const struct scenario scenarios[] = {
        {
                "nothing happened",
                { { WRITE, UNIT, SERVICE }, { WRITE, OVERRIDE, OPEN } }, UNIT, { OVERRIDE },
                {}, UNIT, { OVERRIDE },
                "unknown \n",
        },
        { "no files at all", {}, NULL, {}, {}, NULL, {}, "unknown \n" },
        {
                "the fragment is written to",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { WRITE, UNIT, OPEN } }, UNIT, {},
                "changed usr/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "the fragment is replaced",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { WRITE, "usr/new", OPEN }, { RENAME, "usr/new", UNIT } }, UNIT, {},
                "changed usr/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "written with the same size at the same time",
                { { WRITE, UNIT, "[Service]\nUMask=0077\n" }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { WRITE, UNIT, "[Service]\nUMask=0022\n" }, { TOUCH, UNIT, "1" } }, UNIT, {},
                "changed usr/foo.service\n-UMask=0077\n+UMask=0022\n",
        },
        {
                "a private file is written to",
                { { PRIVATE, UNIT, CLOSED }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { WRITE, UNIT, OPEN }, { PRIVATE, UNIT, NULL }, { TOUCH, UNIT, "2" } }, UNIT, {},
                "changed usr/foo.service\n",
        },
        {
                "a private file is written to, and keeps its size",
                { { PRIVATE, UNIT, "[Service]\nUMask=0077\n" }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { WRITE, UNIT, "[Service]\nUMask=0022\n" }, { TOUCH, UNIT, "2" } }, UNIT, {},
                "changed usr/foo.service\n",
        },
        {
                "a private file is written to, and keeps its time",
                { { PRIVATE, UNIT, CLOSED }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { WRITE, UNIT, OPEN }, { TOUCH, UNIT, "1" } }, UNIT, {},
                "changed usr/foo.service\n",
        },
        {
                "a private file is replaced by another one of its size and time",
                { { PRIVATE, UNIT, "[Service]\nUMask=0077\n" }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { PRIVATE, "usr/new", "[Service]\nUMask=0022\n" }, { TOUCH, "usr/new", "1" },
                  { RENAME, "usr/new", UNIT } }, UNIT, {},
                "changed usr/foo.service\n",
        },
        {
                "a private file is as it was",
                { { PRIVATE, UNIT, CLOSED } }, UNIT, {},
                {}, UNIT, {},
                "unknown \n",
        },
        {
                "a file is made private, and says the same",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { PRIVATE, UNIT, NULL } }, UNIT, {},
                "unknown \n",
        },
        {
                "a file is made private, and written to",
                { { WRITE, UNIT, CLOSED }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { PRIVATE, UNIT, NULL }, { WRITE, UNIT, OPEN } }, UNIT, {},
                "changed usr/foo.service\n",
        },
        {
                "touched",
                { { WRITE, UNIT, SERVICE }, { TOUCH, UNIT, "1" } }, UNIT, {},
                { { TOUCH, UNIT, "2" } }, UNIT, {},
                "unknown \n",
        },
        {
                "touched, while another one changes",
                { { WRITE, UNIT, SERVICE }, { TOUCH, UNIT, "1" }, { WRITE, OVERRIDE, CLOSED } },
                UNIT, { OVERRIDE },
                { { TOUCH, UNIT, "2" }, { WRITE, OVERRIDE, OPEN } }, UNIT, { OVERRIDE },
                "changed etc/foo.service.d/override.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "replaced by a file that says the same",
                { { WRITE, UNIT, SERVICE }, { WRITE, OVERRIDE, CLOSED } }, UNIT, { OVERRIDE },
                { { WRITE, "usr/new", SERVICE }, { RENAME, "usr/new", UNIT }, { WRITE, OVERRIDE, OPEN } },
                UNIT, { OVERRIDE },
                "changed etc/foo.service.d/override.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "only a comment is changed",
                { { WRITE, UNIT, "# one\n" SERVICE } }, UNIT, {},
                { { WRITE, UNIT, "# two\n\n" SERVICE } }, UNIT, {},
                "unknown \n",
        },
        {
                "systemctl edit",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, OVERRIDE, OPEN } }, UNIT, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n+ProtectHome=no\n",
        },
        {
                "the first drop-in of a unit without a fragment",
                {}, NULL, {},
                { { WRITE, OVERRIDE, OPEN } }, NULL, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n+ProtectHome=no\n",
        },
        {
                "a drop-in that nobody else may read",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { PRIVATE, OVERRIDE, OPEN } }, UNIT, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n",
        },
        {
                "a drop-in is removed",
                { { WRITE, UNIT, SERVICE }, { WRITE, OVERRIDE, CLOSED } }, UNIT, { OVERRIDE },
                { { REMOVE, OVERRIDE, NULL } }, UNIT, {},
                "removed etc/foo.service.d/override.conf\n-ProtectHome=yes\n",
        },
        {
                "a file is removed, and the unit not loaded again",
                { { WRITE, UNIT, SERVICE }, { WRITE, OVERRIDE, CLOSED } }, UNIT, { OVERRIDE },
                { { REMOVE, OVERRIDE, NULL } }, UNIT, { OVERRIDE },
                "removed etc/foo.service.d/override.conf\n-ProtectHome=yes\n",
        },
        {
                "a file that was missing is there",
                { { WRITE, UNIT, SERVICE } }, UNIT, { OVERRIDE },
                { { WRITE, OVERRIDE, OPEN } }, UNIT, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n+ProtectHome=no\n",
        },
        {
                "a drop-in came and went",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                {}, UNIT, { OVERRIDE },
                "unknown \n",
        },
        {
                "a drop-in with comments alone, and another one",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, OVERRIDE, "# nothing\n" }, { WRITE, ALL_SERVICES, OPEN } },
                UNIT, { ALL_SERVICES, OVERRIDE },
                "created etc/service.d/10-x.conf\n+ProtectHome=no\n",
        },
        {
                "a drop-in with comments alone",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, OVERRIDE, "# nothing\n" } }, UNIT, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n",
        },
        {
                "drop-ins of the other kinds are paths like others",
                { { WRITE, UNIT, SERVICE }, { WRITE, "etc/foo@.service.d/a.conf", CLOSED } },
                UNIT, { "etc/foo@.service.d/a.conf" },
                { { WRITE, ALL_SERVICES, "A=1\n" }, { WRITE, "etc/foo-.service.d/b.conf", "B=1\n" },
                  { WRITE, "etc/foo@.service.d/a.conf", OPEN } },
                UNIT, { ALL_SERVICES, "etc/foo-.service.d/b.conf", "etc/foo@.service.d/a.conf" },
                "created etc/foo-.service.d/b.conf\n+B=1\n"
                "changed etc/foo@.service.d/a.conf\n-ProtectHome=yes\n+ProtectHome=no\n"
                "created etc/service.d/10-x.conf\n+A=1\n",
        },

        /* One file stands before another. */
        {
                "systemctl edit --full",
                { { WRITE, UNIT, SERVICE "ProtectHome=yes\n" } }, UNIT, {},
                { { WRITE, UNIT_ETC, SERVICE "ProtectHome=no\n" } }, UNIT_ETC, {},
                "created etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "systemctl edit --full, and nothing is changed",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, UNIT_ETC, SERVICE } }, UNIT_ETC, {},
                "created etc/foo.service\n",
        },
        {
                "the overriding fragment is removed",
                { { WRITE, UNIT, SERVICE "ProtectHome=no\n" },
                  { WRITE, UNIT_ETC, SERVICE "ProtectHome=yes\n" } },
                UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL } }, UNIT, {},
                "removed etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "systemctl revert",
                { { WRITE, UNIT, SERVICE }, { WRITE, UNIT_ETC, SERVICE "ProtectHome=yes\n" },
                  { WRITE, OVERRIDE, "[Service]\nUMask=0077\n" },
                  { WRITE, CONTROL, "[Service]\nMemoryMax=1\n" } },
                UNIT_ETC, { OVERRIDE, CONTROL },
                { { REMOVE, UNIT_ETC, NULL }, { REMOVE, OVERRIDE, NULL }, { REMOVE, CONTROL, NULL } },
                UNIT, {},
                "removed etc/foo.service\n-ProtectHome=yes\n"
                "removed etc/foo.service.d/override.conf\n-UMask=0077\n"
                "property " CONTROL "\n-MemoryMax=1\n",
        },
        {
                "a unit of an instance stands before its template",
                { { WRITE, "usr/foo@.service", CLOSED } }, "usr/foo@.service", {},
                { { WRITE, "etc/foo@a.service", OPEN } }, "etc/foo@a.service", {},
                "created etc/foo@a.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "a drop-in stands before the one of its name",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, CLOSED } }, UNIT, { VENDOR },
                { { WRITE, VENDOR_ETC, OPEN } }, UNIT, { VENDOR_ETC },
                "created etc/foo.service.d/10-x.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "a drop-in of the unit stands before the one for all services",
                { { WRITE, UNIT, SERVICE }, { WRITE, ALL_SERVICES, CLOSED } }, UNIT, { ALL_SERVICES },
                { { WRITE, VENDOR, OPEN } }, UNIT, { VENDOR },
                "created usr/foo.service.d/10-x.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "the drop-in that stood before another is removed",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, OPEN }, { WRITE, VENDOR_ETC, CLOSED } },
                UNIT, { VENDOR_ETC },
                { { REMOVE, VENDOR_ETC, NULL } }, UNIT, { VENDOR },
                "removed etc/foo.service.d/10-x.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "a drop-in is renamed",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, CLOSED } }, UNIT, { VENDOR },
                { { RENAME, VENDOR, "usr/foo.service.d/90-x.conf" } },
                UNIT, { "usr/foo.service.d/90-x.conf" },
                "removed usr/foo.service.d/10-x.conf\n-ProtectHome=yes\n"
                "created usr/foo.service.d/90-x.conf\n+ProtectHome=yes\n",
        },

        /* Masks. */
        {
                "a drop-in is masked",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, CLOSED } }, UNIT, { VENDOR },
                { { LINK, VENDOR_ETC, "/dev/null" } }, UNIT, { VENDOR_ETC },
                "relinked etc/foo.service.d/10-x.conf\n-ProtectHome=yes\n",
        },
        {
                "a drop-in is masked by an empty file",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, CLOSED } }, UNIT, { VENDOR },
                { { WRITE, VENDOR_ETC, "" } }, UNIT, { VENDOR_ETC },
                "created etc/foo.service.d/10-x.conf\n-ProtectHome=yes\n",
        },
        {
                "a masked drop-in comes back",
                { { WRITE, UNIT, SERVICE }, { WRITE, VENDOR, OPEN }, { LINK, VENDOR_ETC, "/dev/null" } },
                UNIT, { VENDOR_ETC },
                { { REMOVE, VENDOR_ETC, NULL } }, UNIT, { VENDOR },
                "removed etc/foo.service.d/10-x.conf\n+ProtectHome=no\n",
        },
        {
                "a drop-in is replaced by a mask",
                { { WRITE, UNIT, SERVICE }, { WRITE, OVERRIDE, CLOSED } }, UNIT, { OVERRIDE },
                { { REMOVE, OVERRIDE, NULL }, { LINK, OVERRIDE, "/dev/null" } }, UNIT, { OVERRIDE },
                "relinked etc/foo.service.d/override.conf\n-ProtectHome=yes\n",
        },
        {
                "a drop-in that nobody else may read is masked",
                { { WRITE, UNIT, SERVICE }, { PRIVATE, VENDOR, CLOSED } }, UNIT, { VENDOR },
                { { LINK, VENDOR_ETC, "/dev/null" } }, UNIT, { VENDOR_ETC },
                "relinked etc/foo.service.d/10-x.conf\n",
        },
        {
                "the unit is masked",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { LINK, UNIT_ETC, "/dev/null" } }, UNIT_ETC, {},
                "relinked etc/foo.service\n-ProtectHome=yes\n",
        },
        {
                "a mask is as it was",
                { { WRITE, UNIT, CLOSED }, { LINK, VENDOR_ETC, "/dev/null" } }, UNIT, { VENDOR_ETC },
                { { WRITE, UNIT, OPEN } }, UNIT, { VENDOR_ETC },
                "changed usr/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },

        /* Links. */
        {
                "a link points elsewhere",
                { { WRITE, "opt/a.service", CLOSED }, { WRITE, "opt/b.service", OPEN },
                  { LINK, UNIT_ETC, "../opt/a.service" } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL }, { LINK, UNIT_ETC, "../opt/b.service" } }, UNIT_ETC, {},
                "relinked etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "a link points elsewhere, where the same is said",
                { { WRITE, "opt/a.service", CLOSED }, { LINK, UNIT_ETC, "../opt/a.service" } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL }, { LINK, UNIT_ETC, ".././opt/a.service" } }, UNIT_ETC, {},
                "relinked etc/foo.service\n",
        },
        {
                "the same, while another one changes",
                { { WRITE, "opt/a.service", SERVICE }, { LINK, UNIT_ETC, "../opt/a.service" },
                  { WRITE, VENDOR, CLOSED } },
                UNIT_ETC, { VENDOR },
                { { REMOVE, UNIT_ETC, NULL }, { LINK, UNIT_ETC, ".././opt/a.service" },
                  { WRITE, VENDOR, OPEN } },
                UNIT_ETC, { VENDOR },
                "changed usr/foo.service.d/10-x.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "the second link of a chain points elsewhere",
                { { WRITE, "opt/a.service", CLOSED }, { WRITE, "opt/b.service", OPEN },
                  { LINK, "opt/link", "a.service" }, { LINK, UNIT_ETC, "../opt/link" } }, UNIT_ETC, {},
                { { REMOVE, "opt/link", NULL }, { LINK, "opt/link", "b.service" } }, UNIT_ETC, {},
                "changed etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "what a link leads to changes",
                { { WRITE, "opt/a.service", CLOSED }, { LINK, UNIT_ETC, "../opt/a.service" } }, UNIT_ETC, {},
                { { WRITE, "opt/a.service", OPEN } }, UNIT_ETC, {},
                "changed etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "what a link leads to is removed",
                { { WRITE, "opt/a.service", CLOSED }, { LINK, UNIT_ETC, "../opt/a.service" } }, UNIT_ETC, {},
                { { REMOVE, "opt/a.service", NULL } }, UNIT_ETC, {},
                "removed etc/foo.service\n-ProtectHome=yes\n",
        },
        {
                "a link that leads nowhere points elsewhere, where there is nothing",
                { { LINK, UNIT_ETC, "a" } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL }, { LINK, UNIT_ETC, "b" } }, UNIT_ETC, {},
                "relinked etc/foo.service\n",
        },
        {
                "a link out of what is seen, and nothing else",
                { { LINK, UNIT_ETC, "unseen" } }, UNIT_ETC, {},
                {}, UNIT_ETC, {},
                "changed etc/foo.service\n",
        },
        {
                "a link out of what is seen, while another one changes",
                { { LINK, UNIT_ETC, "unseen" }, { WRITE, OVERRIDE, CLOSED } }, UNIT_ETC, { OVERRIDE },
                { { WRITE, OVERRIDE, OPEN } }, UNIT_ETC, { OVERRIDE },
                "changed etc/foo.service.d/override.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "a link out of what is seen instead of a file",
                { { WRITE, UNIT_ETC, CLOSED } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL }, { LINK, UNIT_ETC, "unseen" } }, UNIT_ETC, {},
                "relinked etc/foo.service\n",
        },
        {
                "a file instead of a link out of what is seen",
                { { LINK, UNIT_ETC, "unseen" } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL }, { WRITE, UNIT_ETC, OPEN } }, UNIT_ETC, {},
                "created etc/foo.service\n",
        },
        {
                "systemctl link out of what is seen",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { LINK, UNIT_ETC, "unseen" } }, UNIT_ETC, {},
                "created etc/foo.service\n",
        },
        {
                "systemctl revert of that",
                { { WRITE, UNIT, CLOSED }, { LINK, UNIT_ETC, "unseen" } }, UNIT_ETC, {},
                { { REMOVE, UNIT_ETC, NULL } }, UNIT, {},
                "removed etc/foo.service\n",
        },
        {
                "a drop-in that is a link out of what is seen",
                { { WRITE, UNIT, CLOSED } }, UNIT, {},
                { { LINK, OVERRIDE, "unseen" } }, UNIT, { OVERRIDE },
                "created etc/foo.service.d/override.conf\n",
        },
        {
                "systemctl link",
                { { WRITE, UNIT, CLOSED }, { WRITE, "opt/foo.service", OPEN } }, UNIT, {},
                { { LINK, UNIT_ETC, "../opt/foo.service" } }, UNIT_ETC, {},
                "created etc/foo.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "an alias leads to another unit",
                { { WRITE, "usr/a.service", CLOSED }, { WRITE, "usr/b.service", OPEN } }, "usr/a.service", {},
                {}, "usr/b.service", {},
                "relinked usr/b.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "an alias leads to another unit, for one is removed",
                { { WRITE, "usr/a.service", CLOSED }, { WRITE, "usr/b.service", OPEN } }, "usr/a.service", {},
                { { REMOVE, "usr/a.service", NULL } }, "usr/b.service", {},
                "removed usr/a.service\n-ProtectHome=yes\n+ProtectHome=no\n",
        },
        {
                "an alias with its drop-ins is the unit's no more",
                { { WRITE, UNIT, SERVICE }, { WRITE, "etc/alias.service.d/20.conf", CLOSED } },
                UNIT, { "etc/alias.service.d/20.conf" },
                {}, UNIT, {},
                "relinked etc/alias.service.d/20.conf\n-ProtectHome=yes\n",
        },
        {
                "the same files by another path",
                { { WRITE, "usr/lib/foo.service", SERVICE }, { LINK, "lib", "usr/lib" },
                  { WRITE, OVERRIDE, CLOSED } },
                "lib/foo.service", { OVERRIDE },
                {}, "usr/lib/foo.service", { OVERRIDE },
                "unknown \n",
        },
        {
                "the same files by another path, while another one changes",
                { { WRITE, "usr/lib/foo.service", SERVICE }, { LINK, "lib", "usr/lib" },
                  { WRITE, OVERRIDE, CLOSED } },
                "lib/foo.service", { OVERRIDE },
                { { WRITE, OVERRIDE, OPEN } }, "usr/lib/foo.service", { OVERRIDE },
                "changed etc/foo.service.d/override.conf\n-ProtectHome=yes\n+ProtectHome=no\n",
        },

        /* At run time. */
        {
                "systemctl set-property",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, CONTROL, "# by systemctl\n[Service]\nMemoryMax=1\n" } }, UNIT, { CONTROL },
                "property " CONTROL "\n+MemoryMax=1\n",
        },
        {
                "systemctl set-property, again",
                { { WRITE, UNIT, SERVICE }, { WRITE, CONTROL, "[Service]\nMemoryMax=1\n" } },
                UNIT, { CONTROL },
                { { WRITE, CONTROL, "[Service]\nMemoryMax=2\n" } }, UNIT, { CONTROL },
                "property " CONTROL "\n-MemoryMax=1\n+MemoryMax=2\n",
        },
        {
                "systemctl --user set-property",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, USER_CONTROL, "[Service]\nMemoryMax=1\n" } }, UNIT, { USER_CONTROL },
                "property " USER_CONTROL "\n+MemoryMax=1\n",
        },
        {
                "systemd-run, again",
                { { WRITE, TRANSIENT, CLOSED } }, TRANSIENT, {},
                { { WRITE, TRANSIENT, OPEN }, { WRITE, TRANSIENT_DROP_IN, "[Service]\nMemoryMax=1\n" } },
                TRANSIENT, { TRANSIENT_DROP_IN },
                "property " TRANSIENT "\n-ProtectHome=yes\n+ProtectHome=no\n"
                "property " TRANSIENT_DROP_IN "\n+MemoryMax=1\n",
        },
        {
                "a folder that only sounds like one of the manager's",
                { { WRITE, UNIT, SERVICE } }, UNIT, {},
                { { WRITE, "etc/system.control/foo.service.d/a.conf", OPEN } },
                UNIT, { "etc/system.control/foo.service.d/a.conf" },
                "created etc/system.control/foo.service.d/a.conf\n+ProtectHome=no\n",
        },
};

static void take_step(const char *folder, const struct step *step) {
        _cleanup_(freep) char *path = temp_path(folder, step->entry);

        switch (step->kind) {
        case WRITE:
                temp_write(folder, step->entry, step->text);
                break;
        case PRIVATE:
                if (step->text)
                        temp_write(folder, step->entry, step->text);
                ck_assert_int_eq(chmod(path, 0600), 0);
                break;
        case LINK:
                temp_symlink(folder, step->entry, step->text);
                break;
        case REMOVE:
                temp_remove(folder, step->entry);
                break;
        case RENAME:
                temp_rename(folder, step->entry, step->text);
                break;
        case TOUCH: {
                struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = atoi(step->text) } };

                ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
                break;
        }
        default:
                ck_abort();
        }
}

static void take_steps(const char *folder, const struct step *steps) {
        for (; steps->kind != END; steps++)
                take_step(folder, steps);
}

static struct snapshot take(const char *folder, const char *fragment, const char *const *drop_ins) {
        _cleanup_(freep) char *path = fragment ? temp_path(folder, fragment) : NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        struct snapshot snapshot;

        for (; *drop_ins; drop_ins++) {
                _cleanup_(freep) char *drop_in = temp_path(folder, *drop_ins);

                ck_assert_int_eq(strv_extend(&paths, drop_in), 0);
        }
        ck_assert_int_eq(snapshot_take(&snapshot, path, paths, false), 0);
        return snapshot;
}

/* As the scenarios have them. */
static char *causes_text(const char *folder, const struct causes *causes) {
        size_t prefix = strlen(folder) + 1, size;
        char *text;
        FILE *f = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(f);
        for (size_t i = 0; i < causes->n_causes; i++) {
                const struct cause *cause = &causes->causes[i];

                fprintf(f, "%s %s\n", cause->change, *cause->path ? cause->path + prefix : "");
                for (char **line = cause->lines; line && *line; line++)
                        fprintf(f, "%s\n", *line);
        }
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static void assert_causes(const char *folder, const struct snapshot *before, const struct snapshot *now,
                          bool manager_changed, const char *name, const char *expected) {
        _cleanup_(causes_done) struct causes causes = {};
        _cleanup_(freep) char *text = NULL;

        ck_assert_int_eq(causes_find(before, now, manager_changed, &causes), 0);
        text = causes_text(folder, &causes);
        ck_assert_msg(streq(text, expected), "%s:\n%sexpected:\n%s", name, text, expected);
}

static void copy_by_store(struct snapshot *snapshot) {
        struct snapshot copy = {};

        for (size_t i = 0; i < snapshot->n_files; i++) {
                struct store_file file;

                file_state_to_store(&snapshot->files[i], &file);
                ck_assert_int_eq(snapshot_from_store(&copy, &file), 0);
        }
        snapshot_done(snapshot);
        *snapshot = copy;
}

START_TEST(each_scenario) {
        const struct scenario *s = &scenarios[_i];
        bool unknown = streq(s->causes, "unknown \n");
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};

        take_steps(folder, s->before);
        before = take(folder, s->fragment, s->drop_ins);
        take_steps(folder, s->change);
        now = take(folder, s->new_fragment, s->new_drop_ins);
        assert_causes(folder, &before, &now, false, s->name, s->causes);

        /* Another manager explains only what nothing else does. */
        assert_causes(folder, &before, &now, true, s->name, unknown ? "manager \n" : s->causes);

        /* A snapshot of an earlier run is as good. */
        copy_by_store(&before);
        assert_causes(folder, &before, &now, false, s->name, s->causes);
}
END_TEST

START_TEST(before_is_not_known) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot now = {};

        temp_write(folder, UNIT, SERVICE);
        now = take(folder, UNIT, (const char *[]) { NULL });
        assert_causes(folder, NULL, &now, false, "unknown", "unknown \n");
        assert_causes(folder, NULL, &now, true, "manager", "manager \n");
}
END_TEST

/* The kernel stamps files with a clock that may be some milliseconds late. */
#define CLOCK_USEC (100 * USEC_PER_MSEC)

static uint64_t only_time(const struct snapshot *before, const struct snapshot *now, const char *change) {
        _cleanup_(causes_done) struct causes causes = {};

        ck_assert_int_eq(causes_find(before, now, false, &causes), 0);
        ck_assert_uint_eq(causes.n_causes, 1);
        ck_assert_str_eq(causes.causes[0].change, change);
        return causes.causes[0].time;
}

/* The time at which the file came, though it says it was written in 1970, or will be in 2100. */
START_TEST(time_of_the_file) {
        const char *const times[] = { "1", "4102444800" };

        for (size_t i = 0; i < ELEMENTSOF(times); i++) {
                _cleanup_(temp_freep) char *folder = temp_new();
                _cleanup_(snapshot_done) struct snapshot before = {}, now = {};
                uint64_t start, end, time;

                before = take(folder, NULL, (const char *[]) { NULL });
                start = timer_realtime();
                take_steps(folder, (const struct step[]) { { WRITE, "new", OPEN }, { TOUCH, "new", times[i] },
                                                           { RENAME, "new", OVERRIDE }, {} });
                end = timer_realtime();
                now = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
                /* So that the time of the file is not the time of the question. */
                while (timer_realtime() < end + 2 * CLOCK_USEC)
                        ck_assert_int_eq(usleep(1000), 0);
                time = only_time(&before, &now, "created");
                ck_assert_uint_ge(time, start - CLOCK_USEC);
                ck_assert_uint_le(time, end);
        }
}
END_TEST

START_TEST(time_of_what_is_gone) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};
        uint64_t start, time;

        temp_write(folder, OVERRIDE, OPEN);
        before = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
        temp_remove(folder, OVERRIDE);
        now = take(folder, NULL, (const char *[]) { NULL });
        start = timer_realtime();
        time = only_time(&before, &now, "removed");
        ck_assert_uint_ge(time, start);
        ck_assert_uint_le(time, timer_realtime());

        time = only_time(&now, &now, "unknown");
        ck_assert_uint_ge(time, start);
        ck_assert_uint_le(time, timer_realtime());
}
END_TEST

#define N_DROP_INS (CAUSES_MAX + 8U)

static struct snapshot take_many(const char *folder, const char *text) {
        const char *drop_ins[N_DROP_INS + 1] = {};
        char names[N_DROP_INS][32];

        for (size_t i = 0; i < N_DROP_INS; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "foo.service.d/%zu.conf", i);
                temp_write(folder, names[i], text);
                drop_ins[i] = names[i];
        }
        return take(folder, NULL, drop_ins);
}

static void assert_many(const struct causes *causes) {
        ck_assert_uint_eq(causes->n_causes, CAUSES_MAX);
        for (size_t i = 1; i < causes->n_causes; i++)
                ck_assert_int_lt(strcmp(causes->causes[i - 1].path, causes->causes[i].path), 0);
}

START_TEST(many_causes) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {}, none = {};
        _cleanup_(causes_done) struct causes came = {}, changed = {}, went = {};

        before = take_many(folder, CLOSED);
        now = take_many(folder, OPEN);
        ck_assert_int_eq(causes_find(&none, &now, false, &came), 0);
        ck_assert_int_eq(causes_find(&before, &now, false, &changed), 0);
        ck_assert_int_eq(causes_find(&now, &none, false, &went), 0);
        assert_many(&came);
        assert_many(&changed);
        assert_many(&went);
        ck_assert(!causes_equal(&came, &changed));
        causes_done(&came);
        ck_assert_uint_eq(came.n_causes, 0);
        causes_done(NULL);
}
END_TEST

/* The order in which systemd reads them does not matter, nor what the file says. */
START_TEST(equal) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot none = {}, forth = {}, back = {}, first = {}, last = {};
        _cleanup_(causes_done) struct causes a = {}, b = {}, c = {}, d = {}, unknown = {}, manager = {};

        temp_write(folder, "foo.service.d/a.conf", OPEN);
        temp_write(folder, "foo.service.d/b.conf", OPEN);
        forth = take(folder, NULL, (const char *[]) { "foo.service.d/a.conf", "foo.service.d/b.conf", NULL });
        temp_write(folder, "foo.service.d/b.conf", CLOSED);
        back = take(folder, NULL, (const char *[]) { "foo.service.d/b.conf", "foo.service.d/a.conf", NULL });
        first = take(folder, NULL, (const char *[]) { "foo.service.d/a.conf", NULL });
        last = take(folder, NULL, (const char *[]) { "foo.service.d/b.conf", NULL });
        ck_assert_int_eq(causes_find(&none, &forth, false, &a), 0);
        ck_assert_int_eq(causes_find(&none, &back, true, &b), 0);
        ck_assert_int_eq(causes_find(&none, &first, false, &c), 0);
        ck_assert_int_eq(causes_find(&none, &last, false, &d), 0);
        ck_assert_int_eq(causes_find(&none, &none, false, &unknown), 0);
        ck_assert_int_eq(causes_find(&none, &none, true, &manager), 0);
        ck_assert_uint_eq(a.n_causes, 2);
        ck_assert(causes_equal(&a, &b));
        ck_assert(causes_equal(&unknown, &unknown));
        ck_assert(!causes_equal(&a, &c));
        ck_assert(!causes_equal(&c, &a));
        ck_assert(!causes_equal(&c, &d));
        ck_assert(!causes_equal(&unknown, &manager));
        ck_assert(!causes_equal(&c, &unknown));
        /* The same paths, with another change. */
        b.causes[0].change = cause_change_to_string(CAUSE_CHANGED);
        ck_assert(!causes_equal(&a, &b));
}
END_TEST

START_TEST(to_store) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot none = {}, now = {};
        _cleanup_(causes_done) struct causes causes = {};
        struct store_cause cause;

        temp_write(folder, OVERRIDE, OPEN);
        now = take(folder, NULL, (const char *[]) { OVERRIDE, NULL });
        ck_assert_int_eq(causes_find(&none, &now, false, &causes), 0);
        cause_to_store(&causes.causes[0], &cause);
        ck_assert_str_eq(cause.path, causes.causes[0].path);
        ck_assert_str_eq(cause.change, "created");
        ck_assert_uint_eq(cause.time, causes.causes[0].time);
        ck_assert_str_eq(cause.lines[0], "+ProtectHome=no");
        ck_assert_ptr_null(cause.lines[1]);
}
END_TEST

START_TEST(each_change_has_a_name) {
        for (unsigned i = 0; i < _CAUSE_CHANGE_MAX; i++) {
                ck_assert_uint_gt(strlen(cause_change_to_string(i)), 0);
                for (unsigned k = 0; k < i; k++)
                        ck_assert_str_ne(cause_change_to_string(i), cause_change_to_string(k));
        }
}
END_TEST

struct attempt {
        const struct snapshot *before, *now;
};

static int attempt(void *userdata) {
        _cleanup_(causes_done) struct causes causes = {};
        struct attempt *a = userdata;
        int r;

        r = causes_find(a->before, a->now, false, &causes);
        if (r < 0)
                ck_assert_uint_eq(causes.n_causes, 0);
        return r;
}

START_TEST(out_of_memory) {
        _cleanup_(temp_freep) char *folder = temp_new();
        _cleanup_(snapshot_done) struct snapshot before = {}, now = {};

        temp_write(folder, UNIT, CLOSED);
        before = take(folder, UNIT, (const char *[]) { NULL });
        temp_write(folder, UNIT, OPEN);
        temp_write(folder, OVERRIDE, OPEN);
        now = take(folder, UNIT, (const char *[]) { OVERRIDE, NULL });
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &before, &now }), 20);
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &now, &before }), 20);
        ck_assert_uint_ge(memory_fail_each(attempt, &(struct attempt) { &now, &now }), 2);
        ck_assert_uint_eq(memory_fail_each(attempt, &(struct attempt) { NULL, &now }), 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("cause");
        TCase *tcase = tcase_create("cause");

        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, each_scenario, 0, ELEMENTSOF(scenarios));
        tcase_add_test(tcase, before_is_not_known);
        tcase_add_test(tcase, time_of_the_file);
        tcase_add_test(tcase, time_of_what_is_gone);
        tcase_add_test(tcase, many_causes);
        tcase_add_test(tcase, equal);
        tcase_add_test(tcase, to_store);
        tcase_add_test(tcase, each_change_has_a_name);
        tcase_add_test(tcase, out_of_memory);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
