/* Requests to the content service that are under way. */
#ifndef FLUX_MODULE_KVS_CONTENT_PRIVATE_H
#define FLUX_MODULE_KVS_CONTENT_PRIVATE_H

#include "modules/kvs/kvs.h"

struct content_request {
    struct list link;
    struct kvs *kvs; /* NULL: the service has ended, and it is answered */
    const flux_msg_t *msg;
    unsigned char hash[STORE_HASH];
    struct buf blob;
    struct store_kvs_stats stats;
    flux_future_t *commit; /* of another root; NULL: none */
};

/* NULL: it is answered with ENOMEM. */
struct content_request *content_request_new(struct kvs *kvs, const flux_msg_t *msg);
void content_request_free(struct content_request *r);
/* Answer with bytes, or an error; free it. */
void content_request_end(struct content_request *r, int rc, const void *data, size_t len);

#endif
