/* Faults of the disk that are planned by number, and processes that come and go. */
#include "pwrvfs.h"

#include "pwrvfs_private.h"

bool pwr_write_fails(struct pwrvfs *v)
{
    long n = ++v->nwrites;
    bool fails = !v->cut && n >= v->full_from && n < v->full_until;

    v->nfaults += fails;
    return fails;
}

bool pwr_sync_fails(struct pwrvfs *v)
{
    bool fails = ++v->nsyncs == v->bad_sync && !v->cut;

    v->nfaults += fails;
    return fails;
}

void pwrvfs_fill_at(struct pwrvfs *v, long n, long count)
{
    pthread_mutex_lock(&v->lock);
    v->full_from = v->nwrites + n;
    v->full_until = n ? v->full_from + count : 0;
    pthread_mutex_unlock(&v->lock);
}

void pwrvfs_fail_sync_at(struct pwrvfs *v, long n)
{
    pthread_mutex_lock(&v->lock);
    v->bad_sync = n ? v->nsyncs + n : 0;
    pthread_mutex_unlock(&v->lock);
}

long pwrvfs_faults(struct pwrvfs *v)
{
    long n;

    pthread_mutex_lock(&v->lock);
    n = v->nfaults;
    pthread_mutex_unlock(&v->lock);
    return n;
}

void pwrvfs_count(struct pwrvfs *v, long *ret_writes, long *ret_syncs)
{
    pthread_mutex_lock(&v->lock);
    *ret_writes = v->nwrites;
    *ret_syncs = v->nsyncs;
    pthread_mutex_unlock(&v->lock);
}

void pwrvfs_stop(struct pwrvfs *v)
{
    pthread_mutex_lock(&v->lock);
    v->cut = true;
    pthread_mutex_unlock(&v->lock);
}

void pwrvfs_start(struct pwrvfs *v)
{
    pthread_mutex_lock(&v->lock);
    for (int i = 0; i < PWR_FILES; i++)
        if (v->files[i].name)
            pwr_shm_free(&v->files[i]);
    v->cut = false;
    v->budget = -1;
    pthread_mutex_unlock(&v->lock);
}
