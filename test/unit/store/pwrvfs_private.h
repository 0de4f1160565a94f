/* The disk inside: shared by its two halves. */
#ifndef TEST_UNIT_STORE_PWRVFS_PRIVATE_H
#define TEST_UNIT_STORE_PWRVFS_PRIVATE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PWR_FILES 8
#define PWR_REGIONS 64 /* of shared memory */

struct image {
    char *data;
    size_t len, size;
};

struct pending {
    size_t off, n;
    char *data;
};

struct pwr_handle;

struct pwr_file {
    struct pwrvfs *vfs;
    char *name; /* NULL: free slot */
    struct image view, durable;
    struct pending *pending;
    size_t npending, pending_size;

    int nshared; /* handles with at least a shared lock */
    struct pwr_handle *reserved, *exclusive;
    void *regions[PWR_REGIONS];
    int shm_shared[SQLITE_SHM_NLOCK];
    struct pwr_handle *shm_exclusive[SQLITE_SHM_NLOCK];
};

struct pwrvfs {
    sqlite3_vfs vfs;
    char *name;
    pthread_mutex_t lock;
    uint64_t random;
    long budget;
    bool cut, fail_sync;
    size_t space;
    long nwrites, nsyncs, nfaults;
    long full_from, full_until; /* numbers of writes that find the disk full */
    long bad_sync;              /* number of the sync that fails; 0: none */
    struct pwr_file files[PWR_FILES];
};

struct pwr_handle {
    sqlite3_file base;
    struct pwr_file *file;
    int level;
    unsigned shm_shared; /* bits */
};

static inline struct pwr_file *pwr_file(sqlite3_file *h)
{
    return ((struct pwr_handle *)h)->file;
}

/* With the lock held: one more write, one more sync; does it fail? */
bool pwr_write_fails(struct pwrvfs *v);
bool pwr_sync_fails(struct pwrvfs *v);

int pwr_lock(sqlite3_file *file, int level);
int pwr_unlock(sqlite3_file *file, int level);
int pwr_check_reserved(sqlite3_file *file, int *ret);
int pwr_shm_map(sqlite3_file *file, int region, int size, int extend,
                void volatile **ret);
int pwr_shm_lock(sqlite3_file *file, int offset, int n, int flags);
void pwr_shm_barrier(sqlite3_file *file);
int pwr_shm_unmap(sqlite3_file *file, int delete);
void pwr_shm_free(struct pwr_file *f);

#endif
