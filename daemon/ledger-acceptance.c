/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "ledger.h"

/* What an acceptance makes of a baseline, and what its end does. */

static void baseline_assess(const struct model *model, struct baseline *baseline, struct assessment *ret) {
        if (!baseline->is_composite) {
                assess(model, &baseline->facts, ret);
                return;
        }
        /* The database keeps no more of it than the badness. */
        assessment_rate(model, &baseline->composite);
        *ret = baseline->composite;
}

void baseline_improve(struct baseline *baseline, const struct model *model, const struct baseline *by) {
        struct baseline other = *by;
        struct assessment best, theirs;

        baseline_assess(model, baseline, &best);
        baseline_assess(model, &other, &theirs);
        if (!assessment_improve(&best, &theirs))
                return;
        assessment_rate(model, &best);
        if (assessment_equal(&best, &theirs)) {
                *baseline = other;
                return;
        }
        baseline->is_composite = true;
        baseline->composite = best;
}

void entry_get_baseline(const struct entry *entry, struct baseline *ret) {
        *ret = (struct baseline) { .facts = entry->baseline, .is_composite = entry->composite };
        if (entry->composite)
                ret->composite = *entry->composite;
}

void entry_get_lasting_baseline(const struct entry *entry, const struct model *model, bool ratchet,
                                struct baseline *ret) {
        struct baseline now;

        entry_get_baseline(entry, &now);
        *ret = entry->before_acceptance ? *entry->before_acceptance : now;
        if (ratchet)
                baseline_improve(ret, model, &now);
}

int entry_accept(struct entry *entry, const struct model *model, bool ratchet, uint64_t until) {
        const struct facts settled = *entry_settled(entry);
        struct baseline *kept = NULL;
        int r;

        if (until != 0) {
                kept = malloc(sizeof(*kept));
                if (!kept)
                        return -ENOMEM;
                entry_get_lasting_baseline(entry, model, ratchet, kept);
        }
        r = entry_set_baseline(entry, model, &settled, NULL);
        if (r < 0) {
                free(kept);
                return r;
        }
        free(entry->before_acceptance);
        entry->before_acceptance = kept;
        entry->until = until;
        return 0;
}

void entry_judge_expiry(const struct entry *entry, const struct model *model, bool ratchet, struct expiry *ret) {
        struct assessment accepted;

        *ret = (struct expiry) {};
        entry_get_lasting_baseline(entry, model, ratchet, &ret->baseline);
        baseline_assess(model, &ret->baseline, &ret->before);
        assess(model, entry_settled(entry), &ret->now);
        entry_baseline(entry, model, &accepted);
        for (unsigned i = 0; i < _CHECK_MAX; i++) {
                uint8_t before = check_harm(ret->before.badness[i]);
                bool worse = check_harm(ret->now.badness[i]) > before;

                ret->open = ret->open || worse;
                ret->told = ret->told || (worse && check_harm(accepted.badness[i]) > before);
        }
        ret->told = ret->told && !entry->gone;
}

int entry_expire(struct entry *entry, const struct model *model, const struct expiry *expiry) {
        int r;

        r = entry_set_baseline(entry, model, &expiry->baseline.facts,
                               expiry->baseline.is_composite ? &expiry->baseline.composite : NULL);
        if (r < 0)
                return r;
        free(TAKE_PTR(entry->before_acceptance));
        entry->until = 0;
        return 0;
}
