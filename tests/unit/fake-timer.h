/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "timer.h"

/*
 * The functions of timer.h over a clock that a test turns: nothing is waited for. Link it into a test
 * whose objects would pull in the real ones.
 */

/* Lets time pass; fires each timer when its time comes, in order. */
void fake_time_pass(uint64_t usec);

/* Whether any timer is armed; the time until the next one fires. */
bool fake_time_next(uint64_t *ret_usec);
