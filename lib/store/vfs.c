/* Files of a vfs, see vfs.h. Locks and shared memory are in vfs_lock.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/vfs_private.h"

#define SECTOR 512

static int failure(int error, int otherwise)
{
    return error == -ENOSPC ? SQLITE_FULL : error == -ENOMEM ? SQLITE_NOMEM : otherwise;
}

/* ---- what connections share ---- */

static struct vfs_file *shared_get(struct vfs *v, const char *path)
{
    struct vfs_file *f = map_get(v->files, path);

    if (!f) {
        f = calloc(1, sizeof(*f));
        if (!f || !(f->path = strdup(path)) || map_add(v->files, path, f) < 0) {
            if (f)
                free(f->path);
            free(f);
            return NULL;
        }
        f->vfs = v;
    }
    f->refs++;
    return f;
}

static void shared_put(struct vfs_file *f)
{
    if (--f->refs > 0)
        return;
    map_del(f->vfs->files, f->path);
    vfs_shm_free(f);
    free(f->path);
    free(f);
}

/* ---- an open file ---- */

static int on_close(sqlite3_file *file)
{
    struct vfs_handle *h = vfs_handle(file);

    vfs_unlock(file, SQLITE_LOCK_NONE);
    file_close(h->f);
    shared_put(h->shared);
    return SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *buf, int n, sqlite3_int64 off)
{
    ssize_t got = file_pread(vfs_handle(file)->f, buf, (size_t)n, off);

    if (got < 0)
        return failure((int)got, SQLITE_IOERR_READ);
    memset((char *)buf + got, 0, (size_t)(n - got));
    return got == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *file, const void *buf, int n, sqlite3_int64 off)
{
    const char *p = buf;

    while (n > 0) {
        ssize_t done = file_pwrite(vfs_handle(file)->f, p, (size_t)n, off);

        if (done <= 0)
            return done < 0 ? failure((int)done, SQLITE_IOERR_WRITE) : SQLITE_FULL;
        p += done;
        off += done;
        n -= (int)done;
    }
    return SQLITE_OK;
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = file_truncate(vfs_handle(file)->f, size);

    return rc < 0 ? failure(rc, SQLITE_IOERR_TRUNCATE) : SQLITE_OK;
}

static int sync_folder(struct vfs *v, const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTOFREE char *folder = NULL;

    folder = !slash          ? strdup(".")
             : slash == path ? strdup("/")
                             : strndup(path, (size_t)(slash - path));
    return folder ? dir_sync(v->env, folder) : -ENOMEM;
}

static int on_sync(sqlite3_file *file, int flags)
{
    struct vfs_handle *h = vfs_handle(file);
    int rc = file_sync(h->f);

    if (rc == 0 && h->new_name)
        rc = sync_folder(h->shared->vfs, h->shared->path);
    if (rc < 0)
        return SQLITE_IOERR_FSYNC;
    h->new_name = false;
    return SQLITE_OK;
}

static int on_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    *ret = file_size(vfs_handle(file)->f);
    return SQLITE_OK;
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int on_sector_size(sqlite3_file *file)
{
    return SECTOR;
}

/* As the usual VFS promises: a torn write does not touch the bytes around it. */
static int on_device(sqlite3_file *file)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_unlock,
    .xCheckReservedLock = vfs_check_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_device,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

/* ---- names ---- */

#define JOURNALS (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)

static int on_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                   int *ret_flags)
{
    struct vfs *v = vfs->pAppData;
    struct vfs_handle *h = vfs_handle(file);
    int how = flags & SQLITE_OPEN_READONLY ? O_RDONLY : O_RDWR;

    *h = (struct vfs_handle){0};
    if (!name)
        return SQLITE_CANTOPEN; /* nothing here needs temporary files */
    if (flags & SQLITE_OPEN_CREATE)
        how |= O_CREAT;
    if (file_open(v->env, name, how, 0600, &h->f) < 0)
        return SQLITE_CANTOPEN;
    if (!(h->shared = shared_get(v, name))) {
        file_close(h->f);
        return SQLITE_NOMEM;
    }
    h->new_name = (flags & SQLITE_OPEN_CREATE) && (flags & JOURNALS);
    h->base.pMethods = &methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct vfs *v = vfs->pAppData;
    int rc = file_unlink(v->env, name);

    if (rc == -ENOENT)
        return SQLITE_IOERR_DELETE_NOENT;
    if (rc < 0)
        return SQLITE_IOERR_DELETE;
    return sync_dir && sync_folder(v, name) < 0 ? SQLITE_IOERR_DIR_FSYNC : SQLITE_OK;
}

static int on_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    struct vfs *v = vfs->pAppData;
    struct stat st;

    *ret = file_stat(v->env, name, &st) == 0 &&
           (flags != SQLITE_ACCESS_EXISTS || st.st_size > 0);
    return SQLITE_OK;
}

static int on_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    snprintf(out, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static int on_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    struct vfs *v = vfs->pAppData;

    env_random(v->env, out, (size_t)n);
    return n;
}

/* In one thread nobody else would go on meanwhile. */
static int on_sleep(sqlite3_vfs *vfs, int microseconds)
{
    return microseconds;
}

static int on_time(sqlite3_vfs *vfs, sqlite3_int64 *ret)
{
    static const sqlite3_int64 epoch = 24405875 * (sqlite3_int64)8640000;
    struct vfs *v = vfs->pAppData;

    *ret = epoch + (sqlite3_int64)(env_time(v->env) * 1e3);
    return SQLITE_OK;
}

static int on_error(sqlite3_vfs *vfs, int size, char *out)
{
    return 0;
}

static const sqlite3_vfs template = {
    .iVersion = 2,
    .szOsFile = sizeof(struct vfs_handle),
    .mxPathname = 4096,
    .xOpen = on_open,
    .xDelete = on_delete,
    .xAccess = on_access,
    .xFullPathname = on_full_path,
    .xRandomness = on_randomness,
    .xSleep = on_sleep,
    .xGetLastError = on_error,
    .xCurrentTimeInt64 = on_time,
};

int vfs_new(struct env *env, struct vfs **ret)
{
    struct vfs *v = calloc(1, sizeof(*v));

    if (!v || !(v->files = map_new(NULL))) {
        free(v);
        return -ENOMEM;
    }
    v->env = env_ref(env);
    snprintf(v->name, sizeof(v->name), "env-%p", (void *)v);
    v->base = template;
    v->base.zName = v->name;
    v->base.pAppData = v;
    if (sqlite3_vfs_register(&v->base, 0) != SQLITE_OK) {
        v->base.zName = NULL;
        vfs_free(v);
        return -ENOMEM;
    }
    *ret = v;
    return 0;
}

const char *vfs_name(const struct vfs *v)
{
    return v->name;
}

void vfs_free(struct vfs *v)
{
    if (!v)
        return;
    if (v->base.zName)
        sqlite3_vfs_unregister(&v->base);
    map_free(v->files);
    env_unref(v->env);
    free(v);
}
