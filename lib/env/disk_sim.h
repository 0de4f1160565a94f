/* The disk of a simulated host: inodes and their data, which of it would survive a loss
 * of power, and when it fails. Paths and open files are in file_sim.c. Private to lib/env.
 *
 * Data written are kept as pending until the file is synced; a change of names (create,
 * remove, rename) until a folder is. Without power, each 512-byte sector of each pending
 * write survives or not, and of the changes of names the earlier ones do.
 */
#ifndef FLUX_ENV_DISK_SIM_H
#define FLUX_ENV_DISK_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"

struct sim_env;
struct sim_file;
struct sim_inode;

struct sim_disk {
    struct sim_inode *root;
    uint64_t inodes; /* made so far: their numbers */
    bool track;
    bool off;       /* everything fails */
    int64_t limit;  /* 0: none */
    int64_t used;   /* bytes of all files */
    long cut, fail; /* operations until it is off, until one fails; < 0: never */
    int fail_error;
    unsigned errors[3];  /* by enum disk_op, one in so many */
    struct list changes; /* of names, not yet durable; struct sim_change */
};

struct sim_image {
    char *data;
    size_t len, size;
};

/* A write that has not been synced. */
struct sim_pending {
    size_t off, len;
    char *data;
};

struct sim_inode {
    int refcount; /* the tree's, one for each open file, for each change of names */
    struct sim_env *host;
    ino_t ino;
    mode_t mode;
    double mtime, ctime;
    struct map *entries;      /* folder */
    struct sim_inode *parent; /* folder */
    char *target;             /* link */
    struct sim_image view;    /* file: what is read */
    struct sim_image durable; /* file: what is on the platter, when it is tracked */
    struct sim_pending *pending;
    size_t npending, pending_size;
    struct sim_file *locker;
};

enum disk_op { DISK_READ, DISK_WRITE, DISK_SYNC };

int disk_init(struct sim_env *host);
void disk_fini(struct sim_env *host);
/* May this operation go on? 0, -EIO, -ENOSPC. */
int disk_admit(struct sim_env *host, enum disk_op op);

struct sim_inode *inode_new(struct sim_env *host, mode_t mode);
struct sim_inode *inode_ref(struct sim_inode *n);
void inode_unref(void *inode); /* accepts NULL */
ssize_t inode_write(struct sim_inode *n, const void *buf, size_t len, size_t off);
int inode_truncate(struct sim_inode *n, size_t len);
int inode_sync(struct sim_inode *n);

/* Names: `name` of folder now means n (NULL: nothing). `joined`: the next change belongs
 * to this one, both become durable or none. */
int disk_link(struct sim_env *host, struct sim_inode *folder, const char *name,
              struct sim_inode *n, bool joined);
/* Changes of names up to the last one in this folder are durable. */
void disk_sync_names(struct sim_env *host, const struct sim_inode *folder);

#endif
