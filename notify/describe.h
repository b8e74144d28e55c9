/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include <exposured/macro.h>

#include "severity.h"
#include "text-buffer.h"

struct alert;

/* What a notification says. */
struct description {
        struct text_buffer title;       /* never with markup */
        struct text_buffer body;
        enum urgency urgency;
};

/*
 * Says of alerts what became weaker, and since which file; of more than one in a summary. Where the
 * server shows no body, the title says it all. There must be one at least.
 */
void describe(struct description *ret, const struct alert *const *alerts, size_t n_alerts, bool has_body,
              bool has_markup);

/* At more length, for where nothing better than a notification can show it. */
void describe_details(struct description *ret, const struct alert *const *alerts, size_t n_alerts,
                      bool has_markup);

/* What a notification looks like, of a service that does not exist. */
void describe_sample(struct description *ret, bool has_body, bool has_markup);

/*
 * What became of something: "Accepted: nginx and 2 more". There may be no unit, and no detail, which may be
 * the words of others; without a body the title says it.
 */
void describe_outcome(struct description *ret, const char *outcome, const char *unit, size_t n_others,
                      const char *detail, bool has_body, bool has_markup);
