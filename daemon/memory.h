/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Gives back what only a burst of work needed: free memory of the heap, and, where much is in use, the code of
 * libraries, which the page cache keeps for the next time. The first time, what the start alone has read.
 */
void memory_release(bool first);

/* Before anything else: a long message must not leave its size behind, and one thread's memory serves the other. */
void memory_set_up(void);
