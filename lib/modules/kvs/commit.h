/* Commits: transactions of a namespace wait in its queue, and what waits together becomes
 * one version and one record of the log, as long as the disk is busy with the ones
 * before (NO_MERGE: a version of their own). Answers are given in order, when the record
 * is durable; errors too, for they tell of a state.
 */
#ifndef FLUX_MODULE_KVS_COMMIT_H
#define FLUX_MODULE_KVS_COMMIT_H

#include "modules/kvs/ns.h"

int commits_new(struct kvs *kvs, struct commits **ret);
/* All that flies has been answered. Accepts NULL. */
void commits_free(struct commits *c);

/* kvs.commit */
void commit_request(struct kvs *kvs, const flux_msg_t *msg);
/* Operations (redo_next(); taken over, may be none) of the service's own, on any key: done
 * when they, and all that the namespace has seen before, are durable. -ENOSYS: the service
 * ends. */
typedef void (*commit_f)(int rc, void *arg);
int commit_own(struct kvs *kvs, struct ns *ns, struct buf *ops, unsigned nops,
               commit_f done, void *arg);
/* Make or remove a namespace; msg is answered when it is durable. */
void commit_create(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns,
                   struct obj *root);
void commit_remove(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns);

/* Where the log goes on, when the service starts. */
void commits_set_log(struct commits *c, uint64_t last_seq, uint64_t chain);
/* The number that the next record will have. */
uint64_t commits_next_seq(const struct commits *c);
/* The last durable record, and the bytes of the log since a call with reset. */
uint64_t commits_durable(const struct commits *c, uint64_t *ret_chain);
size_t commits_log_bytes(struct commits *c, bool reset);
/* Send off what waits in the queues, now. */
void commits_run(struct commits *c);
/* The same to the end, waiting for the disk; what waits for objects stays. */
void commits_drain(struct commits *c);
/* Answer all that waits in a queue: the service ends. */
void commit_end_queue(struct ns *ns);

#endif
