/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "cleanup.h"

#define LINE_SIZE 512
/* An alert has two, one that is gone has one. */
#define LINES_MAX (2 * BOARD_ALERTS_MAX + TOLD_MAX)
#define FILE_NAME "told"
#define NEW_FILE_NAME "told.new"
#define HEADER "exposure-notify 1"
/* A bus name has no more. */
#define SERVER_SIZE 256

struct record {
        int folder;
        char *session;
        bool found;
        char server[SERVER_SIZE];
};

static const char *const scope_words[] = {
        [SCOPE_SYSTEM] = "system",
        [SCOPE_USER] = "user",
};

/* The folder's file descriptor, or a negative errno. */
static int open_folder(void) {
        const char *own = getenv("RUNTIME_DIRECTORY"), *session = getenv("XDG_RUNTIME_DIR");
        _cleanup_free_ char *path = NULL;
        int fd;

        if (own && *own == '/')
                path = strdup(own);
        else if (session && *session == '/') {
                if (asprintf(&path, "%s/exposure-notify", session) < 0)
                        path = NULL;
                else if (mkdir(path, 0700) < 0 && errno != EEXIST)
                        return -errno;
        } else
                return -ENOENT;
        if (!path)
                return -ENOMEM;
        fd = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC | O_NOFOLLOW);
        return fd < 0 ? -errno : fd;
}

int record_new(struct record **ret, const char *session) {
        _cleanup_(record_freep) struct record *record = calloc(1, sizeof(*record));

        if (!record)
                return -ENOMEM;
        record->folder = open_folder();
        if (record->folder < 0)
                return record->folder;
        record->session = strdup(session);
        if (!record->session)
                return -ENOMEM;
        *ret = TAKE_PTR(record);
        return 0;
}

struct record *record_free(struct record *record) {
        if (!record)
                return NULL;
        if (record->folder >= 0)
                close(record->folder);
        free(record->session);
        free(record);
        return NULL;
}

static bool read_scope(const char *word, enum scope *ret) {
        for (enum scope scope = SCOPE_SYSTEM; scope <= SCOPE_USER; scope++)
                if (streq(word, scope_words[scope])) {
                        *ret = scope;
                        return true;
                }
        return false;
}

/* A line that is not understood is none of ours, and says nothing. */
static int read_told(struct board *board, const char *line) {
        char scope[8], id[ALERT_ID_SIZE], card[16], *end;
        enum scope s;
        unsigned long number;

        if (sscanf(line, "told %7s %63s %15s", scope, id, card) != 3 || !read_scope(scope, &s))
                return 0;
        number = strtoul(card, &end, 10);
        if (*end || number > UINT32_MAX)
                return 0;
        return board_restore(board, s, id, (uint32_t) number);
}

static int read_gone(struct board *board, const char *line) {
        char scope[8], id[ALERT_ID_SIZE];
        enum scope s;

        if (sscanf(line, "gone %7s %63s", scope, id) != 2 || !read_scope(scope, &s))
                return 0;
        return board_restore(board, s, id, 0);
}

static int read_shown(struct board *board, const char *line) {
        char scope[8], id[ALERT_ID_SIZE], word[17], *end;
        enum scope s;
        uint64_t digest;

        if (sscanf(line, "shown %7s %63s %16s", scope, id, word) != 3 || !read_scope(scope, &s))
                return 0;
        digest = strtoull(word, &end, 16);
        if (!*end)
                board_restore_shown(board, s, id, digest);
        return 0;
}

static int (*const readers[])(struct board *, const char *) = { read_told, read_gone, read_shown };

static bool read_line(FILE *file, char line[static LINE_SIZE]) {
        if (!fgets(line, LINE_SIZE, file))
                return false;
        line[strcspn(line, "\n")] = '\0';
        return true;
}

static int read_file(struct record *record, struct board *board, FILE *file) {
        char line[LINE_SIZE];
        int r = 0;

        if (!read_line(file, line) || !streq(line, HEADER))
                return 0;
        if (!read_line(file, line) || strncmp(line, "session ", 8) != 0 || !streq(line + 8, record->session))
                return 0;
        if (read_line(file, line))
                (void) sscanf(line, "server %255s", record->server);
        for (size_t i = 0; r >= 0 && i < LINES_MAX && read_line(file, line); i++)
                for (size_t k = 0; r >= 0 && k < ELEMENTSOF(readers); k++)
                        r = readers[k](board, line);
        record->found = r >= 0;
        return r;
}

int record_load(struct record *record, struct board *board) {
        int fd = openat(record->folder, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r;
        FILE *file;

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        file = fdopen(fd, "re");
        if (!file) {
                r = -errno;
                close(fd);
                return r;
        }
        r = read_file(record, board, file);
        (void) fclose(file);
        board->changed = false;
        return r;
}

bool record_is_found(const struct record *record) {
        return record->found;
}

const char *record_server(const struct record *record) {
        return *record->server ? record->server : NULL;
}

static void write_file(const struct record *record, const struct board *board, const char *server,
                       FILE *file) {
        fprintf(file, HEADER "\nsession %s\nserver %s\n", record->session, server ?: "");
        for (size_t i = 0; i < board->n_alerts; i++) {
                const struct alert *alert = board->alerts[i];
                uint32_t id = alert->card != CARD_NONE ? board->cards[alert->card].id : 0;

                if (alert->told)
                        fprintf(file, "told %s %s %" PRIu32 "\n", scope_words[alert->scope], alert->id, id);
                if (alert->told && id != 0 && alert->shown != 0)
                        fprintf(file, "shown %s %s %" PRIx64 "\n", scope_words[alert->scope], alert->id,
                                alert->shown);
        }
        for (size_t i = 0; i < board->gone.n; i++)
                fprintf(file, "gone %s %s\n", scope_words[board->gone.ids[i]->scope], board->gone.ids[i]->id);
}

static int open_new(const struct record *record) {
        int fd = openat(record->folder, NEW_FILE_NAME,
                        O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        return fd < 0 ? -errno : fd;
}

/* Somebody has tidied up. */
static bool reopen_folder(struct record *record) {
        int fd = open_folder();

        if (fd < 0)
                return false;
        close(record->folder);
        record->folder = fd;
        return true;
}

int record_save(struct record *record, const struct board *board, const char *server) {
        bool failed;
        FILE *file;
        int fd, r;

        fd = open_new(record);
        if (fd == -ENOENT && reopen_folder(record))
                fd = open_new(record);
        if (fd < 0)
                return fd;
        file = fdopen(fd, "we");
        if (!file) {
                r = -errno;
                close(fd);
                return r;
        }
        write_file(record, board, server, file);
        failed = ferror(file);
        r = fclose(file) != 0 ? -errno : failed ? -EIO : 0;
        if (r >= 0 && renameat(record->folder, NEW_FILE_NAME, record->folder, FILE_NAME) < 0)
                r = -errno;
        return r;
}
