/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include <exposured/bus.h>
#include <exposured/macro.h>

#include "acceptance.h"
#include "announce.h"
#include "api.h"
#include "archive.h"
#include "authority.h"
#include "connection.h"
#include "control.h"
#include "load.h"
#include "log.h"
#include "lookup.h"
#include "manager.h"
#include "memory.h"
#include "notify.h"
#include "policy-watch.h"
#include "rescan.h"
#include "settle.h"
#include "status.h"
#include "timer.h"
#include "turns.h"
#include "watch.h"
#include "xdg.h"

#define MANAGER_UNAVAILABLE_TEXT "The service manager cannot be reached."
/* So long we wait for systemd before we offer what we have, which is nothing. */
#define PATIENCE_USEC (10 * USEC_PER_SEC)
/* A policy file that is being written is left to settle. */
#define POLICY_SETTLE_USEC (50 * USEC_PER_MSEC)
/* After that time without work memory is given back. */
#define WORK_OVER_USEC USEC_PER_SEC

static void on_policy_file(void *userdata) {
        struct manager *m = userdata;

        timer_arm(m->policy_timer, POLICY_SETTLE_USEC);
        status_changed(m->status);
}

static void on_policy_settled(void *userdata) {
        manager_update_model(userdata);
}

static void on_unit_read(void *userdata, struct unit *unit, struct reading *reading) {
        manager_unit_read(userdata, unit, reading);
}

static void on_unit_stale(void *userdata, struct unit *unit) {
        api_unit_changed(userdata, unit, UNIT_STALE);
}

static void on_unit_gone(void *userdata, struct unit *unit) {
        manager_unit_gone(userdata, unit);
}

/* Systemd: when it may be asked. */

static void on_manager_ready(void *userdata, const char *version) {
        struct manager *m = userdata;
        int r;

        r = manager_set_version(m, version);
        if (r < 0)
                log_oom();
        m->after_reload = m->after_reload || m->busy == BUSY_RELOADING;
        m->ready = true;
        scan_set_reader(m->scan, m->reader);
        lookups_resume(m->lookups);
}

static void manager_stop_asking(struct manager *m, enum watch_busy busy) {
        static const sd_bus_error gone = SD_BUS_ERROR_MAKE_CONST(
                        EXPOSURED_ERROR_MANAGER_UNAVAILABLE, MANAGER_UNAVAILABLE_TEXT);

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
        struct manager *m = userdata;

        if (name)
                scan_read_again(m->scan, name);
        else
                scan_sweep(m->scan);
        status_changed(m->status);
}

/* A look-up comes before the next read: a scan would take all the room there is. */
static void on_room(void *userdata) {
        struct manager *m = userdata;

        lookups_advance(m->lookups);
        scan_advance(m->scan);
}

static void on_unit_listed(void *userdata, const char *name, bool loaded) {
        scan_unit_listed(((struct manager *) userdata)->scan, name, loaded);
}

static void on_list_ended(void *userdata, int error) {
        struct manager *m = userdata;

        lookups_advance(m->lookups);
        scan_list_ended(m->scan, error);
}

static void on_read_ended(void *userdata, const char *name, enum read_result result, struct reading *reading,
                          const char *problem) {
        struct manager *m = userdata;

        lookups_advance(m->lookups);
        scan_read_ended(m->scan, name, result, reading, problem);
}

static void on_lookup_ended(void *userdata, const char *name, enum read_result result, struct reading *reading,
                            const char *problem) {
        struct manager *m = userdata;

        lookups_read_ended(m->lookups, name, result, reading, problem);
        scan_advance(m->scan);
}

static const struct reader_ops reader_ops = {
        .has_room = on_room,
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
        authority_drop(m->authority);
        m->served = false;
        api_remove(m);
        m->watch = watch_free(m->watch);
        m->past_counters = manager_counters(m);
        m->reader = reader_free(m->reader);
        m->turns = turns_free(m->turns);
        m->bus = sd_bus_unref(m->bus);
}

/* What a failed addition leaves makes libsystemd abort when the bus is freed; another one takes it up. */
static int add_objects(struct manager *m, sd_bus *bus) {
        int r;

        r = api_add(m, bus);
        if (r != -ENOMEM)
                return r;
        api_remove(m);
        return api_add(m, bus);
}

static int on_connected(void *userdata, sd_bus *bus) {
        struct manager *m = userdata;
        int r;

        m->bus = sd_bus_ref(bus);
        r = reader_new(&m->reader, bus, m->config.call_timeout_usec, &reader_ops, m);
        if (r >= 0)
                r = turns_new(&m->turns, m, bus);
        if (r >= 0)
                r = add_objects(m, bus);
        if (r >= 0)
                r = watch_new(&m->watch, m->event, bus, m->config.call_timeout_usec, &watch_ops, m);
        if (r < 0)
                return r;
        /* Who found us once finds us again at once; the first time there is nothing to show yet. */
        if (m->was_ready)
                connection_request_name(m->connection);
        else
                timer_arm(m->patience_timer, PATIENCE_USEC);
        return 0;
}

static void manager_offer(struct manager *m) {
        timer_disarm(m->patience_timer);
        if (!m->was_ready)
                connection_request_name(m->connection);
}

static void on_patience_ended(void *userdata) {
        log_warning("systemd has not told its units yet, starting without them.");
        manager_offer(userdata);
}

static void on_name_acquired(void *userdata) {
        struct manager *m = userdata;

        m->served = true;
        if (!m->was_ready)
                notifier_tell(m->notifier, "READY=1");
        m->was_ready = true;
        announcer_flush(m->announcer);
        status_changed(m->status);
}

static void on_written(void *userdata) {
        turns_advance(((struct manager *) userdata)->turns);
}

static void on_name_refused(void *userdata, int error) {
        manager_exit(userdata, error);
}

static const struct connection_ops connection_ops = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .written = on_written,
        .name_acquired = on_name_acquired,
        .name_refused = on_name_refused,
};

/* Sweeps. */

static void on_sweep_done(void *userdata, uint64_t duration_usec) {
        struct manager *m = userdata;

        if (m->last_scan == 0 && m->loaded)
                load_find_gone(m);
        m->last_scan = timer_realtime();
        m->last_scan_duration = duration_usec;
        m->after_reload = false;
        rescan_sweep_done(m->rescan, duration_usec);
        status_changed(m->status);
        manager_offer(m);
        acceptances_advance(m->acceptances);
        settle_advance(m->settle);
        manager_worked(m);
}

static void on_sweep_restarted(void *userdata, uint64_t began, uint64_t now) {
        settle_sweep_restarted(((struct manager *) userdata)->settle, began, now);
}

static void on_state_changed(void *userdata) {
        status_changed(((struct manager *) userdata)->status);
}

static const struct scan_ops scan_ops = {
        .unit_read = on_unit_read,
        .unit_stale = on_unit_stale,
        .unit_gone = on_unit_gone,
        .sweep_restarted = on_sweep_restarted,
        .sweep_done = on_sweep_done,
        .state_changed = on_state_changed,
};

static void on_work_over(void *userdata) {
        struct manager *m = userdata;

        memory_release(!m->rested);
        m->rested = true;
}

void manager_worked(struct manager *m) {
        timer_arm(m->memory_timer, WORK_OVER_USEC);
}

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
        return m->ready || m->busy != BUSY_ABSENT ? NULL : MANAGER_UNAVAILABLE_TEXT;
}

/* Life. */

/* A user's own stands before the system's. */
static int manager_load_config(struct manager *m) {
        char own[PATH_MAX];
        const char *const folders[] = { own, CONFIG_FOLDERS, NULL };
        bool has_own = m->scope == SCOPE_USER && xdg_path(XDG_CONFIG, "", own) >= 0;
        struct config config;
        int r;

        config_init(&config);
        r = config_load(&config, has_own ? folders : folders + 1);
        if (r < 0)
                return r;
        m->config = config;
        log_set_max_level(m->config.log_level);
        return 0;
}

void manager_reload(struct manager *m) {
        char text[NOTIFY_TEXT_SIZE];
        int r;

        (void) snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, timer_now());
        /* Until it is ready there is nothing to be ready again. */
        if (m->was_ready)
                notifier_tell(m->notifier, text);
        r = manager_load_config(m);
        if (r < 0)
                log_errno(LOG_ERR, r, "Cannot read the configuration, keeping the one in use");
        scan_set_units_max(m->scan, m->config.units_max);
        if (m->reader)
                reader_set_timeout(m->reader, m->config.call_timeout_usec);
        if (m->watch)
                watch_set_timeout(m->watch, m->config.call_timeout_usec);
        manager_update_model(m);
        log_info("Configuration and policy are read again.");
        if (m->was_ready)
                notifier_tell(m->notifier, "READY=1");
}

void manager_exit(struct manager *m, int error) {
        m->exit_code = error;
        settle_end(m->settle);
        notifier_tell(m->notifier, "STOPPING=1");
        connection_prepare_end(m->connection);
        (void) sd_event_exit(m->event, 0);
}

int manager_run(struct manager *m) {
        int r;

        r = sd_event_loop(m->event);
        return r < 0 ? log_errno(LOG_ERR, r, "Cannot go on") : m->exit_code;
}

static void manager_connect(struct manager *m) {
        int r;

        r = connection_new(&m->connection, m->event, m->scope, &connection_ops, m);
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot connect to the bus");
                manager_exit(m, r);
        }
}

void manager_loaded(struct manager *m) {
        m->loaded = true;
        if (!m->connection) {
                manager_connect(m);
                return;
        }
        settle_again(m->settle);
        if (m->systemd_version)
                manager_take_ledger(m);
        if (m->last_scan != 0) {
                load_find_gone(m);
                acceptances_advance(m->acceptances);
        }
        status_changed(m->status);
}

/* systemd makes the folder (StateDirectory=); a user's instance that it did not start has its place too. */
static int manager_state_folder(const struct manager *m, char path[static PATH_MAX]) {
        const char *given = getenv("STATE_DIRECTORY");
        size_t n = given ? strcspn(given, ":") : 0;

        if (n == 0 || *given != '/') {
                if (m->scope == SCOPE_USER)
                        return xdg_path(XDG_STATE, "/exposured", path);
                given = "/var/lib/exposured";
                n = strlen(given);
        }
        if (n >= PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(path, given, n);
        path[n] = '\0';
        return 0;
}

static int manager_make_state_folder(const struct manager *m, const char *path) {
        if (m->scope == SCOPE_USER)
                return xdg_make_folder(path);
        return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int manager_open_archive(struct manager *m) {
        char folder[PATH_MAX];
        int r;

        r = manager_state_folder(m, folder);
        if (r < 0) {
                log_error("Neither $STATE_DIRECTORY, $XDG_STATE_HOME nor $HOME says where the database is to be.");
                return r;
        }
        r = manager_make_state_folder(m, folder);
        if (r < 0)
                log_debug("Cannot make %s, it may be there later.", folder);
        r = archive_new(&m->archive, m->event, folder, m);
        return r < 0 ? r : load_new(&m->load, m);
}

static int manager_start(struct manager *m) {
        int r;

        r = notifier_new(&m->notifier, m->event);
        if (r >= 0)
                r = timer_new(&m->patience_timer, m->event, on_patience_ended, m);
        if (r >= 0)
                r = timer_new(&m->policy_timer, m->event, on_policy_settled, m);
        if (r >= 0)
                r = timer_new(&m->memory_timer, m->event, on_work_over, m);
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
                r = settle_new(&m->settle, m);
        if (r >= 0)
                r = announcer_new(&m->announcer, m);
        if (r >= 0)
                r = authority_new(&m->authority, m);
        if (r >= 0)
                r = acceptances_new(&m->acceptances, m);
        if (r >= 0)
                r = manager_open_archive(m);
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
        r = manager_load_config(m);
        if (r >= 0)
                r = manager_init_model(m);
        if (r >= 0)
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
        connection_free(m->connection);
        archive_free(m->archive);
        load_free(m->load);
        acceptances_free(m->acceptances);
        authority_free(m->authority);
        announcer_free(m->announcer);
        m->settle = settle_free(m->settle);
        policy_watch_free(m->policy_watch);
        control_free(m->control);
        scan_free(m->scan);
        lookups_free(m->lookups);
        rescan_free(m->rescan);
        status_free(m->status);
        timer_free(m->policy_timer);
        timer_free(m->memory_timer);
        timer_free(m->patience_timer);
        notifier_free(m->notifier);
        unit_table_done(&m->units);
        ledger_done(&m->ledger);
        model_done(&m->model);
        free(m->systemd_version);
        free(m->stored_version);
        free(m->stored_policy);
        free(m->policy_path);
        free(m->policy_text);
        free(m->policy_problem);
        sd_event_unref(m->event);
        free(m);
        return NULL;
}
