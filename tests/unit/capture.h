/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is written to standard error between these two. The text is the caller's. */
void capture_start(void);
char *capture_end(void);
