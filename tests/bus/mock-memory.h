/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

/*
 * C0, C1 and bidirectional controls, an emoji, quotes, a backslash, a letter beyond ASCII, wide and
 * combining ones, one that nobody sees and one beyond the first 65536.
 */
#define HOSTILE \
        "\033]0;owned\a\xc2\x9b" "31m\xe2\x80\xae\xe2\x81\xa6 \xf0\x9f\x98\xa8 \"quoted\\\" \xc3\xa9" \
        "\xe6\x97\xa5\xe6\x9c\xac" "e\xcc\x81\xe2\x80\x8b\xf3\xa0\x81\x81\t\n"

/* What the mock remembers. */
struct mock_memory {
        bool no_regressions;
        bool hostile;           /* has hostile texts wherever there are texts */
        unsigned n_events;      /* of generated.service */
};

/*
 * Answers a call to a method about what is remembered. Each Accept is told in a line on standard
 * output: "Accept UNIT UNTIL INTERACTIVE REASON". Returns 1, or 0 where it is another method, or a
 * negative errno.
 */
int mock_memory_answer(const struct mock_memory *memory, sd_bus_message *call);
