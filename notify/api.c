/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api.h"

#include <errno.h>

#include "agent.h"
#include "report.h"

static int method_show_sample(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        int r = agent_show_sample(userdata, m);

        if (r == -EBUSY)
                return sd_bus_error_set(error, SD_BUS_ERROR_LIMITS_EXCEEDED, "A sample is shown already.");
        return r < 0 ? r : 1;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("ShowSample", NULL, NULL, method_show_sample, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

static const struct {
        const char *error, *message;
} answers[] = {
        [OUTCOME_SHOWN] = { NULL, NULL },
        [OUTCOME_SILENCE] = { NOTIFY_ERROR_SERVER, "The notification server does not answer." },
        [OUTCOME_LOST] = { NOTIFY_ERROR_SERVER, "This session has no notification server." },
        [OUTCOME_REFUSED] = { NOTIFY_ERROR_SERVER, "The notification server refused it." },
};

void api_answer_sample(sd_bus_message *call, enum outcome outcome) {
        const char *error = answers[outcome].error;
        int r = error ? sd_bus_reply_method_errorf(call, error, "%s", answers[outcome].message) :
                        sd_bus_reply_method_return(call, NULL);

        if (r < 0)
                report_errno(r, "Cannot answer a call");
}

int api_add(sd_bus *bus, sd_bus_slot **ret, struct agent *agent) {
        return sd_bus_add_object_vtable(bus, ret, NOTIFY_PATH, NOTIFY_INTERFACE, vtable, agent);
}
