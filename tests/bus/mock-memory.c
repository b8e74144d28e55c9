/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "mock-memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#define SECOND UINT64_C(1000000)
#define START (UINT64_C(1700000000) * SECOND)
/* Fewer than are asked for, so that a client has to go on. */
#define PAGE_MAX 400
#define NO_UID UINT32_MAX
#define PATH "/etc/systemd/system/nginx.service.d/50-tmp.conf"
#define N_MANY 11

static int append_units(sd_bus_message *m, const char *unit, unsigned n_more) {
        int r = sd_bus_message_open_container(m, 'a', "s");

        if (r >= 0 && *unit)
                r = sd_bus_message_append(m, "s", unit);
        for (unsigned i = 0; r >= 0 && i < n_more; i++) {
                char name[64];

                snprintf(name, sizeof(name), "many-%02u.service", i);
                r = sd_bus_message_append(m, "s", name);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_checks(sd_bus_message *m, bool hostile) {
        return sd_bus_message_append(m, EXPOSURED_CHECKS_SIGNATURE, 3,
                                     "PrivateUsers", UINT64_C(0), UINT64_C(1),
                                     "UMask", UINT64_C(1), UINT64_C(2),
                                     hostile ? HOSTILE : "NotKnownYet", UINT64_C(255), UINT64_C(10));
}

static int append_causes(sd_bus_message *m, bool hostile) {
        return sd_bus_message_append(m, EXPOSURED_CAUSES_SIGNATURE, 2,
                                     hostile ? HOSTILE : PATH, hostile ? HOSTILE : "created", START,
                                     3, "-PrivateUsers=yes", hostile ? HOSTILE : "+PrivateUsers=no",
                                     " UMask=0022",
                                     "", "manager", UINT64_C(0), 0);
}

static int append_regression(sd_bus_message *m, const char *id, uint64_t since, const char *unit,
                             unsigned n_more, double baseline, double exposure, bool hostile) {
        int r = sd_bus_message_open_container(m, 'r', EXPOSURED_REGRESSION_SIGNATURE);

        if (r >= 0)
                r = sd_bus_message_append(m, "sts", id, since, unit);
        if (r >= 0)
                r = append_units(m, unit, n_more);
        if (r >= 0)
                r = sd_bus_message_append(m, "dd", baseline, exposure);
        if (r >= 0)
                r = append_checks(m, hostile);
        if (r >= 0)
                r = append_causes(m, hostile);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Not in the order of time, which is for the client to bring about. */
static int append_regressions(const struct mock_memory *memory, sd_bus_message *m) {
        int r;

        if (memory->no_regressions)
                return 0;
        if (memory->hostile)
                return append_regression(m, HOSTILE, START, HOSTILE, 2, 2.8, 5.1, true);
        r = append_regression(m, "id-of-foo", START, "foo@.service", N_MANY, 4.0, 4.0, false);
        if (r < 0)
                return r;
        return append_regression(m, "id-of-nginx", START + SECOND, "nginx.service", 0, 2.8, 5.1, false);
}

/* One row of history. */
struct row {
        const char *id, *event, *unit, *reason;
        unsigned n_more;
        double before, after;
        uint32_t uid;
        uint64_t time, until;
        bool plain;             /* neither checks nor causes */
};

static int append_row(sd_bus_message *m, const struct row *row, bool hostile) {
        int r = sd_bus_message_open_container(m, 'r', EXPOSURED_HISTORY_SIGNATURE);

        if (r >= 0)
                r = sd_bus_message_append(m, "ssts", row->id, row->event, row->time, row->unit);
        if (r >= 0)
                r = append_units(m, row->unit, row->n_more);
        if (r >= 0)
                r = sd_bus_message_append(m, "dd", row->before, row->after);
        if (r >= 0 && row->plain)
                r = sd_bus_message_append(m, EXPOSURED_CHECKS_SIGNATURE EXPOSURED_CAUSES_SIGNATURE, 0, 0);
        if (r >= 0 && !row->plain)
                r = append_checks(m, hostile);
        if (r >= 0 && !row->plain)
                r = append_causes(m, hostile);
        if (r >= 0)
                r = sd_bus_message_append(m, "sut", row->reason ?: "", row->uid, row->until);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Of nginx.service, and one of all; newest first. */
static const struct row rows[] = {
        { "id-6", "model", "", NULL, 3, 0, 0, NO_UID, START + 6 * SECOND, 0, true },
        { "id-5", "improved", "nginx.service", NULL, 2, 5.1, 4.0, NO_UID, START + 5 * SECOND, 0, false },
        { "id-4", "accepted", "nginx.service", "by the book", 0, 2.8, 5.1, 0, START + 4 * SECOND,
          UINT64_C(4000000000) * SECOND, true },
        { "id-3", "accepted", "nginx.service", "for good", 0, 5.1, 5.1, 4294967294, START + 3 * SECOND, 0,
          true },
        { "id-2", "regressed", "nginx.service", NULL, 0, 2.8, 5.1, NO_UID, START + 2 * SECOND, 0, false },
        { "id-1", "appeared", "nginx.service", NULL, 0, 2.8, 2.8, NO_UID, START + SECOND, 0, true },
};

static int append_fixed(sd_bus_message *m, bool all, const char *before, uint32_t max) {
        size_t i = all ? 0 : 1;
        int r = 0;

        while (*before && i < ELEMENTSOF(rows) && !streq(rows[i++].id, before))
                ;
        for (; r >= 0 && i < ELEMENTSOF(rows) && max > 0; i++, max--)
                r = append_row(m, rows + i, false);
        return r;
}

static int append_generated(sd_bus_message *m, unsigned n, const char *before, uint32_t max) {
        int r = 0;

        if (*before)
                n = (unsigned) strtoul(before, NULL, 10);
        for (; r >= 0 && n > 0 && max > 0; max--) {
                char id[32];

                n--;
                snprintf(id, sizeof(id), "%u", n);
                r = append_row(m, &(struct row) {
                        .id = id,
                        .event = n % 2 ? "improved" : "regressed",
                        .unit = "generated.service",
                        .before = ((n + 50) % 101) / 10.0,
                        .after = ((n + 51) % 101) / 10.0,
                        .uid = NO_UID,
                        .time = START + n * SECOND,
                        .plain = true,
                }, false);
        }
        return r;
}

static int append_history(const struct mock_memory *memory, sd_bus_message *m, const char *unit,
                          const char *before, uint32_t max) {
        static const struct row bad = { HOSTILE, HOSTILE, HOSTILE, HOSTILE, 2, 1, 2, 0, START, START, false };

        if (memory->hostile)
                return *before ? 0 : append_row(m, &bad, true);
        if (streq(unit, "generated.service"))
                return append_generated(m, memory->n_events, before, max);
        /* Never gets to an end. */
        if (streq(unit, "loop.service"))
                return append_generated(m, 1, "", 1);
        return !*unit || streq(unit, "nginx.service") ? append_fixed(m, !*unit, before, max) : 0;
}

/* Opens the answer, and closes and sends it when it is full. */
static int start_answer(sd_bus_message *call, const char *contents, sd_bus_message **ret) {
        int r = sd_bus_message_new_method_return(call, ret);

        return r < 0 ? r : sd_bus_message_open_container(*ret, 'a', contents);
}

static int finish_answer(sd_bus_message *m) {
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : sd_bus_send(NULL, m, NULL);
}

static int reply_regressions(const struct mock_memory *memory, sd_bus_message *call) {
        sd_bus_message *m = NULL;
        int r = start_answer(call, "(" EXPOSURED_REGRESSION_SIGNATURE ")", &m);

        if (r >= 0)
                r = append_regressions(memory, m);
        if (r >= 0)
                r = finish_answer(m);
        sd_bus_message_unref(m);
        return r;
}

static int reply_history(const struct mock_memory *memory, sd_bus_message *call) {
        const char *unit, *before;
        sd_bus_message *m = NULL;
        uint32_t max;
        int r = sd_bus_message_read(call, "ssu", &unit, &before, &max);

        if (r < 0)
                return r;
        if (streq(unit, "broken.service"))
                return sd_bus_reply_method_errorf(call, EXPOSURED_ERROR_STORE_UNAVAILABLE,
                                                  "The history cannot be read: No space left on device.");
        r = start_answer(call, "(" EXPOSURED_HISTORY_SIGNATURE ")", &m);
        if (r >= 0)
                r = append_history(memory, m, unit, before, max == 0 || max > PAGE_MAX ? PAGE_MAX : max);
        if (r >= 0)
                r = finish_answer(m);
        sd_bus_message_unref(m);
        return r;
}

static const struct {
        const char *unit, *error, *message;
} refusals[] = {
        { "missing.service", EXPOSURED_ERROR_NO_SUCH_UNIT, "Nothing is known of missing.service." },
        { "fine.service", EXPOSURED_ERROR_NOTHING_TO_ACCEPT, "There is nothing to accept of fine.service." },
        { "denied.service", SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow this." },
        { "a.socket", EXPOSURED_ERROR_INVALID_NAME, "a.socket is not the name of a service unit." },
};

static int reply_accept(const struct mock_memory *memory, sd_bus_message *call) {
        const char *unit, *reason;
        uint64_t until;
        char id[128];
        int r = sd_bus_message_read(call, "sst", &unit, &reason, &until);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                if (streq(unit, refusals[i].unit))
                        return sd_bus_reply_method_errorf(call, refusals[i].error, "%s", refusals[i].message);

        printf("Accept %s %" PRIu64 " %d %s\n", unit, until,
               sd_bus_message_get_allow_interactive_authorization(call), reason);
        if (fflush(stdout) != 0)
                return -errno;
        snprintf(id, sizeof(id), "id-of-%s", unit);
        return sd_bus_reply_method_return(call, "s", memory->hostile ? HOSTILE : id);
}

int mock_memory_answer(const struct mock_memory *memory, sd_bus_message *call) {
        static const struct {
                const char *member;
                int (*reply)(const struct mock_memory *memory, sd_bus_message *call);
        } methods[] = {
                { "ListRegressions", reply_regressions },
                { "GetHistory", reply_history },
                { "Accept", reply_accept },
        };

        for (size_t i = 0; i < ELEMENTSOF(methods); i++)
                if (streq(sd_bus_message_get_member(call), methods[i].member)) {
                        int r = methods[i].reply(memory, call);

                        return r < 0 ? r : 1;
                }
        return 0;
}
