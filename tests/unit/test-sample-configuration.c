/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <stdio.h>

#include "configuration.h"
#include "suite.h"

#define SAMPLE_SIZE_MAX 8192U

static const char *sample_path;

/* The sample with its options in force: the lines that are "#", a name and "=". Returns how many. */
static unsigned read_sample(char text[static SAMPLE_SIZE_MAX]) {
        FILE *f = fopen(sample_path, "re");
        unsigned n = 0;
        size_t length;

        ck_assert_msg(f, "cannot open %s", sample_path);
        length = fread(text, 1, SAMPLE_SIZE_MAX - 1, f);
        ck_assert_uint_lt(length, SAMPLE_SIZE_MAX - 1);
        ck_assert_int_eq(fclose(f), 0);
        text[length] = '\0';
        for (char *p = text; (p = strchr(p, '#')); p++) {
                if ((p > text && p[-1] != '\n') || !isalpha((unsigned char) p[1]))
                        continue;
                *p = ' ';
                n++;
        }
        return n;
}

/* A copy keeps the padding too, so that what differs is what an option of the sample set otherwise. */
START_TEST(says_the_defaults) {
        char text[SAMPLE_SIZE_MAX];
        struct config built_in, config;

        config_init(&built_in);
        memcpy(&config, &built_in, sizeof(config));
        ck_assert_uint_ge(read_sample(text), 4);
        ck_assert_uint_eq(config_parse(&config, "sample", text), 0);
        ck_assert_mem_eq(&config, &built_in, sizeof(config));
}
END_TEST

int main(int argc, char **argv) {
        Suite *suite = suite_create("sample-configuration");
        TCase *tcase = tcase_create("all");

        if (argc != 2) {
                (void) fprintf(stderr, "The path of the sample is expected.\n");
                return EXIT_FAILURE;
        }
        sample_path = argv[1];
        tcase_add_test(tcase, says_the_defaults);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
