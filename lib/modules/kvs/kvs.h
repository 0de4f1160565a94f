/* The KVS service as its parts see it. Each part is a noun with a file of its own;
 * module.c makes them and holds the table of requests.
 *
 * The leader (rank 0) has the store; on other ranks the service is a follower (follower.h). A commit changes a copy of the tree and becomes a
 * record of the redo log; what others can see of it (answers, events, watches, lookups)
 * happens when the record is durable. A checkpoint writes the changed nodes as blobs and
 * lets the log be forgotten.
 */
#ifndef FLUX_MODULE_KVS_KVS_H
#define FLUX_MODULE_KVS_KVS_H

#include <flux/core.h>

#include "base/list.h"
#include "base/map.h"
#include "modules/kvs/tree.h"
#include "store/kvs.h"

struct loader;
struct commits;
struct checkpoint;
struct gc;
struct admin;
struct snapshots;
struct turns;
struct follower;
struct feed;
struct guests;
struct content;
struct watches;
struct ns;

struct kvs_stats {
    uint64_t commits, records, lookups, loads, bad;
    uint64_t checkpoints, blobs;
};

struct kvs {
    flux_t *h;
    flux_reactor_t *r;
    struct store *store;
    flux_msg_handler_t **handlers;
    uint32_t owner;
    size_t memory_limit; /* of objects, in bytes; stored ones are forgotten above it */

    struct objs os;
    struct map *ns_by_name;
    struct umap *ns_by_id;
    uint64_t generation; /* of blobs that are written now */
    struct list saves;   /* under way */
    struct list lookups; /* under way */
    struct list relays;  /* requests that were handed on, a follower's */
    unsigned nwaiting;   /* requests that wait for a version */
    unsigned nlate;      /* lookups that do */

    struct loader *loader;
    struct commits *commits;
    struct checkpoint *checkpoint;
    struct gc *gc;
    struct admin *admin;
    struct snapshots *snapshots;
    struct turns *turns;
    struct feed *feed;
    struct guests *guests;
    struct content *content;
    struct follower *follower; /* NULL: this is the leader */
    struct watches *watches;
    struct kvs_stats stats;
};

/* Answer with what `payload` holds, which is consumed (buf_free() is harmless). */
void kvs_respond_buf(struct kvs *kvs, const flux_msg_t *msg, struct buf *payload);
/* What a client, or the log, is told of an error: for a full or failed disk the way out. */
const char *kvs_strerror(const struct kvs *kvs, int errnum);
/* Answer with an error; fmt may be NULL. */
void kvs_respond_error(struct kvs *kvs, const flux_msg_t *msg, int errnum,
                       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Seconds, as of this turn of the loop. */
double kvs_now(const struct kvs *kvs);

#endif
