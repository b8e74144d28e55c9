/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "named.h"
#include "unit.h"

#define SUFFIX ".service"
#define TEMPLATE_INSTANCE "test-instance"

struct unit *unit_new(const char *name) {
        struct unit *unit;

        unit = calloc(1, sizeof(*unit));
        if (!unit)
                return NULL;
        unit->name = strdup(name);
        if (!unit->name)
                return unit_free(unit);
        return unit;
}

struct unit *unit_free(struct unit *unit) {
        if (!unit)
                return NULL;
        free(unit->name);
        free(unit->fragment_path);
        strv_free(unit->drop_in_paths);
        free(unit);
        return NULL;
}

/* The length of the name before its suffix, or 0 where it is no valid service name. */
static size_t prefix_length(const char *name) {
        static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
        size_t n = strnlen(name, UNIT_NAME_SIZE), suffix = strlen(SUFFIX);

        if (n >= UNIT_NAME_SIZE || n <= suffix || !streq(name + n - suffix, SUFFIX))
                return 0;
        if (strspn(name, valid) != n || name[0] == '@')
                return 0;
        return n - suffix;
}

bool unit_name_is_template(const char *name) {
        size_t n = prefix_length(name);

        return n > 0 && strchr(name, '@') == name + n - 1;
}

bool unit_name_is_service(const char *name) {
        return prefix_length(name) > 0 && !unit_name_is_template(name);
}

int unit_name_instantiate(const char *template, char instance[static UNIT_NAME_SIZE]) {
        size_t n = prefix_length(template);
        int r;

        r = snprintf(instance, UNIT_NAME_SIZE, "%.*s" TEMPLATE_INSTANCE SUFFIX, (int) n, template);
        return r < 0 || (unsigned) r >= UNIT_NAME_SIZE ? -ENAMETOOLONG : 0;
}

bool unit_name_template(const char *name, char template[static UNIT_NAME_SIZE]) {
        const char *at = strchr(name, '@');
        int r;

        if (!at || streq(at, "@" SUFFIX))
                return false;
        r = snprintf(template, UNIT_NAME_SIZE, "%.*s" SUFFIX, (int) (at + 1 - name), name);
        return r > 0 && (unsigned) r < UNIT_NAME_SIZE;
}

/* The names that systemd-run chooses: run-u12, run-r0123456789abcdef..., run-p12-i34. */
bool unit_name_is_passing(const char *name) {
        size_t n;

        if (strncmp(name, "run-", 4) != 0 || !name[4] || !strchr("urp", name[4]))
                return false;
        name += 5;
        n = strspn(name, "0123456789abcdef-i");
        return n > 0 && streq(name + n, SUFFIX);
}

static bool is_own_file(const char *path, const char *name) {
        size_t n = strlen(name);

        for (const char *p = path; (p = strstr(p, name)); p += n)
                if (p > path && p[-1] == '/' && (p[n] == '\0' || strncmp(p + n, ".d/", 3) == 0))
                        return true;
        return false;
}

bool unit_has_own_files(const struct unit *unit) {
        if (unit->fragment_path && is_own_file(unit->fragment_path, unit->name))
                return true;
        for (char **path = unit->drop_in_paths; path && *path; path++)
                if (is_own_file(*path, unit->name))
                        return true;
        return false;
}

void unit_table_done(struct unit_table *table) {
        if (!table)
                return;
        for (size_t i = 0; i < table->n_units; i++)
                unit_free(table->units[i]);
        free(table->units);
        *table = (struct unit_table) {};
}

_Static_assert(offsetof(struct unit, name) == 0, "begins with its name");

struct unit *unit_table_get(const struct unit_table *table, const char *name) {
        size_t i;

        return named_find(table->units, table->n_units, name, &i) ? table->units[i] : NULL;
}

struct unit *unit_table_add(struct unit_table *table, const char *name) {
        struct unit *unit;
        size_t i;

        if (named_find(table->units, table->n_units, name, &i))
                return table->units[i];
        unit = unit_new(name);
        if (!unit || named_insert(&table->units, &table->n_units, &table->n_allocated, i, unit) < 0)
                return unit_free(unit);
        return unit;
}

void unit_table_take(struct unit_table *table, const struct unit *unit) {
        (void) named_take(table->units, &table->n_units, unit->name);
}
