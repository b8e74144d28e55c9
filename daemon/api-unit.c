/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "api.h"
#include "ledger.h"

int unit_object_path(const struct unit *unit, char **ret) {
        return sd_bus_path_encode(EXPOSURED_UNIT_PATH, unit->name, ret);
}

static int append_name(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "s", unit->name);
}

static int append_exposure(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "d", unit->exposure / 10.0);
}

static int append_predicate(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "s", exposure_to_predicate(unit->exposure));
}

static int append_baseline(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "d", unit_baseline_exposure(unit) / 10.0);
}

static int append_regressed(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "b", (int) unit_regressed(unit));
}

static int append_since(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "t", unit->since);
}

static int append_oneshot(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "b", (int) unit->facts.oneshot);
}

static int append_fragment_path(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "s", unit->fragment_path ?: "");
}

static int append_drop_in_paths(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append_strv(m, unit->drop_in_paths);
}

static int append_stale(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "b", (int) unit->stale);
}

static int append_last_read(sd_bus_message *m, const struct unit *unit) {
        return sd_bus_message_append(m, "t", unit->last_read);
}

static int append_finding(sd_bus_message *m, const struct model *model, const struct assessment *assessment,
                          enum check check) {
        const struct check_info *info = check_info(check);
        const struct policy_row *row = &model->policy.rows[check];
        uint8_t badness = assessment->badness[check];

        return sd_bus_message_append(m, "(" EXPOSURED_FINDING_SIGNATURE ")", info->json_field, info->name,
                                     result_to_string(assessment_result(assessment, check)),
                                     badness == BADNESS_NOT_APPLICABLE ? UINT64_C(0) : (uint64_t) badness,
                                     row->weight, row->range,
                                     (double) assessment_share(model, assessment, check) / 10.0,
                                     assessment_text(model, assessment, check), info->setting);
}

static int append_findings(sd_bus_message *m, const struct unit *unit) {
        struct assessment assessment;
        int r;

        assess(unit->model, &unit->facts, &assessment);
        r = sd_bus_message_open_container(m, 'a', "(" EXPOSURED_FINDING_SIGNATURE ")");
        for (unsigned check = 0; check < _CHECK_MAX && r >= 0; check++)
                r = append_finding(m, unit->model, &assessment, (enum check) check);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/*
 * A property of a unit: how it is appended to a message. One table serves the property getters,
 * PropertiesChanged, and AssessUnit.
 */
static const struct {
        const char *name;
        const char *signature;
        int (*append)(sd_bus_message *m, const struct unit *unit);
        unsigned flag;                  /* enum unit_property; 0: it never changes, or no signal tells */
} rows[] = {
        { "Name", "s", append_name, 0 },
        { "Exposure", "d", append_exposure, UNIT_EXPOSURE },
        { "Predicate", "s", append_predicate, UNIT_PREDICATE },
        { "Baseline", "d", append_baseline, UNIT_BASELINE },
        { "Regressed", "b", append_regressed, UNIT_REGRESSED },
        { "Since", "t", append_since, UNIT_SINCE },
        { "Oneshot", "b", append_oneshot, UNIT_ONESHOT },
        { "FragmentPath", "s", append_fragment_path, UNIT_FRAGMENT_PATH },
        { "DropInPaths", "as", append_drop_in_paths, UNIT_DROP_IN_PATHS },
        { "Stale", "b", append_stale, UNIT_STALE },
        { "LastRead", "t", append_last_read, 0 },
        { "Findings", "a(" EXPOSURED_FINDING_SIGNATURE ")", append_findings, UNIT_FINDINGS },
};

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct unit *unit = userdata;

        (void) bus, (void) path, (void) interface, (void) error;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].name, property))
                        return rows[i].append(reply, unit);
        return -ENOENT;
}

static int append_row(sd_bus_message *m, const struct unit *unit, size_t i) {
        int r;

        r = sd_bus_message_open_container(m, 'v', rows[i].signature);
        if (r >= 0)
                r = rows[i].append(m, unit);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int append_unit_properties(sd_bus_message *m, const struct unit *unit, bool with_findings) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (size_t i = 0; i < ELEMENTSOF(rows) && r >= 0; i++) {
                if (rows[i].flag == UNIT_FINDINGS && !with_findings)
                        continue;
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", rows[i].name);
                if (r >= 0)
                        r = append_row(m, unit, i);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int api_append_unit(sd_bus_message *m, const struct unit *unit) {
        return append_unit_properties(m, unit, true);
}

int append_findings_variant(sd_bus_message *m, const struct unit *unit) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].flag == UNIT_FINDINGS)
                        return append_row(m, unit, i);
        return -ENOENT;
}

#define PROPERTY(name, signature, flags) SD_BUS_PROPERTY(name, signature, get_property, 0, flags)

const sd_bus_vtable unit_vtable[] = {
        SD_BUS_VTABLE_START(0),
        PROPERTY("Name", "s", SD_BUS_VTABLE_PROPERTY_CONST),
        PROPERTY("Exposure", "d", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Predicate", "s", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Baseline", "d", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Regressed", "b", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Since", "t", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Oneshot", "b", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("FragmentPath", "s", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("DropInPaths", "as", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("Stale", "b", SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        PROPERTY("LastRead", "t", 0),
        PROPERTY("Findings", "a(" EXPOSURED_FINDING_SIGNATURE ")",
                 SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION | SD_BUS_VTABLE_PROPERTY_EXPLICIT),
        SD_BUS_VTABLE_END,
};

void unit_property_names(unsigned properties, char *names[static UNIT_PROPERTIES_MAX + 1]) {
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (rows[i].flag & properties)
                        names[n++] = (char *) rows[i].name;
        names[n] = NULL;
}
