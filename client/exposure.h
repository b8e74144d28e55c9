/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "render/style.h"

/* Exposures are in tenths here, 0 to 100; "9.6" is the form that people and JSON see. */
#define EXPOSURE_MAX 100

/* Room for "10.0" and its end. */
#define EXPOSURE_TEXT_SIZE 5

/* One level of exposure, as systemd-analyze security tells them apart. */
struct level {
        unsigned from;          /* tenths */
        const char *predicate;
        const char *emoji, *face;
        enum style style;
};

/* The levels, worst first. */
extern const struct level levels[];
extern const size_t n_levels;

const struct level *exposure_level(unsigned tenths);

/* Tenths from what the bus carries; -EBADMSG where that is no exposure. */
int exposure_from_double(double value, unsigned *ret);

/* Tenths from "5", "5.0" or "10"; -EINVAL where that is no exposure. */
int exposure_from_string(const char *s, unsigned *ret);

/* Writes "9.6" and returns the buffer. */
const char *exposure_to_string(unsigned tenths, char buffer[static EXPOSURE_TEXT_SIZE]);
