/* A disk for SQLite that can lose power, fill up, and fail to sync.
 *
 * Files live in memory. A write is kept as unsynced until its file is synced; when the
 * power goes, each 512-byte sector of each unsynced write survives or not, by the seed, so
 * that writes are torn and reordered. Locks and shared memory work between the
 * connections of this process, so that write-ahead logging does. Any thread.
 */
#ifndef TEST_UNIT_STORE_PWRVFS_H
#define TEST_UNIT_STORE_PWRVFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pwrvfs;

/* Make a disk and register it as the SQLite VFS of this name. NULL on ENOMEM. */
struct pwrvfs *pwrvfs_new(const char *name, uint64_t seed);
/* All connections are closed. */
void pwrvfs_free(struct pwrvfs *v);

/* The power goes at the n-th write or sync from now (0: the next; < 0: never). */
void pwrvfs_cut_after(struct pwrvfs *v, long n);
bool pwrvfs_is_cut(struct pwrvfs *v);
/* With all connections closed: settle what survived (cutting the power first if it is
 * still on), and switch it on again. */
void pwrvfs_power_on(struct pwrvfs *v);

/* Room for all files together; 0: no limit. Writes beyond it find the disk full. */
void pwrvfs_set_space(struct pwrvfs *v, size_t bytes);
size_t pwrvfs_used(struct pwrvfs *v);
/* The next sync fails with an I/O error. */
void pwrvfs_fail_sync(struct pwrvfs *v);

/* Faults to come: of the writes, the n-th from now and those that follow, `count` of
 * them all told, find the disk full (n 0: none). */
void pwrvfs_fill_at(struct pwrvfs *v, long n, long count);
/* The n-th sync from now fails (0: none), and of what it was to write any part may never
 * reach the disk, although it can be read until the power goes. */
void pwrvfs_fail_sync_at(struct pwrvfs *v, long n);
/* How many of these there were; how many writes and syncs. */
long pwrvfs_faults(struct pwrvfs *v);
void pwrvfs_count(struct pwrvfs *v, long *ret_writes, long *ret_syncs);
/* The process is killed: nothing more reaches the files. With all connections closed:
 * another one starts, and finds what was written, synced or not. */
void pwrvfs_stop(struct pwrvfs *v);
void pwrvfs_start(struct pwrvfs *v);
/* A number below n, from the disk's seed. */
uint64_t pwrvfs_random(struct pwrvfs *v, uint64_t n);

#endif
