/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where the configuration of this system is. */
#define CONFIG_FOLDERS "/etc", "/run", "/usr/local/lib", "/usr/lib"

/* exposured.conf(5). */
struct config {
        unsigned units_max;             /* so many units are kept, the rest is left out */
        uint64_t call_timeout_usec;     /* after that time systemd counts as not answering */
        unsigned lookups_per_second;    /* of units that are not loaded */
        uint64_t settle_usec;           /* so long a change must last before it is judged */
        bool ratchet;                   /* an improvement becomes the baseline */
        uint8_t new_unit_exposure_max;  /* tenths: a new unit beyond it is told as loud as a regression */
        unsigned history_max;           /* events that are kept */
        uint64_t history_age_usec;      /* and how long */
        uint64_t baseline_age_usec;     /* baselines of units that were not loaded for so long are forgotten */
        int log_level;                  /* as in syslog */
};

/* What stands where no file says otherwise. */
void config_init(struct config *config);

/*
 * Reads exposured.conf, the first that exists in these folders, then all of exposured.conf.d/ in
 * them, sorted by file name; of files of one name the first folder's counts. folders ends with
 * NULL. Wrong lines are warned about and passed over, so are files that cannot be read. -ENOMEM
 * leaves the config as far as it got.
 */
int config_load(struct config *config, const char *const *folders);

/* Reads one file's text; the path is for messages. Changes the text. Returns the number of wrong lines. */
unsigned config_parse(struct config *config, const char *path, char *text);
