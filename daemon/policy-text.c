/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exposured/checks.h>
#include <exposured/digest.h>
#include <exposured/macro.h>

/* Names are shorter, and two numbers have 40 digits at most. */
#define NAME_SIZE 128U
#define LINE_SIZE (NAME_SIZE + 48U)

int policy_text_write(const struct policy *policy, const char *path, char **ret) {
        size_t size = strlen(path ?: "") + 2 + _CHECK_MAX * LINE_SIZE, n;
        _cleanup_(freep) char *text = malloc(size);

        if (!text)
                return -ENOMEM;
        n = (size_t) snprintf(text, size, "%s\n", path ?: "");
        for (unsigned i = 0; i < _CHECK_MAX && n < size; i++)
                n += (size_t) snprintf(text + n, size - n, "%s %" PRIu64 " %" PRIu64 "\n", check_info(i)->json_field,
                                       policy->rows[i].weight, policy->rows[i].range);
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

/* "JSON_FIELD WEIGHT RANGE"; what is none of that is passed over. */
static void read_line(const char *line, struct policy *policy) {
        size_t length = strcspn(line, " \n");
        char name[NAME_SIZE], *end;
        uint64_t weight, range;
        int check;

        if (length >= sizeof(name) || line[length] != ' ')
                return;
        memcpy(name, line, length);
        name[length] = '\0';
        check = check_from_json_field(name);
        weight = strtoull(line + length, &end, 10);
        range = strtoull(end, &end, 10);
        if (check < 0 || range == 0 || (*end != '\n' && *end != '\0'))
                return;
        policy->rows[check].weight = weight;
        policy->rows[check].range = range;
}

static const char *rows_of(const char *text) {
        text += strcspn(text, "\n");
        return *text ? text + 1 : text;
}

int policy_text_read(const char *text, struct policy *ret_policy, char **ret_path) {
        size_t length = strcspn(text, "\n");
        const char *line = rows_of(text);

        *ret_path = length > 0 ? strndup(text, length) : NULL;
        if (length > 0 && !*ret_path)
                return -ENOMEM;
        policy_init(ret_policy);
        for (; *line; line = rows_of(line))
                read_line(line, ret_policy);
        return 0;
}

bool policy_text_same(const char *a, const char *b) {
        return streq(rows_of(a), rows_of(b));
}

uint64_t policy_text_digest(const char *text) {
        const char *rows = rows_of(text);

        return digest(DIGEST_NOTHING, rows, strlen(rows));
}
