/* Locks and shared memory between the connections of one process. */
#include <stdlib.h>

#include "pwrvfs_private.h"

static int take(struct pwr_handle *h, int level)
{
    struct pwr_file *f = h->file;

    if (level == SQLITE_LOCK_SHARED) {
        if (f->exclusive && f->exclusive != h)
            return SQLITE_BUSY;
        f->nshared++;
        return SQLITE_OK;
    }
    if (f->reserved && f->reserved != h)
        return SQLITE_BUSY;
    f->reserved = h;
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (f->nshared > 1)
            return SQLITE_BUSY;
        f->exclusive = h;
    }
    return SQLITE_OK;
}

int pwr_lock(sqlite3_file *file, int level)
{
    struct pwr_handle *h = (struct pwr_handle *)file;
    int rc = SQLITE_OK;

    pthread_mutex_lock(&h->file->vfs->lock);
    if (level > h->level && (rc = take(h, level)) == SQLITE_OK)
        h->level = level;
    pthread_mutex_unlock(&h->file->vfs->lock);
    return rc;
}

int pwr_unlock(sqlite3_file *file, int level)
{
    struct pwr_handle *h = (struct pwr_handle *)file;
    struct pwr_file *f = h->file;

    pthread_mutex_lock(&f->vfs->lock);
    if (level < h->level) {
        if (f->exclusive == h)
            f->exclusive = NULL;
        if (f->reserved == h)
            f->reserved = NULL;
        if (level == SQLITE_LOCK_NONE)
            f->nshared--;
        h->level = level;
    }
    pthread_mutex_unlock(&f->vfs->lock);
    return SQLITE_OK;
}

int pwr_check_reserved(sqlite3_file *file, int *ret)
{
    struct pwr_handle *h = (struct pwr_handle *)file;

    pthread_mutex_lock(&h->file->vfs->lock);
    *ret = h->file->reserved != NULL;
    pthread_mutex_unlock(&h->file->vfs->lock);
    return SQLITE_OK;
}

int pwr_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    struct pwr_handle *h = (struct pwr_handle *)file;
    struct pwr_file *f = h->file;

    pthread_mutex_lock(&f->vfs->lock);
    if (region < PWR_REGIONS && !f->regions[region] && extend)
        f->regions[region] = calloc(1, size);
    *ret = region < PWR_REGIONS ? f->regions[region] : NULL;
    pthread_mutex_unlock(&f->vfs->lock);
    return *ret || !extend ? SQLITE_OK : SQLITE_NOMEM;
}

static int shm_take_shared(struct pwr_handle *h, int slot)
{
    struct pwr_file *f = h->file;

    if (h->shm_shared & (1u << slot))
        return SQLITE_OK;
    if (f->shm_exclusive[slot] && f->shm_exclusive[slot] != h)
        return SQLITE_BUSY;
    f->shm_shared[slot]++;
    h->shm_shared |= 1u << slot;
    return SQLITE_OK;
}

static int shm_take_exclusive(struct pwr_handle *h, int offset, int n)
{
    struct pwr_file *f = h->file;

    for (int i = offset; i < offset + n; i++) {
        int own = (h->shm_shared >> i) & 1;

        if (f->shm_shared[i] > own || (f->shm_exclusive[i] && f->shm_exclusive[i] != h))
            return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + n; i++)
        f->shm_exclusive[i] = h;
    return SQLITE_OK;
}

static void shm_drop(struct pwr_handle *h, int slot)
{
    struct pwr_file *f = h->file;

    if (f->shm_exclusive[slot] == h)
        f->shm_exclusive[slot] = NULL;
    if (h->shm_shared & (1u << slot)) {
        h->shm_shared &= ~(1u << slot);
        f->shm_shared[slot]--;
    }
}

int pwr_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct pwr_handle *h = (struct pwr_handle *)file;
    int rc = SQLITE_OK;

    pthread_mutex_lock(&h->file->vfs->lock);
    if (flags & SQLITE_SHM_UNLOCK)
        for (int i = offset; i < offset + n; i++)
            shm_drop(h, i);
    else if (flags & SQLITE_SHM_SHARED)
        rc = shm_take_shared(h, offset);
    else
        rc = shm_take_exclusive(h, offset, n);
    pthread_mutex_unlock(&h->file->vfs->lock);
    return rc;
}

void pwr_shm_barrier(sqlite3_file *file)
{
    struct pwr_handle *h = (struct pwr_handle *)file;

    pthread_mutex_lock(&h->file->vfs->lock);
    pthread_mutex_unlock(&h->file->vfs->lock);
}

int pwr_shm_unmap(sqlite3_file *file, int delete)
{
    struct pwr_handle *h = (struct pwr_handle *)file;

    pthread_mutex_lock(&h->file->vfs->lock);
    for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
        shm_drop(h, i);
    if (delete)
        pwr_shm_free(h->file);
    pthread_mutex_unlock(&h->file->vfs->lock);
    return SQLITE_OK;
}

void pwr_shm_free(struct pwr_file *f)
{
    for (int i = 0; i < PWR_REGIONS; i++) {
        free(f->regions[i]);
        f->regions[i] = NULL;
    }
}
