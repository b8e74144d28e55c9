/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "api.h"
#include "archive.h"
#include "control.h"
#include "log.h"
#include "manager.h"
#include "notify.h"
#include "policy-watch.h"
#include "settle.h"
#include "status.h"
#include "timer.h"

#define PROBLEM_SIZE 256

/* What was told last. */
struct told {
        char state[16];
        char problem[PROBLEM_SIZE];
        char *systemd_version;
        char *policy_path;
        unsigned n_units, n_regressed;
        char line[PROBLEM_SIZE + 64];   /* to systemd */
};

struct status {
        struct manager *manager;
        struct timer *timer;
        struct told told;
};

const char *status_state(const struct manager *m) {
        if (!m->ready && m->busy == BUSY_ABSENT)
                return "disconnected";
        if (!m->ready && m->busy == BUSY_RELOADING)
                return "reloading";
        if (m->last_scan == 0)
                return "starting";
        return !m->ready || scan_state(m->scan)->sweeping ? "scanning" : "current";
}

/* What keeps scores from being those of this moment. */
static const char *scan_problem(const struct manager *m, char *text, size_t size) {
        const struct scan_state *scan = scan_state(m->scan);

        if (!m->ready && m->busy == BUSY_ABSENT)
                return "The service manager cannot be reached; scores are those of the last time.";
        if (scan->failed)
                return "The service manager does not list its units; scores are those of the last time.";
        if (m->last_scan == 0)
                return "The first scan has not ended yet.";
        if (!m->ready && scan->n_stale > 0)
                return "The service manager does not answer; scores are those of the last time.";
        if (scan->n_stale > 0) {
                (void) snprintf(text, size, "%u unit%s could not be read; %s may be old.", scan->n_stale,
                                scan->n_stale == 1 ? "" : "s", scan->n_stale == 1 ? "its score" : "their scores");
                return text;
        }
        return scan->overflow ? "More units are loaded than UnitsMax= allows; some have no score." : NULL;
}

static const char *files_problem(const struct manager *m, char *text, size_t size) {
        const char *path;
        int r;

        if (m->policy_unread)
                return "The policy could not be looked for; scores are by the one before.";
        if (m->policy_problem)
                return m->policy_problem;
        r = control_error(m->control, &path);
        if (r == 0)
                r = policy_watch_error(m->policy_watch, &path);
        if (r == 0)
                return NULL;
        (void) snprintf(text, size, "%s cannot be followed (%s); it is looked at every minute.", path, strerror(-r));
        return text;
}

static const char *dropped_problem(const struct manager *m, char *text, size_t size) {
        unsigned n = settle_dropped(m->settle);

        if (n == 0)
                return NULL;
        (void) snprintf(text, size, "The database lacks %u event%s, the oldest of too many that could not be written; "
                        "the journal has %s.", n, n == 1 ? "" : "s", n == 1 ? "it" : "them");
        return text;
}

static const char *archive_problem(const struct manager *m, char *text, size_t size) {
        int error = archive_error(m->archive) ?: m->unread;
        unsigned n = settle_unsaved(m->settle);

        if (error < 0)
                (void) snprintf(text, size, "The database cannot be used (%s); %u event%s in memory only.",
                                strerror(-error), n, n == 1 ? " is" : "s are");
        else if (settle_incomplete(m->settle))
                (void) snprintf(text, size, "The database lacks what could not be written; %u event%s in memory only.",
                                n, n == 1 ? " is" : "s are");
        else if (archive_aside(m->archive))
                (void) snprintf(text, size, "The database could not be used and is kept as %s; what was accepted "
                                "until then is not known.", archive_aside(m->archive));
        else
                return dropped_problem(m, text, size);
        return text;
}

const char *status_problem(const struct manager *m, char *text, size_t size) {
        return scan_problem(m, text, size) ?: files_problem(m, text, size) ?: archive_problem(m, text, size);
}

static void set_text(char *told, size_t size, const char *text, const char *property, char **changed, size_t *n) {
        if (streq(told, text))
                return;
        (void) snprintf(told, size, "%s", text);
        changed[(*n)++] = (char *) property;
}

static void set_string(char **told, const char *text, const char *property, char **changed, size_t *n) {
        char *copy = NULL;

        if (streq_ptr(*told, text))
                return;
        if (text && !(copy = strdup(text))) {
                (void) log_oom();
                return;
        }
        free(*told);
        *told = copy;
        changed[(*n)++] = (char *) property;
}

static void set_count(unsigned *told, unsigned count, const char *property, char **changed, size_t *n) {
        if (*told == count)
                return;
        *told = count;
        changed[(*n)++] = (char *) property;
}

static void tell_systemd(struct manager *m, struct told *told) {
        char line[sizeof(told->line)];

        (void) snprintf(line, sizeof(line), "%u unit%s, %u regressed.%s%s", told->n_units,
                        told->n_units == 1 ? "" : "s", told->n_regressed, *told->problem ? " " : "", told->problem);
        if (streq(line, told->line))
                return;
        memcpy(told->line, line, strlen(line) + 1);
        notifier_set_status(m->notifier, line);
}

#define PROPERTIES_MAX 8

static void on_timer(void *userdata) {
        struct status *s = userdata;
        struct manager *m = s->manager;
        char *changed[PROPERTIES_MAX + 1] = {}, problem_text[PROBLEM_SIZE];
        const char *problem = status_problem(m, problem_text, sizeof(problem_text)) ?: "";
        bool was_healthy = !*s->told.problem;
        struct told *told = &s->told;
        size_t n = 0;

        set_text(told->state, sizeof(told->state), status_state(m), "State", changed, &n);
        set_text(told->problem, sizeof(told->problem), problem, "Status", changed, &n);
        if (was_healthy != !*told->problem)
                changed[n++] = (char *) "Healthy";
        set_string(&told->systemd_version, m->systemd_version, "SystemdVersion", changed, &n);
        set_string(&told->policy_path, m->policy_path, "PolicyPath", changed, &n);
        set_count(&told->n_units, (unsigned) m->units.n_units, "UnitCount", changed, &n);
        set_count(&told->n_regressed, m->ledger.n_regressed, "RegressedCount", changed, &n);
        if (n == 0)
                return;
        api_manager_changed(m, changed);
        tell_systemd(m, told);
}

void status_changed(struct status *s) {
        if (!timer_is_armed(s->timer))
                timer_arm(s->timer, 0);
}

int status_new(struct status **ret, struct manager *manager) {
        struct status *s;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->manager = manager;
        r = timer_new(&s->timer, manager->event, on_timer, s);
        if (r < 0) {
                status_free(s);
                return r;
        }
        *ret = s;
        return 0;
}

struct status *status_free(struct status *s) {
        if (!s)
                return NULL;
        timer_free(s->timer);
        free(s->told.systemd_version);
        free(s->told.policy_path);
        free(s);
        return NULL;
}
