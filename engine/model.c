/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include "model.h"
#include "syscalls.h"

void model_init(struct model *model, unsigned systemd_version, enum scope scope, struct policy *policy,
                syscall_exists_fn exists, void *userdata) {
        model->systemd_version = systemd_version;
        model->scope = scope;

        if (policy) {
                model->policy = *policy;
                policy_init(policy);
        } else
                policy_init(&model->policy);

        syscall_groups_fill(model->groups, systemd_version, exists, userdata);
}

void model_done(struct model *model) {
        if (!model)
                return;

        policy_done(&model->policy);
}

bool model_since(const struct model *model, unsigned systemd_version) {
        return model->systemd_version == 0 || model->systemd_version >= systemd_version;
}
