/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <seccomp.h>
#include <systemd/sd-daemon.h>

#include <exposured/macro.h>

#include "api.h"
#include "control.h"
#include "link.h"
#include "log.h"
#include "lookup.h"
#include "manager.h"
#include "policy-file.h"
#include "rescan.h"
#include "status.h"
#include "timer.h"
#include "watch.h"

/* So long we wait for systemd before we offer what we have, which is nothing. */
#define PATIENCE_USEC (10 * USEC_PER_SEC)
/* A policy file that is being written is left to settle. */
#define POLICY_SETTLE_USEC (50 * USEC_PER_MSEC)

/* Units: what was read becomes facts, assessment and news. */

/* A unit that is in no check worse than its baseline is its own baseline from then on. */
static int unit_update_baseline(struct manager *m, struct unit *unit, const struct facts *old_facts,
                                const struct assessment *old) {
        struct difference difference;

        assessment_compare(unit->baseline ? &unit->baseline->assessment : old, &unit->assessment, &difference);
        if (difference.n_worse == 0)
                free(TAKE_PTR(unit->baseline));
        else if (!unit->baseline) {
                unit->baseline = malloc(sizeof(*unit->baseline));
                if (!unit->baseline)
                        return log_oom();
                unit->baseline->facts = *old_facts;
                unit->baseline->assessment = *old;
        }
        if (unit->regressed != (unit->baseline != NULL)) {
                unit->regressed = unit->baseline != NULL;
                m->n_regressed += unit->regressed ? 1 : -1U;
        }
        return 0;
}

static enum event classify(const struct difference *difference) {
        return difference->n_worse > 0 ? EVENT_REGRESSED :
               difference->n_better > 0 ? EVENT_IMPROVED : EVENT_CHANGED;
}

/* What of a unit is told was different before: a picture to compare with. */
struct picture {
        struct facts facts;
        struct assessment assessment;
        uint8_t baseline;
        bool regressed;
};

static unsigned picture_compare(const struct picture *before, const struct unit *unit) {
        const struct assessment *a = &before->assessment, *b = &unit->assessment;
        unsigned changed = 0;

        if (a->exposure != b->exposure)
                changed |= UNIT_EXPOSURE;
        if (!streq(exposure_to_predicate(a->exposure), exposure_to_predicate(b->exposure)))
                changed |= UNIT_PREDICATE;
        if (!assessment_equal(a, b))
                changed |= UNIT_FINDINGS;
        if (before->baseline != unit_baseline_exposure(unit))
                changed |= UNIT_BASELINE;
        if (before->regressed != unit->regressed)
                changed |= UNIT_REGRESSED;
        if (before->facts.oneshot != unit->facts.oneshot)
                changed |= UNIT_ONESHOT;
        return changed;
}

static struct picture picture_take(const struct unit *unit) {
        return (struct picture) {
                .facts = unit->facts,
                .assessment = unit->assessment,
                .baseline = unit_baseline_exposure(unit),
                .regressed = unit->regressed,
        };
}

static void unit_first_assessed(struct manager *m, struct unit *unit) {
        unit->model = &m->model;
        assess(&m->model, &unit->facts, &unit->assessment);
        unit->assessed = true;
        unit->since = unit->last_read;
        api_unit_added(m, unit);
        api_emit_event(m, EVENT_APPEARED, unit, unit->assessment.exposure, NULL, NULL);
        status_changed(m->status);
}

static void unit_facts_changed(struct manager *m, struct unit *unit, const struct facts *facts,
                               unsigned changed) {
        struct picture before = picture_take(unit);
        struct difference difference;

        unit->facts = *facts;
        assess(&m->model, facts, &unit->assessment);
        assessment_compare(&before.assessment, &unit->assessment, &difference);
        (void) unit_update_baseline(m, unit, &before.facts, &before.assessment);
        changed |= picture_compare(&before, unit);
        if (changed & UNIT_FINDINGS) {
                unit->since = unit->last_read;
                changed |= UNIT_SINCE;
        }
        api_unit_changed(m, unit, changed);
        api_emit_event(m, classify(&difference), unit, before.assessment.exposure, &difference, NULL);
        status_changed(m->status);
}

/* Takes the paths over. Returns what changed. */
static unsigned unit_take_paths(struct unit *unit, struct reading *reading) {
        unsigned changed = 0;

        if (!streq_ptr(unit->fragment_path, reading->fragment_path)) {
                free(unit->fragment_path);
                unit->fragment_path = TAKE_PTR(reading->fragment_path);
                changed |= UNIT_FRAGMENT_PATH;
        }
        if (!strv_equal(unit->drop_in_paths, reading->drop_in_paths)) {
                strv_free(unit->drop_in_paths);
                unit->drop_in_paths = TAKE_PTR(reading->drop_in_paths);
                changed |= UNIT_DROP_IN_PATHS;
        }
        return changed;
}

static void on_unit_read(void *userdata, struct unit *unit, struct reading *reading) {
        struct manager *m = userdata;
        unsigned changed;

        unit->last_read = timer_realtime();
        changed = unit_take_paths(unit, reading);
        if (!unit->assessed) {
                unit->facts = reading->facts;
                unit_first_assessed(m, unit);
        } else if (!facts_equal(&unit->facts, &reading->facts))
                unit_facts_changed(m, unit, &reading->facts, changed);
        else
                api_unit_changed(m, unit, changed);
}

static void on_unit_stale(void *userdata, struct unit *unit) {
        api_unit_changed(userdata, unit, UNIT_STALE);
}

static void on_unit_gone(void *userdata, struct unit *unit) {
        struct manager *m = userdata;

        if (unit->regressed)
                m->n_regressed--;
        if (unit->assessed) {
                api_unit_removed(m, unit);
                api_emit_event(m, EVENT_GONE, unit, unit->assessment.exposure, NULL, NULL);
                unit->assessed = false;
        }
        status_changed(m->status);
}

void manager_assess_once(struct manager *m, struct unit *unit, struct reading *reading) {
        unit->last_read = unit->since = timer_realtime();
        unit->facts = reading->facts;
        (void) unit_take_paths(unit, reading);
        unit->model = &m->model;
        assess(&m->model, &unit->facts, &unit->assessment);
        unit->assessed = true;
}

/* The model: what facts are judged by. */

static bool syscall_exists(const char *name, void *userdata) {
        (void) userdata;
        return seccomp_syscall_resolve_name(name) >= 0;
}

/* Judges all units anew; no facts have changed, so this is one event and no regression. */
static void manager_reassess(struct manager *m) {
        _cleanup_(strv_freep) char **hit = NULL;

        for (size_t i = 0; i < m->units.n_units; i++) {
                struct unit *unit = m->units.units[i];
                struct picture before = picture_take(unit);

                if (!unit->assessed)
                        continue;
                assess(&m->model, &unit->facts, &unit->assessment);
                if (unit->baseline)
                        assess(&m->model, &unit->baseline->facts, &unit->baseline->assessment);
                (void) unit_update_baseline(m, unit, &unit->facts, &unit->assessment);
                api_unit_changed(m, unit, picture_compare(&before, unit));
                if (before.assessment.exposure != unit->assessment.exposure && strv_extend(&hit, unit->name) < 0)
                        (void) log_oom();
        }
        api_emit_event(m, EVENT_MODEL, NULL, 0, NULL, hit);
        status_changed(m->status);
}

static unsigned parse_version(const char *version) {
        return (unsigned) strtoul(version + strcspn(version, "0123456789"), NULL, 10);
}

/* Makes the model anew from systemd's version and the policy file. */
static void manager_update_model(struct manager *m) {
        struct policy policy;
        char *path = NULL;
        int r;

        r = policy_file_load(NULL, &policy, &path);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot look for a policy, keeping the one in use");
                return;
        }
        if (r == POLICY_READ && !streq_ptr(m->policy_path, path))
                log_info("Using the policy in %s.", path);
        m->policy_broken = r == POLICY_BROKEN;
        free(m->policy_path);
        m->policy_path = r == POLICY_READ ? TAKE_PTR(path) : NULL;
        free(path);
        model_done(&m->model);
        model_init(&m->model, m->systemd_version ? parse_version(m->systemd_version) : 0, m->scope,
                   r == POLICY_READ ? &policy : NULL, syscall_exists, NULL);
        manager_reassess(m);
}

static void on_policy_file(void *userdata) {
        struct manager *m = userdata;

        timer_arm(m->policy_timer, POLICY_SETTLE_USEC);
}

static void on_policy_settled(void *userdata) {
        manager_update_model(userdata);
}

/* Systemd: when it may be asked. */

static int manager_set_version(struct manager *m, const char *version) {
        char *copy;

        if (streq_ptr(m->systemd_version, version))
                return 0;
        copy = strdup(version);
        if (!copy)
                return -ENOMEM;
        log_info("The manager is systemd %s.", version);
        free(m->systemd_version);
        m->systemd_version = copy;
        manager_update_model(m);
        return 0;
}

static void on_manager_ready(void *userdata, const char *version) {
        struct manager *m = userdata;
        int r;

        r = manager_set_version(m, version);
        if (r < 0)
                log_oom();
        m->ready = true;
        scan_set_reader(m->scan, m->reader);
        lookups_resume(m->lookups);
}

static void manager_stop_asking(struct manager *m, enum watch_busy busy) {
        static const sd_bus_error gone = SD_BUS_ERROR_MAKE_CONST(
                        "org.exposured.Exposure1.Error.ManagerUnavailable", "The service manager cannot be reached.");

        m->ready = false;
        m->busy = busy;
        scan_set_reader(m->scan, NULL);
        lookups_suspend(m->lookups);
        if (m->reader)
                reader_cancel(m->reader);
        if (busy == BUSY_ABSENT)
                rescan_fail(m->rescan, &gone);
        status_changed(m->status);
}

static void on_manager_busy(void *userdata, enum watch_busy busy) {
        struct manager *m = userdata;

        m->n_reloads += busy == BUSY_RELOADING;
        manager_stop_asking(m, busy);
}

static void on_unit_loaded(void *userdata, const char *name) {
        scan_unit_loaded(((struct manager *) userdata)->scan, name);
}

static void on_unit_removed(void *userdata, const char *name) {
        scan_unit_removed(((struct manager *) userdata)->scan, name);
}

static void on_unit_changed(void *userdata, const char *name) {
        scan_unit_changed(((struct manager *) userdata)->scan, name);
}

static void on_properties_set(void *userdata, const char *name) {
        scan_read_again(((struct manager *) userdata)->scan, name);
}

static void on_unit_listed(void *userdata, const char *name, bool loaded) {
        scan_unit_listed(((struct manager *) userdata)->scan, name, loaded);
}

static void on_list_ended(void *userdata, int error) {
        scan_list_ended(((struct manager *) userdata)->scan, error);
}

static void on_read_ended(void *userdata, const char *name, enum read_result result, struct reading *reading,
                          const char *problem) {
        scan_read_ended(((struct manager *) userdata)->scan, name, result, reading, problem);
}

static void on_lookup_ended(void *userdata, const char *name, enum read_result result, struct reading *reading,
                            const char *problem) {
        struct manager *m = userdata;

        lookups_read_ended(m->lookups, name, result, reading, problem);
        scan_advance(m->scan);
}

static const struct reader_ops reader_ops = {
        .unit_listed = on_unit_listed,
        .list_ended = on_list_ended,
        .read_ended = {
                [READ_LOADED] = on_read_ended,
                [READ_LOOKUP] = on_lookup_ended,
        },
};

static const struct watch_ops watch_ops = {
        .manager_ready = on_manager_ready,
        .manager_busy = on_manager_busy,
        .unit_loaded = on_unit_loaded,
        .unit_removed = on_unit_removed,
        .unit_changed = on_unit_changed,
};

/* The bus: our connection, our name. */

static void on_disconnected(void *userdata) {
        struct manager *m = userdata;

        manager_stop_asking(m, BUSY_ABSENT);
        lookups_drop(m->lookups);
        m->served = false;
        api_remove(m);
        m->watch = watch_free(m->watch);
        m->past_counters = manager_counters(m);
        m->reader = reader_free(m->reader);
        m->bus = sd_bus_unref(m->bus);
}

static int on_connected(void *userdata, sd_bus *bus) {
        struct manager *m = userdata;
        int r;

        m->bus = sd_bus_ref(bus);
        r = reader_new(&m->reader, bus, m->config.call_timeout_usec, &reader_ops, m);
        if (r >= 0)
                r = api_add(m, bus);
        if (r >= 0)
                r = watch_new(&m->watch, m->event, bus, m->config.call_timeout_usec, &watch_ops, m);
        if (r < 0)
                return r;
        /* Who found us once finds us again at once; the first time there is nothing to show yet. */
        if (m->was_ready)
                return link_request_name(m->link);
        timer_arm(m->patience_timer, PATIENCE_USEC);
        return 0;
}

static void manager_offer(struct manager *m) {
        int r;

        timer_disarm(m->patience_timer);
        if (m->was_ready)
                return;
        r = link_request_name(m->link);
        if (r < 0)
                log_errno(LOG_ERR, r, "Cannot ask for our name on the bus");
}

static void on_patience_ended(void *userdata) {
        log_warning("systemd has not told its units yet, starting without them.");
        manager_offer(userdata);
}

static void on_name_acquired(void *userdata) {
        struct manager *m = userdata;

        m->served = true;
        if (!m->was_ready)
                (void) sd_notify(0, "READY=1");
        m->was_ready = true;
        status_changed(m->status);
}

static void on_name_refused(void *userdata, int error) {
        manager_exit(userdata, error);
}

static const struct link_ops link_ops = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .name_acquired = on_name_acquired,
        .name_refused = on_name_refused,
};

/* Sweeps. */

static void on_sweep_done(void *userdata, uint64_t duration_usec) {
        struct manager *m = userdata;

        m->last_scan = timer_realtime();
        m->last_scan_duration = duration_usec;
        rescan_sweep_done(m->rescan, duration_usec);
        status_changed(m->status);
        manager_offer(m);
        /* Replies are many and large while we sweep; what they took is not needed before the next one. */
        (void) malloc_trim(0);
}

static void on_state_changed(void *userdata) {
        status_changed(((struct manager *) userdata)->status);
}

static const struct scan_ops scan_ops = {
        .unit_read = on_unit_read,
        .unit_stale = on_unit_stale,
        .unit_gone = on_unit_gone,
        .sweep_done = on_sweep_done,
        .state_changed = on_state_changed,
};

static void on_rescan(void *userdata) {
        scan_sweep(((struct manager *) userdata)->scan);
}

struct reader_counters manager_counters(const struct manager *m) {
        struct reader_counters sum = m->past_counters;

        if (m->reader) {
                const struct reader_counters *now = reader_counters(m->reader);

                sum.calls += now->calls;
                sum.failed_calls += now->failed_calls;
                sum.reads += now->reads;
        }
        return sum;
}

const char *manager_unavailable(const struct manager *m) {
        return m->ready || m->busy != BUSY_ABSENT ? NULL : "The service manager cannot be reached.";
}

/* Life. */

static void manager_load_config(struct manager *m) {
        config_init(&m->config);
        if (config_load(&m->config, NULL) < 0)
                log_oom();
        log_set_max_level(m->config.log_level);
}

void manager_reload(struct manager *m) {
        (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, timer_now());
        manager_load_config(m);
        scan_set_units_max(m->scan, m->config.units_max);
        if (m->reader)
                reader_set_timeout(m->reader, m->config.call_timeout_usec);
        manager_update_model(m);
        log_info("Configuration and policy are read again.");
        (void) sd_notify(0, "READY=1");
}

void manager_exit(struct manager *m, int error) {
        m->exit_code = error;
        (void) sd_notify(0, "STOPPING=1");
        (void) sd_event_exit(m->event, 0);
}

int manager_run(struct manager *m) {
        int r;

        r = sd_event_loop(m->event);
        link_flush(m->link);
        return r < 0 ? r : m->exit_code;
}

static int manager_start(struct manager *m) {
        int r;

        r = timer_new(&m->patience_timer, m->event, on_patience_ended, m);
        if (r >= 0)
                r = timer_new(&m->policy_timer, m->event, on_policy_settled, m);
        if (r >= 0)
                r = status_new(&m->status, m);
        if (r >= 0)
                r = rescan_new(&m->rescan, m->event, on_rescan, m);
        if (r >= 0)
                r = lookups_new(&m->lookups, m);
        if (r >= 0)
                r = scan_new(&m->scan, m->event, &m->units, m->config.units_max, &scan_ops, m);
        if (r >= 0)
                r = control_new(&m->control, m->event, m->scope, on_properties_set, m);
        if (r >= 0)
                r = policy_watch_new(&m->policy_watch, m->event, on_policy_file, m);
        if (r >= 0)
                r = link_new(&m->link, m->event, m->scope, &link_ops, m);
        return r;
}

int manager_new(struct manager **ret, sd_event *event, enum scope scope) {
        struct manager *m;
        int r;

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->event = sd_event_ref(event);
        m->scope = scope;
        manager_load_config(m);
        model_init(&m->model, 0, scope, NULL, syscall_exists, NULL);
        r = manager_start(m);
        if (r < 0) {
                manager_free(m);
                return r;
        }
        *ret = m;
        return 0;
}

struct manager *manager_free(struct manager *m) {
        if (!m)
                return NULL;
        link_free(m->link);
        policy_watch_free(m->policy_watch);
        control_free(m->control);
        scan_free(m->scan);
        lookups_free(m->lookups);
        rescan_free(m->rescan);
        status_free(m->status);
        timer_free(m->policy_timer);
        timer_free(m->patience_timer);
        unit_table_done(&m->units);
        model_done(&m->model);
        free(m->systemd_version);
        free(m->policy_path);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
