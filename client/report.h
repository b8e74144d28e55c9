/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/macro.h>

/* Prints a sentence on standard error, with a newline, safe for a terminal. */
void report(const char *format, ...) _printf_(1, 2);

/* The same for a failure: "what: why". Returns the error. */
int report_errno(int error, const char *what);
