/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <exposured/assessment.h>

bool assessment_equal(const struct assessment *a, const struct assessment *b) {
        return memcmp(a->badness, b->badness, sizeof(a->badness)) == 0 &&
                a->exposure == b->exposure &&
                a->sum == b->sum &&
                a->total == b->total;
}

static unsigned harm(uint8_t badness) {
        return badness == BADNESS_NOT_APPLICABLE ? 0 : badness;
}

void assessment_compare(const struct assessment *before, const struct assessment *after,
                        struct difference *ret) {
        memset(ret, 0, sizeof(*ret));

        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                uint8_t was = before->badness[i], is = after->badness[i];

                if (was == is)
                        continue;

                ret->changes[ret->n_changes++] = (struct check_change) { i, was, is };

                if (harm(is) > harm(was))
                        ret->n_worse++;
                if (harm(is) < harm(was))
                        ret->n_better++;
        }
}

bool check_change_is_worse(const struct check_change *change) {
        return harm(change->after) > harm(change->before);
}
