/* Snapshots that clients can name: by the hash of a root, or by a version of a namespace.
 * What was named in an answer is kept for a while; a root that getroot gave is stored, and
 * pinned for ten minutes.
 */
#ifndef FLUX_MODULE_KVS_SNAPSHOT_H
#define FLUX_MODULE_KVS_SNAPSHOT_H

#include "modules/kvs/ns.h"

struct snapshots;
int snapshots_new(struct kvs *kvs, struct snapshots **ret);
void snapshots_free(struct snapshots *ss); /* accepts NULL */

/* Keep an object whose hash an answer tells. */
void snapshot_expose(struct snapshots *ss, struct obj *o);
/* Call fn for each that is kept for that. */
int snapshot_each_exposed(struct snapshots *ss, int (*fn)(struct obj *o, void *arg),
                          void *arg);

/* The root that a dirref's text stands for, and its namespace (NULL: unknown); borrowed.
 * -EAGAIN; -ESTALE kept no more; -EPERM not the sender's; -EINVAL no dirref. */
int snapshot_root(struct snapshots *ss, struct slice treeobj, const flux_msg_t *msg,
                  struct need *need, struct obj **ret, struct ns **ret_ns,
                  flux_error_t *err);

/* A pin as the store has it. */
int snapshot_add_pin(struct snapshots *ss, const struct store_pin *pin);

/* Keep a root that is stored, as getroot does; keep one that is kept for some time more. */
int snapshot_keep(struct snapshots *ss, struct store_pin *pin);
int snapshot_renew(struct snapshots *ss, const unsigned char *hash);

/* kvs.getroot with flags: the hash of a namespace's root. */
void snapshot_getroot(struct snapshots *ss, struct ns *ns, const flux_msg_t *msg);

#endif
