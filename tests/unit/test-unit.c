/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

#include <exposured/macro.h>

#include "random.h"
#include "suite.h"
#include "unit.h"

enum kind { INVALID, SERVICE, TEMPLATE };

static const struct {
        const char *name;
        enum kind kind;
} names[] = {
        { "a.service", SERVICE },
        { "nginx.service", SERVICE },
        { "0.service", SERVICE },
        { "-.service", SERVICE },
        { "..service", SERVICE },
        { "_.service", SERVICE },
        { ":.service", SERVICE },
        { "a.b.service", SERVICE },
        { "a.service.service", SERVICE },
        { "dev-disk\\x2dby.service", SERVICE },
        { "\\.service", SERVICE },
        { "getty@tty1.service", SERVICE },
        { "getty@a.b.service", SERVICE },
        { "a@b@c.service", SERVICE },
        { "a@@.service", SERVICE },
        { "a@-.service", SERVICE },
        { "getty@.service", TEMPLATE },
        { "a-b@.service", TEMPLATE },
        { "a.b\\x2d@.service", TEMPLATE },
        { "", INVALID },
        { ".", INVALID },
        { "service", INVALID },
        { ".service", INVALID },
        { "@.service", INVALID },
        { "@a.service", INVALID },
        { "a", INVALID },
        { "a.", INVALID },
        { "a.Service", INVALID },
        { "a.service ", INVALID },
        { " a.service", INVALID },
        { "a b.service", INVALID },
        { "a.services", INVALID },
        { "aservice", INVALID },
        { "a.socket", INVALID },
        { "a.service.d", INVALID },
        { "a/b.service", INVALID },
        { "/a.service", INVALID },
        { "../a.service", INVALID },
        { "a*.service", INVALID },
        { "a?.service", INVALID },
        { "[a].service", INVALID },
        { "a%i.service", INVALID },
        { "a\n.service", INVALID },
        { "a\001.service", INVALID },
        { "a\".service", INVALID },
        { "a$b.service", INVALID },
        { "\xc3\xa9.service", INVALID },
        { "\xff.service", INVALID },
        { "getty@\xc3\xa9.service", INVALID },
};

START_TEST(each_name) {
        ck_assert_msg(unit_name_is_service(names[_i].name) == (names[_i].kind == SERVICE), "%s",
                      names[_i].name);
        ck_assert_msg(unit_name_is_template(names[_i].name) == (names[_i].kind == TEMPLATE), "%s",
                      names[_i].name);
}
END_TEST

/* A name of that length in all, that ends so. */
static void name_of_length(char *name, size_t length, const char *end) {
        size_t n = length - strlen(end);

        memset(name, 'x', n);
        memcpy(name + n, end, strlen(end) + 1);
}

START_TEST(longest_name) {
        char name[4096];

        name_of_length(name, 255, ".service");
        ck_assert(unit_name_is_service(name));
        name_of_length(name, 256, ".service");
        ck_assert(!unit_name_is_service(name));
        name_of_length(name, 4095, ".service");
        ck_assert(!unit_name_is_service(name));

        name_of_length(name, 255, "@.service");
        ck_assert(unit_name_is_template(name));
        name_of_length(name, 256, "@.service");
        ck_assert(!unit_name_is_template(name));
}
END_TEST

START_TEST(instance_of_template) {
        char name[256], instance[UNIT_NAME_SIZE];

        ck_assert_int_eq(unit_name_instantiate("getty@.service", instance), 0);
        ck_assert_str_eq(instance, "getty@test-instance.service");

        name_of_length(name, 255 - strlen("test-instance"), "@.service");
        ck_assert_int_eq(unit_name_instantiate(name, instance), 0);
        ck_assert_uint_eq(strlen(instance), 255);
        ck_assert(unit_name_is_service(instance));

        name_of_length(name, 256 - strlen("test-instance"), "@.service");
        ck_assert_int_eq(unit_name_instantiate(name, instance), -ENAMETOOLONG);
}
END_TEST

/* Those that systemd-run makes up; the texts end where their memory does. */
START_TEST(passing_names) {
        static const struct {
                const char *name;
                bool passing;
        } cases[] = {
                { "run-u12.service", true },
                { "run-r0123456789abcdef.service", true },
                { "run-p12-i34.service", true },
                { "run-u.service", false },
                { "run-x12.service", false },
                { "run-parts.service", false },
                { "run-.service", false },
                { "run-u", false },
                { "run-", false },
                { "run", false },
                { "", false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(freep) char *name = strdup(cases[i].name);

                ck_assert_ptr_nonnull(name);
                ck_assert_msg(unit_name_is_passing(name) == cases[i].passing, "%s", name);
        }
}
END_TEST

START_TEST(empty_table) {
        struct unit_table table = {};

        ck_assert_ptr_null(unit_table_get(&table, "a.service"));
        unit_table_done(&table);
        unit_table_done(NULL);
        ck_assert_ptr_null(unit_free(NULL));
}
END_TEST

START_TEST(add_gives_what_is_there) {
        struct unit_table table = {};
        struct unit *unit = unit_table_add(&table, "a.service");

        ck_assert_ptr_nonnull(unit);
        ck_assert_str_eq(unit->name, "a.service");
        ck_assert_ptr_eq(unit_table_add(&table, "a.service"), unit);
        ck_assert_ptr_eq(unit_table_get(&table, "a.service"), unit);
        ck_assert_uint_eq(table.n_units, 1);
        unit_table_done(&table);
        ck_assert_uint_eq(table.n_units, 0);
        ck_assert_ptr_null(table.units);
}
END_TEST

START_TEST(take_is_no_free) {
        struct unit_table table = {};
        struct unit *unit = unit_table_add(&table, "a.service");

        unit_table_take(&table, unit);
        ck_assert_uint_eq(table.n_units, 0);
        ck_assert_ptr_null(unit_table_get(&table, "a.service"));
        unit_table_take(&table, unit);
        ck_assert_str_eq(unit->name, "a.service");
        unit_free(unit);
        unit_table_done(&table);
}
END_TEST

#define N_NAMES 600
#define ROUNDS 20000

static void assert_table(const struct unit_table *table, char random_names[][24], const bool *present) {
        size_t n = 0;

        for (size_t i = 0; i < N_NAMES; i++) {
                struct unit *unit = unit_table_get(table, random_names[i]);

                n += present[i];
                ck_assert_msg((unit != NULL) == present[i], "%s", random_names[i]);
                if (unit)
                        ck_assert_str_eq(unit->name, random_names[i]);
        }
        ck_assert_uint_eq(table->n_units, n);
        for (size_t i = 1; i < table->n_units; i++)
                ck_assert_int_lt(strcmp(table->units[i - 1]->name, table->units[i]->name), 0);
}

START_TEST(random_units) {
        static char random_names[N_NAMES][24];
        bool present[N_NAMES] = {};
        struct unit_table table = {};

        for (size_t i = 0; i < N_NAMES; i++)
                (void) snprintf(random_names[i], sizeof(random_names[i]), "%llx-%zu.service",
                                (unsigned long long) random_below(4096), i);
        for (unsigned i = 0; i < ROUNDS; i++) {
                size_t k = random_below(N_NAMES);

                if (random_below(5) < 3)
                        ck_assert_ptr_nonnull(unit_table_add(&table, random_names[k]));
                else if (present[k]) {
                        struct unit *unit = unit_table_get(&table, random_names[k]);

                        unit_table_take(&table, unit);
                        unit_free(unit);
                        present[k] = false;
                        continue;
                } else
                        continue;
                present[k] = true;
                if (i % 1000 == 0)
                        assert_table(&table, random_names, present);
        }
        assert_table(&table, random_names, present);
        unit_table_done(&table);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("unit");
        TCase *tcase = tcase_create("unit");

        random_start();
        tcase_add_loop_test(tcase, each_name, 0, ELEMENTSOF(names));
        tcase_add_test(tcase, longest_name);
        tcase_add_test(tcase, instance_of_template);
        tcase_add_test(tcase, passing_names);
        tcase_add_test(tcase, empty_table);
        tcase_add_test(tcase, add_gives_what_is_there);
        tcase_add_test(tcase, take_is_no_free);
        tcase_add_test(tcase, random_units);
        suite_add_tcase(suite, tcase);

        return suite_run(suite);
}
