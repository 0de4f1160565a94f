/* Between guest.c and guest_end.c. */
#ifndef FLUX_MODULE_KVS_GUEST_PRIVATE_H
#define FLUX_MODULE_KVS_GUEST_PRIVATE_H

#include "modules/kvs/guest.h"

struct guest {
    struct guests *gs;
    uint64_t id; /* of the job */
    uint32_t userid;
    struct list requests; /* struct guest_request: wait until it is made */
    flux_future_t *asked; /* job-info, about the job */
    bool making;          /* its namespace */
    bool ended;           /* the job has */
    bool ending;          /* on its way into the tree */
};

struct guests {
    struct kvs *kvs;
    struct umap *all; /* struct guest, by the job's id */
    flux_future_t *journal, *fence;
    bool ready; /* no end of a job is missed */
    flux_watcher_t *retry;
};

struct ns *guest_ns(const struct guest *g); /* NULL: it is not there */
void guest_free(struct guest *g);
/* Look again at all of them, in a while. */
void guests_retry(struct guests *gs);
/* The job has ended: put its namespace into the tree, and free it. */
void guest_end(struct guest *g);

#endif
