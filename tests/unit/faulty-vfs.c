/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

#include "faulty-vfs.h"

struct faulty_file {
        sqlite3_file base;
        sqlite3_file *real;
};

static sqlite3_vfs *real_vfs, faulty_vfs;
static sqlite3_mem_methods real_memory;
static bool counting, lasting;
static long counted, failing = FAULT_NEVER;
static unsigned long n_flushed;

void faults_start(long at, bool for_good) {
        counted = 0;
        failing = at;
        lasting = for_good;
        counting = true;
}

long faults_stop(void) {
        counting = false;
        return counted;
}

unsigned long faulty_files_flushed(void) {
        return n_flushed;
}

static bool fails(void) {
        long n;

        if (!counting)
                return false;
        n = counted++;
        return failing != FAULT_NEVER && (n == failing || (lasting && n > failing));
}

/* Every other lock is somebody else's. Not for good: SQLite would wait for it. */
static bool busy(void) {
        return failing % 2 && !lasting;
}

static sqlite3_file *real_file(sqlite3_file *file) {
        return ((struct faulty_file *) file)->real;
}

static int on_close(sqlite3_file *file) {
        return real_file(file)->pMethods ? real_file(file)->pMethods->xClose(real_file(file)) : SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at) {
        return fails() ? SQLITE_IOERR_READ : real_file(file)->pMethods->xRead(real_file(file), data, n, at);
}

/* Every other one fails for want of room. */
static int on_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at) {
        if (fails())
                return failing % 2 ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        return real_file(file)->pMethods->xWrite(real_file(file), data, n, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
        return fails() ? SQLITE_IOERR_TRUNCATE : real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int on_sync(sqlite3_file *file, int flags) {
        (void) file, (void) flags;
        n_flushed++;
        return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *size) {
        return fails() ? SQLITE_IOERR_FSTAT : real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int on_lock(sqlite3_file *file, int kind) {
        if (fails())
                return busy() ? SQLITE_BUSY : SQLITE_IOERR_LOCK;
        return real_file(file)->pMethods->xLock(real_file(file), kind);
}

static int on_unlock(sqlite3_file *file, int kind) {
        return real_file(file)->pMethods->xUnlock(real_file(file), kind);
}

static int on_check_lock(sqlite3_file *file, int *ret) {
        return fails() ? SQLITE_IOERR_CHECKRESERVEDLOCK :
                real_file(file)->pMethods->xCheckReservedLock(real_file(file), ret);
}

static int on_control(sqlite3_file *file, int operation, void *argument) {
        return real_file(file)->pMethods->xFileControl(real_file(file), operation, argument);
}

static int on_sector_size(sqlite3_file *file) {
        return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int on_characteristics(sqlite3_file *file) {
        return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
        return fails() ? SQLITE_IOERR_SHMMAP :
                real_file(file)->pMethods->xShmMap(real_file(file), page, size, extend, ret);
}

/* What is let go is let go. */
static int on_shm_lock(sqlite3_file *file, int at, int n, int flags) {
        if (flags & SQLITE_SHM_LOCK && fails())
                return busy() ? SQLITE_BUSY : SQLITE_IOERR_SHMLOCK;
        return real_file(file)->pMethods->xShmLock(real_file(file), at, n, flags);
}

static void on_shm_barrier(sqlite3_file *file) {
        real_file(file)->pMethods->xShmBarrier(real_file(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove) {
        return real_file(file)->pMethods->xShmUnmap(real_file(file), remove);
}

static const sqlite3_io_methods faulty_methods = {
        .iVersion = 2,
        .xClose = on_close,
        .xRead = on_read,
        .xWrite = on_write,
        .xTruncate = on_truncate,
        .xSync = on_sync,
        .xFileSize = on_file_size,
        .xLock = on_lock,
        .xUnlock = on_unlock,
        .xCheckReservedLock = on_check_lock,
        .xFileControl = on_control,
        .xSectorSize = on_sector_size,
        .xDeviceCharacteristics = on_characteristics,
        .xShmMap = on_shm_map,
        .xShmLock = on_shm_lock,
        .xShmBarrier = on_shm_barrier,
        .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
        struct faulty_file *faulty = (struct faulty_file *) file;
        int r;

        (void) vfs;
        faulty->base.pMethods = NULL;
        faulty->real = (sqlite3_file *) (faulty + 1);
        if (fails())
                return SQLITE_CANTOPEN;
        r = real_vfs->xOpen(real_vfs, name, faulty->real, flags, ret_flags);
        if (faulty->real->pMethods)
                faulty->base.pMethods = &faulty_methods;
        return r;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync) {
        (void) vfs, (void) sync;
        return fails() ? SQLITE_IOERR_DELETE : real_vfs->xDelete(real_vfs, name, 0);
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
        (void) vfs;
        return fails() ? SQLITE_IOERR_ACCESS : real_vfs->xAccess(real_vfs, name, flags, ret);
}

void faulty_files_install(void) {
        real_vfs = sqlite3_vfs_find(NULL);
        ck_assert_ptr_nonnull(real_vfs);
        faulty_vfs = *real_vfs;
        faulty_vfs.zName = "faulty";
        faulty_vfs.szOsFile += (int) sizeof(struct faulty_file);
        faulty_vfs.xOpen = on_open;
        faulty_vfs.xDelete = on_delete;
        faulty_vfs.xAccess = on_access;
        ck_assert_int_eq(sqlite3_vfs_register(&faulty_vfs, 1), SQLITE_OK);
}

static void *on_malloc(int size) {
        return fails() ? NULL : real_memory.xMalloc(size);
}

static void *on_realloc(void *memory, int size) {
        return fails() ? NULL : real_memory.xRealloc(memory, size);
}

void faulty_memory_install(void) {
        sqlite3_mem_methods methods;

        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
        methods = real_memory;
        methods.xMalloc = on_malloc;
        methods.xRealloc = on_realloc;
        ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
}
