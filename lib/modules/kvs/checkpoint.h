/* Checkpoints: the changed nodes of all namespaces become blobs, then one transaction
 * says that the roots of record S are in the store, then the log up to S is forgotten. A
 * checkpoint is made when the log has grown by some MiB, some time after a commit, and
 * when somebody asks.
 */
#ifndef FLUX_MODULE_KVS_CHECKPOINT_H
#define FLUX_MODULE_KVS_CHECKPOINT_H

#include "modules/kvs/kvs.h"

int checkpoint_new(struct kvs *kvs, double period, struct checkpoint **ret);
void checkpoint_free(struct checkpoint *cp); /* accepts NULL */
void checkpoint_set_period(struct checkpoint *cp, double period);
/* The log has no records up to that one, when the service starts. */
void checkpoint_set_trimmed(struct checkpoint *cp, uint64_t seq);

/* The last one: the record it is of, and when it was made; 0, 0: there was none. */
void checkpoint_set_last(struct checkpoint *cp, uint64_t seq, double when);
uint64_t checkpoint_last(const struct checkpoint *cp, double *ret_when);

/* One now. False: another one is under way. */
bool checkpoint_begin(struct checkpoint *cp);
/* A commit has become durable. */
void checkpoint_maybe(struct checkpoint *cp);
/* Answer msg with `payload` (consumed) when all that is durable now is in a checkpoint. */
void checkpoint_for(struct checkpoint *cp, const flux_msg_t *msg, struct buf *payload);
/* A namespace is gone: the next checkpoint takes its root out. */
void checkpoint_forget(struct checkpoint *cp, const char *ns);
/* One now, to its end, waiting for the disk. -errno. */
int checkpoint_now(struct checkpoint *cp);
/* Give memory back if there is too much of it. */
void checkpoint_trim_memory(struct kvs *kvs);

#endif
