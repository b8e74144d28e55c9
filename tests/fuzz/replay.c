/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs a fuzzer on files, or on all files of folders, without libFuzzer. What is wrong with one ends the
 * program; its name is the last one printed.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define SIZE_LIMIT (1024L * 1024L)

static void fail(const char *path, const char *what) {
        (void) fprintf(stderr, "%s: %s\n", path, what);
        exit(EXIT_FAILURE);
}

/* The input is exactly as large as its allocation, so that sanitizers see what goes beyond it. */
static void run_file(const char *path) {
        FILE *file = fopen(path, "re");
        uint8_t *data;
        long size = -1;

        if (!file)
                fail(path, strerror(errno));
        if (fseek(file, 0, SEEK_END) < 0 || (size = ftell(file)) < 0 || size > SIZE_LIMIT)
                fail(path, "cannot be measured, or is too large");
        rewind(file);
        data = malloc((size_t) size);
        if ((size > 0 && !data) || fread(data, 1, (size_t) size, file) != (size_t) size)
                fail(path, "cannot be read");
        (void) fclose(file);

        printf("%s\n", path);
        (void) fflush(stdout);
        (void) LLVMFuzzerTestOneInput(data, (size_t) size);
        free(data);
}

static unsigned run_folder(const char *path) {
        DIR *folder = opendir(path);
        char entry_path[PATH_MAX];
        unsigned n = 0;

        if (!folder)
                fail(path, strerror(errno));
        for (struct dirent *entry; (entry = readdir(folder));) {
                if (entry->d_name[0] == '.')
                        continue;
                if (snprintf(entry_path, sizeof(entry_path), "%s/%s", path, entry->d_name) >= PATH_MAX)
                        fail(path, "too long");
                run_file(entry_path);
                n++;
        }
        (void) closedir(folder);
        return n;
}

static bool is_folder(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int main(int argc, char **argv) {
        unsigned n = 0;

        for (int i = 1; i < argc; i++)
                if (is_folder(argv[i]))
                        n += run_folder(argv[i]);
                else {
                        run_file(argv[i]);
                        n++;
                }
        printf("%u inputs\n", n);
        return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
