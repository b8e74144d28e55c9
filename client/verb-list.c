/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include <exposured/bus.h>

#include "bus.h"
#include "cleanup.h"
#include "exposure.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "render/list.h"
#include "report.h"
#include "unit-name.h"
#include "verbs.h"

/* The texts are those of the message that it was read from. */
struct list {
        struct list_row *rows;
        size_t n_rows, n_allocated;
};

static void list_done(struct list *list) {
        free(list->rows);
}

/* Returns 1 where there was a row, 0 at the end, or a negative errno. */
static int read_row(sd_bus_message *m, struct list_row *ret) {
        struct list_row row;
        double exposure, baseline;
        int regressed, r;

        r = sd_bus_message_read(m, "(" EXPOSURED_LIST_SIGNATURE ")", &row.unit, &exposure, &row.predicate,
                                &baseline, &regressed, &row.path);
        if (r <= 0)
                return r;
        row.regressed = regressed;
        row.stale = false;
        row.last_read = 0;
        r = exposure_from_double(exposure, &row.exposure);
        if (r >= 0)
                r = exposure_from_double(baseline, &row.baseline);
        if (r < 0)
                return r;

        *ret = row;
        return 1;
}

static int append_row(struct list *list, const struct list_row *row) {
        if (list->n_rows == list->n_allocated) {
                size_t n = list->n_allocated ? list->n_allocated * 2 : 256;
                struct list_row *rows = reallocarray(list->rows, n, sizeof(*rows));

                if (!rows)
                        return -ENOMEM;
                list->rows = rows;
                list->n_allocated = n;
        }
        list->rows[list->n_rows++] = *row;
        return 0;
}

static int read_list(sd_bus_message *m, char **patterns, bool regressed, struct list *list) {
        struct list_row row;
        int r = sd_bus_message_enter_container(m, 'a', "(" EXPOSURED_LIST_SIGNATURE ")");

        while (r >= 0 && (r = read_row(m, &row)) > 0)
                if ((row.regressed || !regressed) && unit_name_matches(row.unit, patterns))
                        r = append_row(list, &row);
        return r;
}

static int compare_units(const void *a, const void *b) {
        const struct list_row *x = a, *y = b;

        return strcmp(x->unit, y->unit);
}

/* The list is sorted by name. Of units that are not in it nothing is taken. */
static int read_freshness(sd_bus_message *m, struct list *list) {
        int stale, r = sd_bus_message_enter_container(m, 'a', "(" EXPOSURED_FRESHNESS_SIGNATURE ")");
        struct list_row key;

        while (r >= 0 && (r = sd_bus_message_read(m, "(" EXPOSURED_FRESHNESS_SIGNATURE ")", &key.unit,
                                                  &key.last_read, &stale)) > 0) {
                struct list_row *row = bsearch(&key, list->rows, list->n_rows, sizeof(key), compare_units);

                if (!row)
                        continue;
                row->last_read = key.last_read;
                row->stale = stale;
        }
        return r;
}

static int compare_exposures(const void *a, const void *b) {
        const struct list_row *x = a, *y = b;

        if (x->exposure != y->exposure)
                return x->exposure > y->exposure ? -1 : 1;
        return compare_units(a, b);
}

static void sort_list(struct list *list, const struct options *options) {
        if (list->n_rows < 2)
                return;

        qsort(list->rows, list->n_rows, sizeof(*list->rows),
              options->sort == SORT_EXPOSURE ? compare_exposures : compare_units);
        if (!options->reverse)
                return;
        for (size_t i = 0, j = list->n_rows - 1; i < j; i++, j--) {
                struct list_row row = list->rows[i];

                list->rows[i] = list->rows[j];
                list->rows[j] = row;
        }
}

static bool is_above_threshold(const struct list *list, const struct options *options) {
        for (size_t i = 0; i < list->n_rows; i++)
                if (exceeds_threshold(options, list->rows[i].exposure))
                        return true;
        return false;
}

static int print_list(const struct list *list, const struct options *options, struct output *output) {
        _cleanup_json_ json_object *array = NULL;

        output_page(output, options);
        if (options->json == JSON_OFF)
                return list_print(list->rows, list->n_rows, options, output);

        array = list_to_json(list->rows, list->n_rows, output);
        return array ? json_print(array, options->json, output->stream) : -ENOMEM;
}

enum status verb_list(const struct options *options, struct output *output, char **arguments) {
        _cleanup_bus_ sd_bus *bus = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *freshness = NULL;
        _cleanup_(list_done) struct list list = {};
        _cleanup_strv_ char **patterns = unit_names_complete(arguments);
        const char *member = options->all ? "ListAllUnits" : "ListUnits";
        int r;

        if (!patterns) {
                report_errno(-ENOMEM, "Cannot list");
                return STATUS_FAILURE;
        }
        if (bus_connect(options, &bus) < 0 ||
            bus_call(bus, options, member, TIMEOUT_DEFAULT, &reply, NULL) < 0 ||
            bus_call_if_known(bus, options, "ListFreshness", &freshness) < 0)
                return STATUS_FAILURE;

        r = read_list(reply, patterns, options->regressed, &list);
        if (r >= 0 && list.n_rows > 0 && freshness) {
                qsort(list.rows, list.n_rows, sizeof(*list.rows), compare_units);
                r = read_freshness(freshness, &list);
        }
        if (r < 0) {
                bus_report_answer(r);
                return STATUS_FAILURE;
        }

        sort_list(&list, options);
        r = print_list(&list, options, output);
        if (r < 0) {
                report_errno(r, "Cannot print the list");
                return STATUS_FAILURE;
        }
        return is_above_threshold(&list, options) ? STATUS_UNFULFILLED : STATUS_DONE;
}
