/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <check.h>
#include <stdlib.h>

/* Runs the suite, frees it and gives main() its exit status. An empty suite is a failure. */
static inline int suite_run(Suite *suite) {
        SRunner *runner;
        int run, failed;

        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        run = srunner_ntests_run(runner);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);

        return run > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
