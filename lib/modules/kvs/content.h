/* The content service: blobs by their hash, in the store where the KVS keeps its own. The
 * payloads of blobs are bytes, without a NUL at the end:
 *
 *   content.load   hash -> blob
 *   content.store  blob -> hash, once it is durable
 *   content.flush, content.dropcache -> nothing
 *   content.checkpoint-get -> {"value":[{"version":1,"rootref":s,"sequence":i,
 *       "timestamp":f,"namespace":s},...]}: the roots in the store as of the last checkpoint,
 *       that of the primary namespace first
 *   content.checkpoint-put {"value":{"version":1,"rootref":s}} -> {}: that root for the
 *       primary namespace, by a commit, once it is in a checkpoint
 *   content.stats-get -> {"count","valid","dirty","size","flush-batch-count"}
 *
 * Nothing leads to a blob that was stored like this: it stays until garbage is collected,
 * and longer if it was stored after the collection began.
 */
#ifndef FLUX_MODULE_KVS_CONTENT_H
#define FLUX_MODULE_KVS_CONTENT_H

#include "modules/kvs/kvs.h"

struct content;
int content_new(struct kvs *kvs, struct content **ret);
/* Answers what is under way. Accepts NULL. */
void content_free(struct content *c);

void content_load_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void content_store_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg);
void content_flush_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg);
void content_checkpoint_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg);
void content_checkpoint_put_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg);
void content_stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg);

#endif
