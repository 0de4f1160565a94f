/* The disk that loses power: files, unsynced writes, and what SQLite asks of a VFS.
 * Locks and shared memory are in pwrvfs_lock.c, planned faults in pwrvfs_fault.c.
 */
#include "pwrvfs.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pwrvfs_private.h"

#define SECTOR 512

static uint64_t next_random(struct pwrvfs *v)
{
    v->random ^= v->random << 13;
    v->random ^= v->random >> 7;
    v->random ^= v->random << 17;
    return v->random;
}

uint64_t pwrvfs_random(struct pwrvfs *v, uint64_t n)
{
    uint64_t r;

    pthread_mutex_lock(&v->lock);
    r = next_random(v) % n;
    pthread_mutex_unlock(&v->lock);
    return r;
}

/* One side of a file: what a reader sees, or what the platter holds. */
static void image_write(struct image *im, size_t off, const void *data, size_t n)
{
    if (off + n > im->size) {
        size_t size = (off + n) * 2;

        im->data = realloc(im->data, size);
        assert(im->data);
        memset(im->data + im->size, 0, size - im->size);
        im->size = size;
    }
    memcpy(im->data + off, data, n);
    if (off + n > im->len)
        im->len = off + n;
}

static void image_truncate(struct image *im, size_t len)
{
    if (len < im->len) {
        memset(im->data + len, 0, im->len - len);
        im->len = len;
    }
}

static void pending_add(struct pwr_file *f, size_t off, const void *data, size_t n)
{
    struct pending *p;

    if (f->npending == f->pending_size) {
        f->pending_size = f->pending_size ? f->pending_size * 2 : 64;
        f->pending = realloc(f->pending, f->pending_size * sizeof(*f->pending));
        assert(f->pending);
    }
    p = &f->pending[f->npending++];
    *p = (struct pending){off, n, malloc(n)};
    assert(p->data);
    memcpy(p->data, data, n);
}

static void pending_clear(struct pwr_file *f)
{
    for (size_t i = 0; i < f->npending; i++)
        free(f->pending[i].data);
    f->npending = 0;
}

static void pending_sync(struct pwr_file *f)
{
    for (size_t i = 0; i < f->npending; i++)
        image_write(&f->durable, f->pending[i].off, f->pending[i].data, f->pending[i].n);
    pending_clear(f);
}

/* The power is gone: sector by sector, this much percent of the writes got through. */
static void pending_lose(struct pwrvfs *v, struct pwr_file *f)
{
    unsigned percent = next_random(v) % 101;

    for (size_t i = 0; i < f->npending; i++) {
        struct pending *p = &f->pending[i];

        for (size_t at = 0; at < p->n;) {
            size_t n = SECTOR - (p->off + at) % SECTOR;

            if (n > p->n - at)
                n = p->n - at;
            if (next_random(v) % 100 < percent)
                image_write(&f->durable, p->off + at, p->data + at, n);
            at += n;
        }
    }
    pending_clear(f);
}

static struct pwr_file *find(struct pwrvfs *v, const char *name)
{
    for (int i = 0; i < PWR_FILES; i++)
        if (v->files[i].name && strcmp(v->files[i].name, name) == 0)
            return &v->files[i];
    return NULL;
}

static struct pwr_file *create(struct pwrvfs *v, const char *name)
{
    for (int i = 0; i < PWR_FILES; i++)
        if (!v->files[i].name) {
            v->files[i] = (struct pwr_file){.vfs = v, .name = strdup(name)};
            return &v->files[i];
        }
    abort();
}

static void destroy(struct pwr_file *f)
{
    pending_clear(f);
    pwr_shm_free(f);
    free(f->pending);
    free(f->view.data);
    free(f->durable.data);
    free(f->name);
    *f = (struct pwr_file){0};
}

/* Does the power hold for one more write or sync? */
static bool spend(struct pwrvfs *v)
{
    if (!v->cut && v->budget >= 0 && v->budget-- == 0)
        v->cut = true;
    return !v->cut;
}

static size_t used(const struct pwrvfs *v)
{
    size_t n = 0;

    for (int i = 0; i < PWR_FILES; i++)
        n += v->files[i].view.len;
    return n;
}

static int file_close(sqlite3_file *h)
{
    return pwr_unlock(h, SQLITE_LOCK_NONE);
}

static int file_read(sqlite3_file *h, void *buf, int n, sqlite3_int64 off)
{
    struct pwr_file *f = pwr_file(h);
    size_t got = 0;

    pthread_mutex_lock(&f->vfs->lock);
    if ((size_t)off < f->view.len) {
        got = f->view.len - off;
        if (got > (size_t)n)
            got = n;
        memcpy(buf, f->view.data + off, got);
    }
    pthread_mutex_unlock(&f->vfs->lock);
    memset((char *)buf + got, 0, n - got);
    return got == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_locked(struct pwr_file *f, const void *buf, size_t n, size_t off)
{
    struct pwrvfs *v = f->vfs;
    size_t more = off + n > f->view.len ? off + n - f->view.len : 0;
    bool was_cut = v->cut;

    if (pwr_write_fails(v) || (v->space && more && used(v) + more > v->space))
        return SQLITE_FULL;
    if (!spend(v)) {
        /* The write under way when the power goes may be half done. */
        if (!was_cut)
            pending_add(f, off, buf, n);
        return SQLITE_IOERR_WRITE;
    }
    pending_add(f, off, buf, n);
    image_write(&f->view, off, buf, n);
    return SQLITE_OK;
}

static int file_write(sqlite3_file *h, const void *buf, int n, sqlite3_int64 off)
{
    struct pwr_file *f = pwr_file(h);
    int rc;

    pthread_mutex_lock(&f->vfs->lock);
    rc = write_locked(f, buf, n, off);
    pthread_mutex_unlock(&f->vfs->lock);
    return rc;
}

static int file_truncate(sqlite3_file *h, sqlite3_int64 len)
{
    struct pwr_file *f = pwr_file(h);
    int rc = SQLITE_IOERR_TRUNCATE;

    pthread_mutex_lock(&f->vfs->lock);
    if (spend(f->vfs)) {
        size_t kept = 0;

        for (size_t i = 0; i < f->npending; i++) {
            if (f->pending[i].off + f->pending[i].n <= (size_t)len)
                f->pending[kept++] = f->pending[i];
            else
                free(f->pending[i].data);
        }
        f->npending = kept;
        image_truncate(&f->view, len);
        image_truncate(&f->durable, len);
        rc = SQLITE_OK;
    }
    pthread_mutex_unlock(&f->vfs->lock);
    return rc;
}

static int file_sync(sqlite3_file *h, int flags)
{
    struct pwr_file *f = pwr_file(h);
    struct pwrvfs *v = f->vfs;
    int rc = SQLITE_IOERR_FSYNC;

    pthread_mutex_lock(&v->lock);
    if (v->fail_sync)
        v->fail_sync = false;
    else if (pwr_sync_fails(v))
        pending_lose(v, f);
    else if (spend(v)) {
        pending_sync(f);
        rc = SQLITE_OK;
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static int file_size(sqlite3_file *h, sqlite3_int64 *ret)
{
    struct pwr_file *f = pwr_file(h);

    pthread_mutex_lock(&f->vfs->lock);
    *ret = f->view.len;
    pthread_mutex_unlock(&f->vfs->lock);
    return SQLITE_OK;
}

static int file_control(sqlite3_file *h, int op, void *arg)
{
    return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *h)
{
    return SECTOR;
}

/* As the usual VFS promises: a torn write does not touch the bytes around it. */
static int file_device(sqlite3_file *h)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = pwr_lock,
    .xUnlock = pwr_unlock,
    .xCheckReservedLock = pwr_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_device,
    .xShmMap = pwr_shm_map,
    .xShmLock = pwr_shm_lock,
    .xShmBarrier = pwr_shm_barrier,
    .xShmUnmap = pwr_shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file,
                    int flags, int *ret_flags)
{
    struct pwrvfs *v = vfs->pAppData;
    struct pwr_handle *h = (struct pwr_handle *)file;
    int rc = SQLITE_OK;

    assert(name); /* nothing here needs temporary files */
    pthread_mutex_lock(&v->lock);
    *h = (struct pwr_handle){.base.pMethods = &methods, .file = find(v, name)};
    if (!h->file && (flags & SQLITE_OPEN_CREATE) && !v->cut)
        h->file = create(v, name);
    if (!h->file) {
        h->base.pMethods = NULL;
        rc = SQLITE_CANTOPEN;
    }
    pthread_mutex_unlock(&v->lock);
    if (ret_flags)
        *ret_flags = flags;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct pwrvfs *v = vfs->pAppData;
    struct pwr_file *f;
    int rc = SQLITE_IOERR_DELETE;

    pthread_mutex_lock(&v->lock);
    if (spend(v)) {
        if ((f = find(v, name)))
            destroy(f);
        rc = f ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    struct pwrvfs *v = vfs->pAppData;

    pthread_mutex_lock(&v->lock);
    *ret = find(v, name) != NULL;
    pthread_mutex_unlock(&v->lock);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    snprintf(out, size, "%s", name);
    return SQLITE_OK;
}

struct pwrvfs *pwrvfs_new(const char *name, uint64_t seed)
{
    struct pwrvfs *v = calloc(1, sizeof(*v));

    if (!v || !(v->name = strdup(name))) {
        free(v);
        return NULL;
    }
    pthread_mutex_init(&v->lock, NULL);
    v->random = seed * 0x9e3779b97f4a7c15u | 1;
    v->budget = -1;
    /* Clock, randomness and sleep are the usual ones. */
    v->vfs = *sqlite3_vfs_find(NULL);
    v->vfs.pNext = NULL;
    v->vfs.szOsFile = sizeof(struct pwr_handle);
    v->vfs.zName = v->name;
    v->vfs.pAppData = v;
    v->vfs.xOpen = vfs_open;
    v->vfs.xDelete = vfs_delete;
    v->vfs.xAccess = vfs_access;
    v->vfs.xFullPathname = vfs_full_path;
    sqlite3_vfs_register(&v->vfs, 0);
    return v;
}

void pwrvfs_free(struct pwrvfs *v)
{
    sqlite3_vfs_unregister(&v->vfs);
    for (int i = 0; i < PWR_FILES; i++)
        if (v->files[i].name)
            destroy(&v->files[i]);
    pthread_mutex_destroy(&v->lock);
    free(v->name);
    free(v);
}

void pwrvfs_cut_after(struct pwrvfs *v, long n)
{
    pthread_mutex_lock(&v->lock);
    v->budget = n;
    pthread_mutex_unlock(&v->lock);
}

bool pwrvfs_is_cut(struct pwrvfs *v)
{
    bool cut;

    pthread_mutex_lock(&v->lock);
    cut = v->cut;
    pthread_mutex_unlock(&v->lock);
    return cut;
}

static void settle(struct pwrvfs *v, struct pwr_file *f)
{
    pending_lose(v, f);
    pwr_shm_free(f);
    f->view.len = 0;
    if (f->view.data)
        memset(f->view.data, 0, f->view.size);
    if (f->durable.len)
        image_write(&f->view, 0, f->durable.data, f->durable.len);
}

void pwrvfs_power_on(struct pwrvfs *v)
{
    pthread_mutex_lock(&v->lock);
    for (int i = 0; i < PWR_FILES; i++)
        if (v->files[i].name)
            settle(v, &v->files[i]);
    v->cut = false;
    v->budget = -1;
    pthread_mutex_unlock(&v->lock);
}

void pwrvfs_set_space(struct pwrvfs *v, size_t bytes)
{
    pthread_mutex_lock(&v->lock);
    v->space = bytes;
    pthread_mutex_unlock(&v->lock);
}

size_t pwrvfs_used(struct pwrvfs *v)
{
    size_t n;

    pthread_mutex_lock(&v->lock);
    n = used(v);
    pthread_mutex_unlock(&v->lock);
    return n;
}

void pwrvfs_fail_sync(struct pwrvfs *v)
{
    pthread_mutex_lock(&v->lock);
    v->fail_sync = true;
    pthread_mutex_unlock(&v->lock);
}
