/* An SQLite VFS over env's files: what a store of the simulated world lives on, so that
 * its disk can fail, fill up and lose power. Private to lib/store.
 *
 * Locks and shared memory are between the connections of one vfs, so one store has one,
 * and one thread uses it.
 */
#ifndef FLUX_STORE_VFS_H
#define FLUX_STORE_VFS_H

#include "env/env.h"

struct vfs;

/* Registered with SQLite under vfs_name(). */
int vfs_new(struct env *env, struct vfs **ret);
const char *vfs_name(const struct vfs *v);
/* All connections are closed. Accepts NULL. */
void vfs_free(struct vfs *v);

#endif
