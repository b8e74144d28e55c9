/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "verbs.h"

#include <string.h>

#include "cleanup.h"
#include "report.h"

const struct verb verb_table[] = {
        { .name = "list", .arguments = "[PATTERN...]", .max = ARGUMENTS_ANY, .run = verb_list,
          .help = "List units with their exposure" },
        { .name = "show", .arguments = "UNIT...", .min = 1, .max = ARGUMENTS_ANY, .run = verb_show,
          .help = "Show what is checked in units, worst first" },
        { .name = "regressions", .arguments = "[PATTERN...]", .max = ARGUMENTS_ANY,
          .run = verb_regressions, .help = "Show what is worse than accepted, and why" },
        { .name = "history", .arguments = "[UNIT]", .max = 1, .run = verb_history,
          .help = "Show what happened, newest first" },
        { .name = "accept", .arguments = "UNIT|PATTERN...", .min = 1, .max = ARGUMENTS_ANY,
          .run = verb_accept, .help = "Take the present state of units as their baseline" },
        { .name = "monitor", .run = verb_monitor,
          .help = "Show changes as they happen" },
        { .name = "notify", .run = verb_notify,
          .help = "Show a sample of the notifications, with --test" },
        { .name = "status", .run = verb_status,
          .help = "Show how exposured itself is doing" },
        { .name = "rescan", .run = verb_rescan,
          .help = "Have exposured read every unit anew" },
        { .name = "help", .run = verb_help,
          .help = "Show this help" },
};
const size_t n_verbs = ELEMENTSOF(verb_table);

const struct verb *verb_find(char **words) {
        const struct verb *verb = verb_table, *end = verb_table + n_verbs;
        size_t n = 0;

        if (!*words)
                return verb;

        while (verb < end && !streq(verb->name, *words))
                verb++;
        if (verb == end) {
                report("Unknown verb '%s'; exposurectl --help lists what there is.", *words);
                return NULL;
        }

        while (words[n + 1]) {
                n++;
                if (!*words[n]) {
                        report("An argument of %s is empty.", verb->name);
                        return NULL;
                }
        }
        if (n < verb->min || n > verb->max) {
                report("%s arguments; the usage is: exposurectl %s%s%s",
                       n < verb->min ? "Too few" : "Too many", verb->name,
                       verb->arguments ? " " : "", verb->arguments ?: "");
                return NULL;
        }
        return verb;
}
