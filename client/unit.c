/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/bus.h>

#include "cleanup.h"
#include "exposure.h"

static int read_string(sd_bus_message *m, struct unit *unit, size_t offset) {
        return sd_bus_message_read(m, "v", "s", (char *) unit + offset);
}

static int read_strings(sd_bus_message *m, struct unit *unit, size_t offset) {
        char ***strings = (char ***) ((char *) unit + offset);
        int r = sd_bus_message_enter_container(m, 'v', "as");

        *strings = strv_free(*strings);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, strings);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_boolean(sd_bus_message *m, struct unit *unit, size_t offset) {
        int value, r = sd_bus_message_read(m, "v", "b", &value);

        if (r >= 0)
                *(bool *) ((char *) unit + offset) = value;
        return r;
}

static int read_time(sd_bus_message *m, struct unit *unit, size_t offset) {
        return sd_bus_message_read(m, "v", "t", (char *) unit + offset);
}

static int read_exposure(sd_bus_message *m, struct unit *unit, size_t offset) {
        double value;
        int r = sd_bus_message_read(m, "v", "d", &value);

        return r < 0 ? r : exposure_from_double(value, (unsigned *) ((char *) unit + offset));
}

static int read_baseline(sd_bus_message *m, struct unit *unit, size_t offset) {
        unit->has_baseline = true;
        return read_exposure(m, unit, offset);
}

static int read_result(const char *s, enum finding_result *ret) {
        static const char *const results[] = {
                [FINDING_GOOD] = "good",
                [FINDING_BAD] = "bad",
                [FINDING_NOT_APPLICABLE] = "not-applicable",
        };

        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (streq(s, results[i])) {
                        *ret = i;
                        return 0;
                }
        return -EBADMSG;
}

/* Returns 1 where there was a finding, 0 at the end, or a negative errno. */
static int read_finding(sd_bus_message *m, struct finding *ret) {
        struct finding finding;
        const char *result;
        double share;
        int r;

        r = sd_bus_message_read(m, "(" EXPOSURED_FINDING_SIGNATURE ")", &finding.json_field, &finding.name,
                                &result, &finding.badness, &finding.weight, &finding.range, &share,
                                &finding.description, &finding.setting);
        if (r <= 0)
                return r;
        r = read_result(result, &finding.result);
        if (r >= 0)
                r = exposure_from_double(share, &finding.share);
        if (r < 0)
                return r;

        *ret = finding;
        return 1;
}

static int append_finding(struct unit *unit, const struct finding *finding) {
        /* Grows by powers of two. */
        if ((unit->n_findings & (unit->n_findings - 1)) == 0) {
                size_t n = unit->n_findings ? unit->n_findings * 2 : 1;
                struct finding *findings = reallocarray(unit->findings, n, sizeof(*findings));

                if (!findings)
                        return -ENOMEM;
                unit->findings = findings;
        }
        unit->findings[unit->n_findings++] = *finding;
        return 0;
}

static int read_findings(sd_bus_message *m, struct unit *unit, size_t offset) {
        struct finding finding;
        int r = sd_bus_message_enter_container(m, 'v', "a(" EXPOSURED_FINDING_SIGNATURE ")");

        (void) offset;

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(" EXPOSURED_FINDING_SIGNATURE ")");
        while (r >= 0 && (r = read_finding(m, &finding)) > 0)
                r = append_finding(unit, &finding);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* One property of a unit. Others are skipped. */
static const struct property {
        const char *name;
        int (*read)(sd_bus_message *m, struct unit *unit, size_t offset);
        size_t offset;
} properties[] = {
        { "Name",         read_string,   offsetof(struct unit, name) },
        { "Exposure",     read_exposure, offsetof(struct unit, exposure) },
        { "Predicate",    read_string,   offsetof(struct unit, predicate) },
        { "Baseline",     read_baseline, offsetof(struct unit, baseline) },
        { "Regressed",    read_boolean,  offsetof(struct unit, regressed) },
        { "Since",        read_time,     offsetof(struct unit, since) },
        { "Oneshot",      read_boolean,  offsetof(struct unit, oneshot) },
        { "FragmentPath", read_string,   offsetof(struct unit, fragment_path) },
        { "DropInPaths",  read_strings,  offsetof(struct unit, drop_in_paths) },
        { "LastRead",     read_time,     offsetof(struct unit, last_read) },
        { "Stale",        read_boolean,  offsetof(struct unit, stale) },
        { "Findings",     read_findings, 0 },
};

static int read_property(sd_bus_message *m, struct unit *unit) {
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);

        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(properties); i++)
                if (streq(name, properties[i].name))
                        return properties[i].read(m, unit, properties[i].offset);
        return sd_bus_message_skip(m, "v");
}

int unit_read(struct unit *unit, sd_bus_message *message) {
        int r;

        *unit = (struct unit) { .message = sd_bus_message_ref(message) };

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_property(message, unit);
                if (r >= 0)
                        r = sd_bus_message_exit_container(message);
        }
        if (r < 0)
                return r;
        if (!unit->name || !unit->predicate || unit->n_findings == 0)
                return -EBADMSG;

        unit_sort_findings(unit);
        return 0;
}

void unit_done(struct unit *unit) {
        free(unit->findings);
        strv_free(unit->drop_in_paths);
        sd_bus_message_unref(unit->message);
        *unit = (struct unit) {};
}

static int compare_findings(const void *a, const void *b) {
        const struct finding *x = a, *y = b;
        static const int order[] = {
                [FINDING_BAD] = 0,
                [FINDING_GOOD] = 1,
                [FINDING_NOT_APPLICABLE] = 2,
        };

        if (x->result != y->result)
                return order[x->result] - order[y->result];
        if (x->share != y->share)
                return x->share > y->share ? -1 : 1;
        return strcmp(x->name, y->name);
}

void unit_sort_findings(struct unit *unit) {
        if (unit->n_findings > 1)
                qsort(unit->findings, unit->n_findings, sizeof(*unit->findings), compare_findings);
}
