/* A vfs inside: shared by its files and its locks. */
#ifndef FLUX_STORE_VFS_PRIVATE_H
#define FLUX_STORE_VFS_PRIVATE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/map.h"
#include "env/file.h"
#include "store/vfs.h"

#define VFS_REGIONS 64 /* of shared memory */

struct vfs {
    sqlite3_vfs base;
    struct env *env;
    char name[32];
    struct map *files; /* path -> struct vfs_file */
};

/* What the connections to one file share. */
struct vfs_file {
    struct vfs *vfs;
    char *path;
    unsigned refs;
    unsigned nshared; /* handles with at least a shared lock */
    const struct vfs_handle *reserved, *exclusive;
    void *regions[VFS_REGIONS];
    int shm_shared[SQLITE_SHM_NLOCK];
    const struct vfs_handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

struct vfs_handle {
    sqlite3_file base;
    struct vfs_file *shared;
    struct file *f;
    bool new_name; /* the folder is to be synced, too */
    int level;
    unsigned shm_held; /* bits: slots locked shared */
};

static inline struct vfs_handle *vfs_handle(sqlite3_file *file)
{
    return (struct vfs_handle *)file;
}

int vfs_lock(sqlite3_file *file, int level);
int vfs_unlock(sqlite3_file *file, int level);
int vfs_check_reserved(sqlite3_file *file, int *ret);
int vfs_shm_map(sqlite3_file *file, int region, int size, int extend,
                void volatile **ret);
int vfs_shm_lock(sqlite3_file *file, int offset, int n, int flags);
void vfs_shm_barrier(sqlite3_file *file);
int vfs_shm_unmap(sqlite3_file *file, int delete);
void vfs_shm_free(struct vfs_file *f);

#endif
