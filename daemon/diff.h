/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Diff: the lines in which two unit files say something else. */

#define DIFF_COMPARE_LINES_MAX 2000U    /* of one side; beyond, nothing is shown */
#define DIFF_LINES_MAX 40U              /* shown, with the one that says how many more there are */
#define DIFF_LINE_SIZE_MAX 200U         /* bytes of one of them, with its sign */

/*
 * Compares as systemd reads: comments, blank lines, the white space around lines and the way they are
 * ended or continued do not count. Returns 0 where both say the same in the same order, else 1;
 * -ENOMEM.
 *
 * *ret_lines is the caller's, NULL where nothing is to be shown: "-old" and "+new", a continued line
 * as one, in the order of the files; "[Service]" only where there is nothing else. They are valid
 * UTF-8 without control characters but the tabulator; other bytes are written as "\xff". A line that
 * is cut ends in "…", and the last one may be "… 12 more".
 */
int diff_settings(const char *before, const char *now, char ***ret_lines);
