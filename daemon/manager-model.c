/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <seccomp.h>

#include <exposured/macro.h>

#include "log.h"
#include "manager.h"
#include "policy-file.h"
#include "policy-text.h"
#include "policy-watch.h"
#include "status.h"
#include "timer.h"

static bool syscall_exists(const char *name, void *userdata) {
        (void) userdata;
        return seccomp_syscall_resolve_name(name) >= 0;
}

static unsigned parse_version(const char *version) {
        return version ? (unsigned) strtoul(version + strcspn(version, "0123456789"), NULL, 10) : 0;
}

/* The policy in use changes only where one could be looked for. *ret_former is the text of the one before. */
static int read_policy(struct manager *m, struct policy *ret_policy, char **ret_former) {
        _cleanup_(freep) char *path = NULL, *problem = NULL, *text = NULL;
        struct policy policy;
        int r = 0;

        if (m->policy_watch)
                r = policy_watch_follow(m->policy_watch);
        if (r >= 0)
                r = policy_file_load(NULL, &policy, &path, &problem);
        if (r < 0)
                return r;
        if (r != POLICY_READ) {
                policy_init(&policy);
                free(TAKE_PTR(path));
        }
        if (policy_text_write(&policy, path, &text) < 0) {
                policy_done(&policy);
                return -ENOMEM;
        }
        if (path && !streq_ptr(m->policy_path, path))
                log_info("Using the policy in %s.", path);
        free(m->policy_problem);
        m->policy_problem = TAKE_PTR(problem);
        free(m->policy_path);
        m->policy_path = TAKE_PTR(path);
        *ret_former = m->policy_text;
        m->policy_text = TAKE_PTR(text);
        *ret_policy = policy;
        return 0;
}

int manager_init_model(struct manager *m) {
        _cleanup_(freep) char *former = NULL;
        struct policy policy;
        int r;

        r = read_policy(m, &policy, &former);
        if (r < 0)
                return r;
        model_init(&m->model, 0, m->scope, &policy, syscall_exists, NULL);
        return 0;
}

/* By what the ledger was judged: a policy of that text, for a systemd of that version. 0 or -ENOMEM. */
static int former_init(struct former_model *former, const struct manager *m, const char *text, unsigned version,
                       char **ret_path) {
        struct policy policy;
        int r;

        r = policy_text_read(text, &policy, ret_path);
        if (r < 0)
                return r;
        model_init(&former->model, version, m->scope, &policy, syscall_exists, NULL);
        former->policy_path = *ret_path;
        former->policy_changed = !policy_text_same(text, m->policy_text);
        return 0;
}

/* Where there is nothing to compare with yet, it is taken as it is. */
static void take_policy(struct manager *m, struct policy *policy) {
        unsigned version = parse_version(m->systemd_version);

        model_done(&m->model);
        model_init(&m->model, version, m->scope, policy, syscall_exists, NULL);
}

/* old_version: of the manager that the old model was made for; was: its name, where it is another one now. */
static void update_model(struct manager *m, unsigned old_version, const char *was) {
        struct former_model former = { .version = was };
        _cleanup_(freep) char *text = NULL, *path = NULL;
        struct policy policy;
        int r;

        r = read_policy(m, &policy, &text);
        m->policy_unread = r < 0;
        if (r < 0) {
                log_errno(LOG_ERR, r, "Cannot look for a policy, keeping the one in use and trying again");
                timer_arm(m->policy_timer, USEC_PER_SEC);
                status_changed(m->status);
                return;
        }
        status_changed(m->status);
        if (!m->systemd_version) {
                take_policy(m, &policy);
                return;
        }
        /* What was read from the database was judged by what is noted there. */
        r = former_init(&former, m, m->ledger_is_stored && m->stored_policy ? m->stored_policy : text, old_version,
                        &path);
        if (r < 0) {
                (void) log_oom();
                policy_done(&policy);
                free(m->policy_text);
                m->policy_text = TAKE_PTR(text);
                timer_arm(m->policy_timer, USEC_PER_SEC);
                return;
        }
        take_policy(m, &policy);
        m->ledger_is_stored = false;
        manager_reassess(m, &former);
        model_done(&former.model);
}

void manager_update_model(struct manager *m) {
        update_model(m, m->model.systemd_version, NULL);
}

void manager_take_ledger(struct manager *m) {
        const char *last = m->stored_version ?: m->systemd_version;

        m->manager_changed = !streq(last, m->systemd_version);
        update_model(m, parse_version(last), m->manager_changed ? last : NULL);
}

int manager_set_version(struct manager *m, const char *version) {
        _cleanup_(freep) char *last = NULL;
        char *copy;

        if (streq_ptr(m->systemd_version, version))
                return 0;
        copy = strdup(version);
        last = strdup(m->systemd_version ?: m->stored_version ?: version);
        if (!copy || !last) {
                free(copy);
                return -ENOMEM;
        }
        log_info("The manager is systemd %s.", version);
        m->manager_changed = !streq(last, version);
        free(m->systemd_version);
        m->systemd_version = copy;
        update_model(m, parse_version(last), m->manager_changed ? last : NULL);
        return 0;
}
