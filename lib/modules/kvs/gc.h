/* Garbage collection: what neither a namespace, a kept version, a snapshot that somebody
 * holds (a pin), nor anything in memory leads to is deleted from the store, and the room
 * is given back to the file system.
 *
 *     idle -> wanted   until a checkpoint has ended
 *          -> mark     walks over the nodes, in slices on a worker thread
 *          -> sweep    old blobs that were not reached are deleted, some at a time
 *          -> vacuum   free pages are given back, some at a time -> idle
 *
 * Blobs written from the beginning of the marking on are of a new generation and never
 * deleted by it. An object that is loaded meanwhile by its hash alone becomes one more
 * place to mark from; once the sweep has begun it is refused unless it was reached.
 */
#ifndef FLUX_MODULE_KVS_GC_H
#define FLUX_MODULE_KVS_GC_H

#include "modules/kvs/kvs.h"

struct gc;

int gc_new(struct kvs *kvs, uint64_t threshold, struct gc **ret);
void gc_free(struct gc *gc); /* accepts NULL */
/* Commits after which one is made without being asked for; 0: never. */
void gc_set_threshold(struct gc *gc, uint64_t threshold);

/* kvs.gc {"dry-run":b?} */
void gc_request(struct gc *gc, const flux_msg_t *msg);
/* A checkpoint has ended. */
void gc_checkpointed(struct gc *gc, int error);
/* An object of that hash and generation was read from the store: 0, -ESTALE it is about
 * to be deleted. */
int gc_loaded(struct gc *gc, const unsigned char *hash, bool node, uint64_t gen);

#endif
