/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * SQLite's way to files and memory, with faults. Counts each operation on files, or each allocation, and
 * makes one of them fail, or all from that one on. Nothing is flushed to the disk.
 */
void faulty_files_install(void);

/* Before anything else is done with SQLite. */
void faulty_memory_install(void);

#define FAULT_NEVER (-1L)

/* Counts from 0 on, and fails at that count. */
void faults_start(long at, bool for_good);

/* No more faults. Returns how often it was counted. */
long faults_stop(void);

/* How often a file should have been flushed since faulty_files_install(). */
unsigned long faulty_files_flushed(void);
