/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "acceptance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/bus.h>

#include "alert.h"
#include "cleanup.h"
#include "pace.h"

#define ACCEPTANCES_MAX 4U
/* Longer than polkit waits for a person. */
#define ACCEPT_USEC (600 * USEC_PER_SEC)
#define REASON "Accepted from a desktop notification"

/* The units of one alert, after each other: the person is asked once where polkit keeps the answer. */
struct acceptance {
        struct acceptances *all;
        sd_bus *bus;
        sd_bus_slot *slot;
        enum scope scope;
        char id[ALERT_ID_SIZE];
        char **units;
        size_t n_units, n_accepted;
};

struct acceptances {
        acceptance_fn fn;
        void *userdata;
        struct acceptance *running[ACCEPTANCES_MAX];
};

static struct acceptance *acceptance_free(struct acceptance *acceptance) {
        if (!acceptance)
                return NULL;
        sd_bus_slot_unref(acceptance->slot);
        sd_bus_unref(acceptance->bus);
        strv_free(acceptance->units);
        free(acceptance);
        return NULL;
}

DEFINE_CLEANUP(struct acceptance *, acceptance_free)

/* Tells the outcome, and forgets it. */
static void finish(struct acceptance *acceptance, const char *reason) {
        struct acceptances *all = acceptance->all;
        const struct acceptance_outcome outcome = {
                .scope = acceptance->scope,
                .id = acceptance->id,
                .unit = acceptance->units[0],
                .n_accepted = acceptance->n_accepted,
                .n_units = acceptance->n_units,
                .reason = reason,
        };

        all->fn(all->userdata, &outcome);
        for (size_t i = 0; i < ACCEPTANCES_MAX; i++)
                if (all->running[i] == acceptance) {
                        all->running[i] = acceptance_free(acceptance);
                        return;
                }
}

static int on_accepted(sd_bus_message *m, void *userdata, sd_bus_error *error);

static int ask(struct acceptance *acceptance) {
        _cleanup_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(acceptance->bus, &m, EXPOSURED_BUS_NAME, EXPOSURED_PATH,
                                               EXPOSURED_MANAGER_INTERFACE, "Accept");

        if (r >= 0)
                r = sd_bus_message_append(m, "sst", acceptance->units[acceptance->n_accepted], REASON,
                                          UINT64_C(0));
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, true);
        if (r < 0)
                return r;
        acceptance->slot = sd_bus_slot_unref(acceptance->slot);
        return sd_bus_call_async(acceptance->bus, &acceptance->slot, m, on_accepted, acceptance, ACCEPT_USEC);
}

/* What others say is for who reads it, but for what the bus says of itself. */
static const char *find_reason(const sd_bus_error *e) {
        static const char *const away[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_TIMEOUT,
        };

        for (size_t i = 0; i < ELEMENTSOF(away); i++)
                if (sd_bus_error_has_name(e, away[i]))
                        return ACCEPTANCE_NO_ANSWER;
        return e->message ?: e->name;
}

static int on_accepted(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct acceptance *acceptance = userdata;
        const sd_bus_error *e = sd_bus_message_get_error(m);
        int r;

        (void) error;
        /* One of several may have been accepted or mended meanwhile. */
        if (e && !(acceptance->n_units > 1 && sd_bus_error_has_name(e, EXPOSURED_ERROR_NOTHING_TO_ACCEPT))) {
                finish(acceptance, find_reason(e));
                return 0;
        }
        if (++acceptance->n_accepted < acceptance->n_units) {
                r = ask(acceptance);
                if (r < 0)
                        finish(acceptance, strerror(-r));
        } else
                finish(acceptance, NULL);
        return 0;
}

/* Of a template the units are its instances, and it is accepted as a whole. */
static bool is_listed(const struct alert *alert) {
        for (char **unit = alert->units; unit && *unit; unit++)
                if (streq(*unit, alert->unit))
                        return true;
        return false;
}

static int copy_units(struct acceptance *acceptance, const struct alert *alert) {
        char *only[] = { alert->unit, NULL }, **units = is_listed(alert) ? alert->units : only;
        size_t n = 0;

        while (units[n])
                n++;
        acceptance->units = calloc(n + 1, sizeof(*acceptance->units));
        if (!acceptance->units)
                return -ENOMEM;
        acceptance->n_units = n;
        for (size_t i = 0; i < n; i++) {
                acceptance->units[i] = strdup(units[i]);
                if (!acceptance->units[i])
                        return -ENOMEM;
        }
        return 0;
}

int acceptances_begin(struct acceptances *acceptances, sd_bus *bus, const struct alert *alert) {
        _cleanup_(acceptance_freep) struct acceptance *acceptance = NULL;
        size_t place = 0;
        int r;

        while (place < ACCEPTANCES_MAX && acceptances->running[place])
                place++;
        if (place == ACCEPTANCES_MAX)
                return -EBUSY;
        acceptance = calloc(1, sizeof(*acceptance));
        if (!acceptance)
                return -ENOMEM;
        acceptance->all = acceptances;
        acceptance->bus = sd_bus_ref(bus);
        acceptance->scope = alert->scope;
        memcpy(acceptance->id, alert->id, sizeof(acceptance->id));
        r = copy_units(acceptance, alert);
        if (r >= 0)
                r = ask(acceptance);
        if (r < 0)
                return r;
        acceptances->running[place] = TAKE_PTR(acceptance);
        return 0;
}

int acceptances_new(struct acceptances **ret, acceptance_fn fn, void *userdata) {
        struct acceptances *acceptances = calloc(1, sizeof(*acceptances));

        if (!acceptances)
                return -ENOMEM;
        acceptances->fn = fn;
        acceptances->userdata = userdata;
        *ret = acceptances;
        return 0;
}

struct acceptances *acceptances_free(struct acceptances *acceptances) {
        if (!acceptances)
                return NULL;
        for (size_t i = 0; i < ACCEPTANCES_MAX; i++)
                acceptance_free(acceptances->running[i]);
        free(acceptances);
        return NULL;
}
