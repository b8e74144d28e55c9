/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Memory that runs out: runs the attempt again and again, each time with one allocation after the
 * other failing, and checks that it returns -ENOMEM, until it has all it wants and succeeds. Returns
 * how many allocations that takes. Leaks are for the sanitizers to find.
 */
size_t memory_fail_each(int (*attempt)(void *userdata), void *userdata);
