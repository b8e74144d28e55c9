/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>

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

/* Where the name is, or would have to be. */
static size_t unit_table_position(const struct unit_table *table, const char *name, bool *ret_found) {
        size_t low = 0, high = table->n_units;

        *ret_found = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int c = strcmp(table->units[middle]->name, name);

                if (c == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (c < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

struct unit *unit_table_get(const struct unit_table *table, const char *name) {
        bool found;
        size_t i = unit_table_position(table, name, &found);

        return found ? table->units[i] : NULL;
}

static int unit_table_reserve(struct unit_table *table) {
        size_t n = table->n_allocated ? table->n_allocated * 2 : 64;
        struct unit **grown;

        if (table->n_units < table->n_allocated)
                return 0;
        grown = reallocarray(table->units, n, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        table->units = grown;
        table->n_allocated = n;
        return 0;
}

struct unit *unit_table_add(struct unit_table *table, const char *name) {
        struct unit *unit;
        bool found;
        size_t i = unit_table_position(table, name, &found);

        if (found)
                return table->units[i];
        if (unit_table_reserve(table) < 0)
                return NULL;
        unit = unit_new(name);
        if (!unit)
                return NULL;
        memmove(table->units + i + 1, table->units + i, (table->n_units - i) * sizeof(*table->units));
        table->units[i] = unit;
        table->n_units++;
        return unit;
}

void unit_table_take(struct unit_table *table, struct unit *unit) {
        bool found;
        size_t i = unit_table_position(table, unit->name, &found);

        if (!found)
                return;
        table->n_units--;
        memmove(table->units + i, table->units + i + 1, (table->n_units - i) * sizeof(*table->units));
}
