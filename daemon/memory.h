/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Gives back what only a burst of work needed: free memory of the heap, and the code of libraries,
 * which the page cache keeps for the next time.
 */
void memory_release(void);

/* Before anything else: a long message must not leave its size behind, and one thread's memory serves the other. */
void memory_set_up(void);
