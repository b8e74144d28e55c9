/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sys/stat.h>

#include "buffer.h"
#include "database.h"
#include "store.h"

#define BUSY_TIMEOUT_MSEC 100
#define HEAP_SOFT_LIMIT (1024 * 1024)
/* The longest row that makes sense is a file's content, or the lines of a cause. */
#define ROW_MAX (2 * STORE_CONTENT_MAX)

/* By primary result code; what is not here is -EIO. */
static const int errors[] = {
        [SQLITE_ERROR] = EUCLEAN,       /* a table or column is missing */
        [SQLITE_PERM] = EACCES,
        [SQLITE_BUSY] = EBUSY,
        [SQLITE_LOCKED] = EBUSY,
        [SQLITE_NOMEM] = ENOMEM,
        [SQLITE_READONLY] = EROFS,
        [SQLITE_CORRUPT] = EUCLEAN,
        [SQLITE_FULL] = ENOSPC,
        [SQLITE_PROTOCOL] = EBUSY,
        [SQLITE_EMPTY] = EUCLEAN,
        [SQLITE_SCHEMA] = EUCLEAN,
        [SQLITE_TOOBIG] = EUCLEAN,      /* what we put is bounded: this was read */
        [SQLITE_CONSTRAINT] = EEXIST,
        [SQLITE_MISMATCH] = EUCLEAN,
        [SQLITE_MISUSE] = EINVAL,
        [SQLITE_NOLFS] = EFBIG,
        [SQLITE_AUTH] = EACCES,
        [SQLITE_FORMAT] = EUCLEAN,
        [SQLITE_RANGE] = EINVAL,
        [SQLITE_NOTADB] = EUCLEAN,
};

static const struct {
        int code;
        int error;
} extended_errors[] = {
        { SQLITE_CANTOPEN_SYMLINK, ELOOP },
        { SQLITE_CANTOPEN_ISDIR, EUCLEAN },
        { SQLITE_IOERR_NOMEM, ENOMEM },
        { SQLITE_IOERR_SHORT_READ, EUCLEAN },
        { SQLITE_READONLY_DBMOVED, ESTALE },
};

/* What the system said when a file could not be opened, read or written, where it helps. */
static int system_error(sqlite3 *db) {
        int error = db ? sqlite3_system_errno(db) : 0;

        switch (error) {
        case EACCES:
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case ENOSPC:
        case EROFS:
        case ELOOP:
                return error;
        case EPERM:
                return EACCES;
        case EDQUOT:
                return ENOSPC;
        default:
                return 0;
        }
}

int database_error(sqlite3 *db, int code) {
        int primary = code & 0xff, error = 0;

        if (primary == SQLITE_OK || primary == SQLITE_ROW || primary == SQLITE_DONE)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(extended_errors); i++)
                if (extended_errors[i].code == code)
                        return -extended_errors[i].error;
        if (primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR)
                error = system_error(db);
        if (error == 0 && (size_t) primary < ELEMENTSOF(errors))
                error = errors[primary];
        return error > 0 ? -error : -EIO;
}

static int database_configure(sqlite3 *db) {
        static const struct {
                int option;
                int value;
        } options[] = {
                { SQLITE_DBCONFIG_DEFENSIVE, 1 },
                { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
                { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
                { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
                { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
                { SQLITE_DBCONFIG_DQS_DML, 0 },
                { SQLITE_DBCONFIG_DQS_DDL, 0 },
                { SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1 },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                int value = -1;

                r = sqlite3_db_config(db, options[i].option, options[i].value, &value);
                if (r != SQLITE_OK || value != options[i].value)
                        return -EOPNOTSUPP;
        }

        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
        (void) sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int) ROW_MAX);
        (void) sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
        (void) sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
        (void) sqlite3_busy_timeout(db, BUSY_TIMEOUT_MSEC);
        return 0;
}

static int database_connect(sqlite3 **ret, const char *path, int flags, const char *vfs) {
        _cleanup_(database_closep) sqlite3 *db = NULL;
        int r;

        (void) sqlite3_soft_heap_limit64(HEAP_SOFT_LIMIT);
        r = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                            SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, vfs);
        if (r != SQLITE_OK)
                return database_error(db, r);
        r = database_configure(db);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

/* Reads the file for the first time. */
static int database_tune(sqlite3 *db) {
        return database_run(db, "PRAGMA mmap_size=0;"
                                "PRAGMA cache_size=-256;"
                                "PRAGMA temp_store=MEMORY;"
                                "PRAGMA cell_size_check=ON;");
}

int database_open(sqlite3 **ret, const char *path) {
        _cleanup_(database_closep) sqlite3 *db = NULL;
        int r;

        r = database_connect(&db, path, SQLITE_OPEN_READWRITE, NULL);
        if (r < 0)
                return r;
        if (sqlite3_db_readonly(db, "main") != 0)
                return -EROFS;
        r = database_tune(db);
        if (r < 0)
                return r;
        r = database_run(db, "PRAGMA synchronous=FULL;"
                             "PRAGMA secure_delete=OFF;"
                             "PRAGMA wal_autocheckpoint=256;"
                             "PRAGMA journal_size_limit=1048576;");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

void database_trust(sqlite3 *db) {
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}

/* As a URI that says that nobody writes the file. */
static int immutable_uri(const char *path, char **ret) {
        _cleanup_(buffer_done) struct buffer buffer = {};

        buffer_add(&buffer, "file:");
        for (; *path; path++)
                if (strchr("?#%", *path))
                        buffer_format(&buffer, "%%%02x", (unsigned char) *path);
                else
                        buffer_format(&buffer, "%c", *path);
        buffer_add(&buffer, "?immutable=1");
        return buffer_take(&buffer, ret);
}

/*
 * What a crash left in the log is read from there: without locks, and with its index in memory, no file
 * has to be made for that.
 */
static int open_with_log(sqlite3 **ret, const char *path) {
        _cleanup_(database_closep) sqlite3 *db = NULL;
        int r;

        r = database_connect(&db, path, SQLITE_OPEN_READONLY, "unix-none");
        if (r < 0)
                return r;
        /* Before anything else: it decides where the index is. */
        r = database_run(db, "PRAGMA locking_mode=EXCLUSIVE");
        if (r >= 0)
                r = database_tune(db);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

static int open_without_log(sqlite3 **ret, const char *path) {
        _cleanup_(database_closep) sqlite3 *db = NULL;
        _cleanup_(freep) char *uri = NULL;
        int r;

        r = immutable_uri(path, &uri);
        if (r >= 0)
                r = database_connect(&db, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
        if (r >= 0)
                r = database_tune(db);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(db);
        return 0;
}

int database_open_read_only(sqlite3 **ret, const char *path) {
        _cleanup_(freep) char *log = join(path, "-wal", NULL);
        struct stat st;

        if (!log)
                return -ENOMEM;
        if (lstat(log, &st) >= 0 && st.st_size > 0)
                return open_with_log(ret, path);
        return open_without_log(ret, path);
}

sqlite3 *database_close(sqlite3 *db) {
        (void) sqlite3_close(db);
        return NULL;
}

int database_run(sqlite3 *db, const char *sql) {
        return database_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int read_all(sqlite3_file *file) {
        unsigned char block[4096];
        sqlite3_int64 size;
        int r;

        if (!file->pMethods)
                return SQLITE_OK;
        r = file->pMethods->xFileSize(file, &size);
        for (sqlite3_int64 at = 0; r == SQLITE_OK && at < size; at += (sqlite3_int64) sizeof(block)) {
                r = file->pMethods->xRead(file, block, (int) sizeof(block), at);
                if (r == SQLITE_IOERR_SHORT_READ)
                        r = SQLITE_OK;
        }
        return r;
}

int database_read_all(sqlite3 *db) {
        static const int files[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                sqlite3_file *file = NULL;
                int r;

                r = sqlite3_file_control(db, "main", files[i], &file);
                if (r == SQLITE_OK && file)
                        r = read_all(file);
                if (r != SQLITE_OK)
                        return database_error(NULL, r);
        }
        return 0;
}

static int first_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret) {
        int r;

        r = sqlite3_prepare_v2(db, sql, -1, ret, NULL);
        if (r != SQLITE_OK)
                return database_error(db, r);
        r = sqlite3_step(*ret);
        return r == SQLITE_ROW ? 0 : r == SQLITE_DONE ? -EUCLEAN : database_error(db, r);
}

int database_get_number(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *stmt = NULL;
        int r;

        r = first_row(db, sql, &stmt);
        if (r >= 0)
                *ret = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return r;
}

int database_get_text(sqlite3 *db, const char *sql, char **ret) {
        sqlite3_stmt *stmt = NULL;
        int r;

        r = first_row(db, sql, &stmt);
        if (r >= 0) {
                const char *text = (const char *) sqlite3_column_text(stmt, 0);

                *ret = text ? strdup(text) : NULL;
                if (!*ret)
                        r = -ENOMEM;
        }
        (void) sqlite3_finalize(stmt);
        return r;
}
