/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>
#include <sys/uio.h>
#include <syslog.h>

#include <exposured/macro.h>

/*
 * Log lines go to the journal where it takes our standard error anyway, else to standard error.
 * Levels are those of syslog; what is above the maximum (LOG_INFO unless set) is dropped.
 */
void log_open(void);
void log_set_max_level(int level);

void log_line(int level, const char *format, ...) _printf_(2, 3);

/* The same with ": " and the error's text behind it. Returns the error, a negative errno. */
int log_errno(int level, int error, const char *format, ...) _printf_(3, 4);

#define log_error(...) log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_oom() log_errno(LOG_ERR, -ENOMEM, "Out of memory")

/* One entry with fields of its own, the first of them MESSAGE=; whatever the maximum level. 0 or a negative errno. */
int log_fields(const struct iovec *fields, unsigned n_fields);
