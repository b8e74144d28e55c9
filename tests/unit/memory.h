/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * Memory that runs out: runs the attempt again and again, each time with one allocation after the
 * other failing, and checks that it returns -ENOMEM, until it has all it wants and succeeds. Returns
 * how many allocations that takes. Leaks are for the sanitizers to find.
 */
size_t memory_fail_each(int (*attempt)(void *userdata), void *userdata);

/*
 * The allocation after so many fails, once; or all of them do; or those of arrays that grow. Until memory_return(),
 * which says how many allocations there were.
 */
void memory_fail_once(size_t n);
void memory_run_out(void);
void memory_run_out_for_arrays(void);
size_t memory_return(void);
