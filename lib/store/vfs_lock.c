/* Locks and shared memory between the connections of one vfs. */
#include <stdlib.h>

#include "store/vfs_private.h"

static int take(struct vfs_handle *h, int level)
{
    struct vfs_file *f = h->shared;

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

int vfs_lock(sqlite3_file *file, int level)
{
    struct vfs_handle *h = vfs_handle(file);
    int rc = SQLITE_OK;

    if (level > h->level && (rc = take(h, level)) == SQLITE_OK)
        h->level = level;
    return rc;
}

int vfs_unlock(sqlite3_file *file, int level)
{
    struct vfs_handle *h = vfs_handle(file);
    struct vfs_file *f = h->shared;

    if (level >= h->level)
        return SQLITE_OK;
    if (f->exclusive == h)
        f->exclusive = NULL;
    if (f->reserved == h)
        f->reserved = NULL;
    if (level == SQLITE_LOCK_NONE)
        f->nshared--;
    h->level = level;
    return SQLITE_OK;
}

int vfs_check_reserved(sqlite3_file *file, int *ret)
{
    *ret = vfs_handle(file)->shared->reserved != NULL;
    return SQLITE_OK;
}

int vfs_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **ret)
{
    struct vfs_file *f = vfs_handle(file)->shared;

    if (region < VFS_REGIONS && !f->regions[region] && extend)
        f->regions[region] = calloc(1, (size_t)size);
    *ret = region < VFS_REGIONS ? f->regions[region] : NULL;
    return *ret || !extend ? SQLITE_OK : SQLITE_NOMEM;
}

static int shm_take_shared(struct vfs_handle *h, int slot)
{
    struct vfs_file *f = h->shared;

    if (h->shm_held & (1u << slot))
        return SQLITE_OK;
    if (f->shm_exclusive[slot] && f->shm_exclusive[slot] != h)
        return SQLITE_BUSY;
    f->shm_shared[slot]++;
    h->shm_held |= 1u << slot;
    return SQLITE_OK;
}

static int shm_take_exclusive(struct vfs_handle *h, int offset, int n)
{
    struct vfs_file *f = h->shared;

    for (int i = offset; i < offset + n; i++) {
        int own = (h->shm_held >> i) & 1;

        if (f->shm_shared[i] > own || (f->shm_exclusive[i] && f->shm_exclusive[i] != h))
            return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + n; i++)
        f->shm_exclusive[i] = h;
    return SQLITE_OK;
}

static void shm_drop(struct vfs_handle *h, int slot)
{
    struct vfs_file *f = h->shared;

    if (f->shm_exclusive[slot] == h)
        f->shm_exclusive[slot] = NULL;
    if (h->shm_held & (1u << slot)) {
        h->shm_held &= ~(1u << slot);
        f->shm_shared[slot]--;
    }
}

int vfs_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    struct vfs_handle *h = vfs_handle(file);

    if (flags & SQLITE_SHM_SHARED && flags & SQLITE_SHM_LOCK)
        return shm_take_shared(h, offset);
    if (flags & SQLITE_SHM_LOCK)
        return shm_take_exclusive(h, offset, n);
    for (int i = offset; i < offset + n; i++)
        shm_drop(h, i);
    return SQLITE_OK;
}

void vfs_shm_barrier(sqlite3_file *file)
{
}

int vfs_shm_unmap(sqlite3_file *file, int delete)
{
    struct vfs_handle *h = vfs_handle(file);

    for (int i = 0; i < SQLITE_SHM_NLOCK; i++)
        shm_drop(h, i);
    if (delete)
        vfs_shm_free(h->shared);
    return SQLITE_OK;
}

void vfs_shm_free(struct vfs_file *f)
{
    for (int i = 0; i < VFS_REGIONS; i++) {
        free(f->regions[i]);
        f->regions[i] = NULL;
    }
}
