/* What can still be reached in the store: a walk by hash over its nodes, in slices, on a
 * worker thread. Between the slices more places to start from may be added.
 */
#ifndef FLUX_MODULE_KVS_MARK_H
#define FLUX_MODULE_KVS_MARK_H

#include "modules/kvs/kvs.h"

struct mark;

int mark_new(struct mark **ret);
void mark_free(struct mark *m); /* accepts NULL */

/* Start from that object, too. -ENOMEM. */
int mark_add(struct mark *m, const unsigned char *hash, bool node);
/* From all that is in memory, and what that refers to. */
int mark_add_memory(struct mark *m, struct kvs *kvs);
/* In a read function: from the roots of the last checkpoint and the pins of `now`. */
int mark_add_store(struct mark *m, struct store_reader *r, double now);
/* In a read function: go on for a while. 1: nothing is left to look at; 0: there is more;
 * -EIO: something cannot be read, and mark_bad() says what. */
int mark_step(struct mark *m, struct store_reader *r);

/* Was it reached? It may say so of a few that were not. */
bool mark_has(const struct mark *m, const unsigned char *hash);
size_t mark_count(const struct mark *m);
const unsigned char *mark_bad(const struct mark *m);

#endif
