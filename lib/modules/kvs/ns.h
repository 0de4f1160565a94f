/* Namespaces: a name, an owner, and a row of versions, of which the latest few are kept.
 * The root of a namespace that nobody has used yet is only known by its hash.
 */
#ifndef FLUX_MODULE_KVS_NS_H
#define FLUX_MODULE_KVS_NS_H

#include "modules/kvs/kvs.h"

/* A state of a namespace. root NULL: only its hash is known. */
struct ns_state {
    uint64_t version;
    struct obj *root; /* referenced */
};

struct version {
    struct list link;
    struct ns_state state;
    size_t cost; /* bytes of memory that came with it */
    double t;    /* when it was replaced */
};

struct ns {
    char *name;
    uint64_t id; /* the record that made it */
    uint32_t owner, flags;
    struct kvs *kvs;
    bool has_mounts; /* it is the primary one; see mount.h */
    bool sealed;     /* a job's, which has ended: nobody writes */
    bool removed;    /* no new requests */
    bool creating;   /* not durable yet */
    bool gone;       /* durably removed */

    struct ns_state now;                /* durable, visible */
    struct ns_state next;               /* what the next transaction builds on */
    unsigned char root_hash[NODE_HASH]; /* of now, while its root is NULL */
    uint64_t stored_version;            /* as of the last checkpoint */

    struct list versions; /* older ones, the latest first */
    size_t versions_cost;

    struct list link;             /* with those that have something to do */
    struct list queue;            /* struct txn: transactions that wait */
    unsigned flying;              /* batches of it on their way to the disk */
    struct flux_msglist *waiting; /* requests for a version that is not there yet */
};

struct ns *ns_find(struct kvs *kvs, const char *name);
/* One that waits for a namespace's version, which it need not look at. ready() is called
 * once, with 0; with NS_DOUBTFUL, when nobody could be asked but no client here knows of a
 * newer version; or with -errno. w may be freed in it. */
#define NS_DOUBTFUL 1
struct ns_wait {
    struct list link;
    void (*ready)(struct ns_wait *w, int rc);
    uint64_t id, version;
};
static inline void ns_wait_init(struct ns_wait *w,
                                void (*ready)(struct ns_wait *w, int rc))
{
    list_init(&w->link);
    w->ready = ready;
}
/* The namespace of that name, as requests may see it: in a version not older than any that
 * the sender of one that has come can know of. -ENOTSUP: there is none. A follower's only:
 * -EINPROGRESS, and then w->ready(), when ns_find() finds it, or with an error; take
 * w->link out of its list to give up. */
int ns_get(struct kvs *kvs, const char *name, struct ns_wait *w, struct ns **ret);
struct ns *ns_by_id(struct kvs *kvs, uint64_t id);
/* A new one, known by name and id. NULL: no memory. */
struct ns *ns_new(struct kvs *kvs, const char *name, uint64_t id, uint32_t owner,
                  uint32_t flags);
void ns_free(struct ns *ns); /* and forget it */
void ns_hide(struct ns *ns); /* it cannot be found by name any more */
void ns_show(struct ns *ns); /* it can again, unless another has the name */
/* Free it as soon as nothing of it is under way. */
void ns_retire(struct ns *ns);
/* May the sender use it? 0, -EPERM. */
int ns_authorize(const struct ns *ns, const flux_msg_t *msg);

/* The root of the current, or the coming version, borrowed. -EAGAIN. */
int ns_root(struct ns *ns, struct need *need, struct obj **ret);
int ns_next_root(struct ns *ns, struct need *need, struct obj **ret);
/* The root of an older version that is still kept; NULL. */
struct obj *ns_version(struct ns *ns, uint64_t version);
/* A version has become durable. The reference on root is taken over. */
void ns_publish(struct ns *ns, uint64_t version, struct obj *root, size_t cost);
/* Give up what is not durable. */
void ns_fall_back(struct ns *ns);

/* {"rootseq":i,"rootref":s} and so on, of the current version. */
void ns_print_root(const struct ns *ns, struct buf *out);

/* kvs.wait-version: now, or when the version is there. */
void ns_wait_version(struct ns *ns, const flux_msg_t *msg, uint64_t version);

#endif
