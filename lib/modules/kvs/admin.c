/* Requests of those who look after the store. */
#include "modules/kvs/admin.h"

#include <errno.h>
#include <stdlib.h>

#include "modules/kvs/gc.h"

struct admin {
    flux_msg_handler_t **handlers;
};

static void gc_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    gc_request(kvs->gc, msg);
}

static const struct flux_msg_handler_spec requests[] = {
    {FLUX_MSGTYPE_REQUEST, "kvs.gc", gc_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

int admin_new(struct kvs *kvs, struct admin **ret)
{
    struct admin *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    if (flux_msg_handler_addvec(kvs->h, requests, kvs, &a->handlers) < 0) {
        admin_free(a);
        return -errno;
    }
    *ret = a;
    return 0;
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    flux_msg_handler_delvec(a->handlers);
    free(a);
}
