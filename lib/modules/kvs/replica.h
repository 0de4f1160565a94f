/* A namespace as a follower has it: what it knows of the current version, and who waits for
 * a newer one. */
#ifndef FLUX_MODULE_KVS_REPLICA_H
#define FLUX_MODULE_KVS_REPLICA_H

#include "modules/kvs/ns.h"

struct replica {
    char *name;
    struct kvs *kvs;
    struct map *all;      /* by name */
    struct ns *ns;        /* NULL: its root has not come yet */
    uint64_t id, version; /* the newest that was heard of; 0: none */
    uint64_t gone;        /* the last one of that name that was removed */
    bool doubt;           /* something may have been missed */
    double used;

    flux_future_t *pull; /* the question for its root, under way */
    uint64_t pull_id, pull_version;
    bool again;        /* doubt has come up since it was asked */
    struct list waits; /* struct ns_wait */
    size_t bytes;      /* of memory, when the latest version came */
};

/* A new one, in `all`. NULL: no memory. */
struct replica *replica_new(struct kvs *kvs, struct map *all, const char *name);
void replica_free(struct replica *r); /* and take it out */

int replica_get(struct replica *r, struct ns_wait *w, struct ns **ret);
void replica_note(struct replica *r, uint64_t id, uint64_t version);
void replica_removed(struct replica *r, uint64_t id);
void replica_doubt(struct replica *r);
/* Ask for the current root if somebody waits for it. */
void replica_stir(struct replica *r);
/* Nobody waits for anything of it. */
bool replica_is_idle(const struct replica *r);

#endif
