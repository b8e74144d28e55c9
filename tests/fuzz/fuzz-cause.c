/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Unit files before and now, and what is told of the difference. Of each file a word where it stands
 * ("before", "now"), its path, target, number, and content; of target and content "-" stands for none.
 * Paths are only looked at, never opened.
 */
#include <errno.h>

#include <exposured/macro.h>

#include "cause.h"
#include "diff.h"
#include "fuzz.h"
#include "input.h"
#include "store/store.h"
#include "strv.h"
#include "utf8.h"

/* What is shown of a line is text in which nothing is hidden, and short. */
static void check_line(const char *line) {
        size_t length = strlen(line);

        fuzz_assert(length <= DIFF_LINE_SIZE_MAX && utf8_is_valid(line, length));
        for (const uint8_t *c = (const uint8_t *) line; *c; c++) {
                fuzz_assert((*c >= ' ' && *c != 0x7f) || *c == '\t');
                fuzz_assert(c[0] != 0xc2 || c[1] >= 0xa0);
        }
        fuzz_assert(strchr("+-", *line) || strncmp(line, "…", strlen("…")) == 0);
}

static void check_diff(const char *before, const char *now) {
        _cleanup_(strv_freep) char **lines = NULL, **back = NULL, **none = NULL;
        int r = diff_settings(before, now, &lines);

        fuzz_assert(r == 0 || r == 1);
        fuzz_assert(r == 1 || !lines);
        fuzz_assert(strv_length(lines) <= DIFF_LINES_MAX);
        for (char **line = lines; line && *line; line++)
                check_line(*line);
        /* As many differ the other way round. */
        fuzz_assert(diff_settings(now, before, &back) == r);
        fuzz_assert(strv_length(back) == strv_length(lines));
        fuzz_assert(diff_settings(now, now, &none) == 0 && !none);
}

static char *text_or_null(char *text) {
        if (!streq(text, "-"))
                return text;
        free(text);
        return NULL;
}

/* Returns whether there was a file. */
static bool take_file(struct input *input, struct snapshot *before, struct snapshot *now) {
        struct snapshot *snapshot = input_take(input, "before") ? before :
                                    input_take(input, "now") ? now : NULL;
        _cleanup_(freep) char *path = NULL, *target = NULL, *content = NULL;
        struct store_file file;
        int r;

        if (!snapshot)
                return false;
        path = input_line(input);
        target = text_or_null(input_line(input));
        file = (struct store_file) { .path = path, .target = target, .inode = input_number(input) };
        file.mtime_nsec = file.inode / 2;
        content = text_or_null(input_line(input));
        file.content = content;
        r = snapshot_from_store(snapshot, &file);
        fuzz_assert(r == 0 || r == -EBADMSG || r == -E2BIG);
        return true;
}

static void check_causes(const struct snapshot *before, const struct snapshot *now, bool manager_changed) {
        struct causes causes = {};

        fuzz_assert(causes_find(before, now, manager_changed, &causes) == 0);
        fuzz_assert(causes.n_causes >= 1 && causes.n_causes <= CAUSES_MAX);
        fuzz_assert(causes_equal(&causes, &causes));
        for (size_t i = 0; i < causes.n_causes; i++) {
                const struct cause *cause = &causes.causes[i];

                fuzz_assert(utf8_is_valid(cause->path, strlen(cause->path)));
                fuzz_assert(i == 0 || strcmp(causes.causes[i - 1].path, cause->path) <= 0);
                for (char **line = cause->lines; line && *line; line++)
                        check_line(*line);
        }
        causes_done(&causes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct input input = input_open(data, size);
        struct snapshot before = {}, now = {};

        while (take_file(&input, &before, &now))
                ;
        check_causes(&before, &now, size % 2);
        check_causes(NULL, &now, size % 2);
        if (before.n_files > 0 && now.n_files > 0)
                check_diff(before.files[0].content ?: "", now.files[0].content ?: "");
        snapshot_done(&before);
        snapshot_done(&now);
        return 0;
}
