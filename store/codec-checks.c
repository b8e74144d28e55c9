/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include <exposured/macro.h>

#include "buffer.h"
#include "codec.h"
#include "lines.h"

#define FIELD_MAX 127U
#define BADNESS_MAX (BADNESS_NOT_APPLICABLE - 1)

/* Texts of ours have the checks in their order, so it is mostly the one that is expected. */
static int check_find(struct span name, unsigned expected) {
        char field[FIELD_MAX + 1];

        if (expected < _CHECK_MAX && span_equal(name, check_info(expected)->json_field))
                return (int) expected;
        if (name.length > FIELD_MAX)
                return -1;
        memcpy(field, name.at, name.length);
        field[name.length] = '\0';
        return check_from_json_field(field);
}

int badness_write(const uint8_t badness[static _CHECK_MAX], char **ret) {
        _cleanup_(buffer_done) struct buffer buffer = {};

        for (unsigned i = 0; i < _CHECK_MAX; i++)
                if (badness[i] != BADNESS_NOT_APPLICABLE)
                        buffer_format(&buffer, "%s=%u\n", check_info(i)->json_field, badness[i]);
        return buffer_take(&buffer, ret);
}

int badness_read(const char *text, uint8_t badness[static _CHECK_MAX]) {
        struct span name, value;
        unsigned expected = 0;
        int r;

        memset(badness, BADNESS_NOT_APPLICABLE, _CHECK_MAX);
        while ((r = line_next(&text, &name, &value)) > 0) {
                int check = check_find(name, expected);
                uint64_t number;

                if (check < 0)
                        continue;
                if (number_read(value, 10, BADNESS_MAX, &number) < 0)
                        return -EBADMSG;
                badness[check] = (uint8_t) number;
                expected = (unsigned) check + 1;
        }
        return r;
}

static void add_badness(struct buffer *buffer, uint8_t badness) {
        if (badness == BADNESS_NOT_APPLICABLE)
                buffer_add(buffer, "-");
        else
                buffer_format(buffer, "%u", badness);
}

int changes_write(const struct check_change *changes, size_t n_changes, char **ret) {
        _cleanup_(buffer_done) struct buffer buffer = {};

        if (n_changes > _CHECK_MAX)
                return -EINVAL;
        for (size_t i = 0; i < n_changes; i++) {
                if ((unsigned) changes[i].check >= _CHECK_MAX)
                        return -EINVAL;
                buffer_format(&buffer, "%s=", check_info(changes[i].check)->json_field);
                add_badness(&buffer, changes[i].before);
                buffer_add(&buffer, " ");
                add_badness(&buffer, changes[i].after);
                buffer_add(&buffer, "\n");
        }
        return buffer_take(&buffer, ret);
}

static int read_badness(struct span *value, uint8_t *ret) {
        struct span word;
        uint64_t number = BADNESS_NOT_APPLICABLE;

        if (!word_next(value, &word))
                return -EBADMSG;
        if (!span_equal(word, "-") && number_read(word, 10, BADNESS_MAX, &number) < 0)
                return -EBADMSG;
        *ret = (uint8_t) number;
        return 0;
}

int changes_read(const char *text, struct check_change changes[static _CHECK_MAX], size_t *ret_n) {
        struct span name, value, rest;
        unsigned expected = 0;
        size_t n = 0;
        int r;

        while ((r = line_next(&text, &name, &value)) > 0) {
                int check = check_find(name, expected);
                struct check_change change;

                if (check < 0)
                        continue;
                change.check = (enum check) check;
                if (n == _CHECK_MAX || read_badness(&value, &change.before) < 0 ||
                    read_badness(&value, &change.after) < 0 || word_next(&value, &rest))
                        return -EBADMSG;
                changes[n++] = change;
                expected = (unsigned) check + 1;
        }
        if (r == 0)
                *ret_n = n;
        return r;
}
