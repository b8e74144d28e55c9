/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <stdio.h>

#include "reader-fixture.h"

struct reader_fixture t;

static void on_listed(void *userdata, const char *name, bool loaded) {
        char text[320];

        ck_assert_ptr_eq(userdata, &t);
        (void) snprintf(text, sizeof(text), "%s%s", loaded ? "" : "!", name);
        ck_assert_int_eq(strv_extend(&t.listed, text), 0);
}

static void on_list_ended(void *userdata, int error) {
        (void) userdata;
        t.n_lists++;
        t.list_error = error;
}

static void on_read(enum read_kind kind, const char *name, enum read_result result, struct reading *reading,
                    const char *problem) {
        ck_assert_int_eq(strv_extend(&t.read, name), 0);
        t.told_with_room = t.had_room;
        t.kind = kind;
        t.result = result;
        free(t.problem);
        t.problem = problem ? strdup(problem) : NULL;
        t.facts = reading->facts;
        free(t.id);
        t.id = TAKE_PTR(reading->id);
        free(t.fragment_path);
        t.fragment_path = TAKE_PTR(reading->fragment_path);
        t.n_drop_ins = strv_length(reading->drop_in_paths);
}

static void on_loaded_read(void *userdata, const char *name, enum read_result result, struct reading *reading,
                           const char *problem) {
        (void) userdata;
        on_read(READ_LOADED, name, result, reading, problem);
}

static void on_lookup_read(void *userdata, const char *name, enum read_result result, struct reading *reading,
                           const char *problem) {
        (void) userdata;
        on_read(READ_LOOKUP, name, result, reading, problem);
}

void begin_wanted(void *userdata) {
        (void) userdata;
        t.had_room = true;
        ck_assert(reader_has_room(t.reader) || t.n_begun == 0);
        while (t.n_begun < t.n_wanted && reader_has_room(t.reader)) {
                char name[64];

                (void) snprintf(name, sizeof(name), "u%u.service", t.n_begun++);
                ck_assert_int_eq(reader_read(t.reader, READ_LOADED, name), 0);
        }
}

static const struct reader_ops ops = {
        .has_room = begin_wanted,
        .unit_listed = on_listed,
        .list_ended = on_list_ended,
        .read_ended = { [READ_LOADED] = on_loaded_read, [READ_LOOKUP] = on_lookup_read },
};

void set_up(void) {
        direct_open(&t.direct);
        ck_assert_int_eq(reader_new(&t.reader, t.direct.near, TIMEOUT, &ops, &t), 0);
}

void tear_down(void) {
        ck_assert_ptr_null(reader_free(t.reader));
        t.listed = strv_free(t.listed);
        t.read = strv_free(t.read);
        free(t.problem);
        free(t.id);
        free(t.fragment_path);
        direct_close(&t.direct);
        memset(&t, 0, sizeof(t));
}
