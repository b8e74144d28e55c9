/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "fake-reader.h"

static void copy_name(char to[static 64], const char *name) {
        ck_assert_uint_lt(strlen(name), 64);
        (void) snprintf(to, 64, "%s", name);
}

int reader_list(struct reader *reader, char *const *names) {
        ck_assert_msg(!reader->listing, "A second list is asked for");
        ck_assert_msg(reader_has_room(reader), "A list is asked for beside four reads");
        if (reader->list_fails)
                return -ENOMEM;
        reader->listing = true;
        reader->n_lists++;
        reader->full = !names;
        reader->n_list_names = 0;
        for (; names && *names; names++) {
                ck_assert_uint_lt(reader->n_list_names, READER_NAMES_MAX);
                copy_name(reader->list_names[reader->n_list_names++], *names);
        }
        return 0;
}

bool reader_has_room(struct reader *reader) {
        return reader->n_reads + reader->listing < READER_CALLS_MAX;
}

int reader_read(struct reader *reader, enum read_kind kind, const char *name) {
        ck_assert_int_eq(kind, READ_LOADED);
        ck_assert_msg(reader_has_room(reader), "More is read at once than may be");
        copy_name(reader->reads[reader->n_reads], name);
        reader->ids[reader->n_reads++] = ++reader->n_reads_ever;
        return 0;
}

static size_t find(const struct reader *reader, const char *name) {
        size_t i = 0;

        while (i < reader->n_reads && !streq(reader->reads[i], name))
                i++;
        return i;
}

void fake_reader_end(struct reader *reader, const char *name) {
        size_t i = find(reader, name);

        ck_assert_msg(i < reader->n_reads, "%s is not being read", name);
        reader->n_reads--;
        memmove(reader->reads + i, reader->reads + i + 1, (reader->n_reads - i) * sizeof(reader->reads[0]));
        memmove(reader->ids + i, reader->ids + i + 1, (reader->n_reads - i) * sizeof(reader->ids[0]));
}

void reader_drop(struct reader *reader, enum read_kind kind, const char *name) {
        ck_assert_int_eq(kind, READ_LOADED);
        if (find(reader, name) < reader->n_reads)
                fake_reader_end(reader, name);
}
