/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stddef.h>

#include <exposured/assessment.h>

/* From the worst to the best, the last one from 0. */
static const struct grade {
        uint8_t exposure;       /* tenths from which on it counts */
        const char *predicate;
        const char *face;
} grades[] = {
        { .exposure = 100, .predicate = "DANGEROUS", .face = "🤢" },
        { .exposure =  90, .predicate = "UNSAFE",    .face = "😨" },
        { .exposure =  75, .predicate = "EXPOSED",   .face = "🙁" },
        { .exposure =  50, .predicate = "MEDIUM",    .face = "😐" },
        { .exposure =  10, .predicate = "OK",        .face = "🙂" },
        { .exposure =   1, .predicate = "SAFE",      .face = "😀" },
        { .exposure =   0, .predicate = "PERFECT",   .face = "😇" },
};

static const struct grade *exposure_to_grade(uint8_t exposure) {
        const struct grade *grade = grades;

        while (exposure < grade->exposure)
                grade++;

        return grade;
}

const char *exposure_to_predicate(uint8_t exposure) {
        return exposure_to_grade(exposure)->predicate;
}

const char *exposure_to_face(uint8_t exposure) {
        return exposure_to_grade(exposure)->face;
}
