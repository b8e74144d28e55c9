/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

struct event_cause;

/* What happened to what a cause names, in words: "was created". Never NULL. */
const char *cause_text(const struct event_cause *cause);
