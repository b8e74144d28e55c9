/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/assessment.h>

/* Sets in the facts what their settings imply for others. Once is enough: a second time changes nothing. */
void facts_imply(struct facts *facts);

/*
 * What the check says of facts, implied settings included: a badness on the built-in range, or
 * BADNESS_NOT_APPLICABLE.
 */
uint8_t rule_badness(enum check check, const struct model *model, const struct facts *facts);
