/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Gives back what only a burst of work needed: free memory of the heap, and the code of libraries,
 * which the page cache keeps for the next time.
 */
void memory_release(void);
