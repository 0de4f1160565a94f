/* Requests of those who look after the store. */
#include "modules/kvs/admin.h"

#include <errno.h>
#include <stdlib.h>

#include "modules/kvs/dump.h"
#include "modules/kvs/gc.h"

struct admin {
    flux_msg_handler_t **handlers;
    struct dumps *dumps;
};

static void gc_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    gc_request(kvs->gc, msg);
}

static void roots_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    dump_roots(((struct kvs *)arg)->admin->dumps, msg);
}

static void walk_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    dump_walk(((struct kvs *)arg)->admin->dumps, msg);
}

static void jobs_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    dump_jobs(((struct kvs *)arg)->admin->dumps, msg);
}

static void lost_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    dump_lost(((struct kvs *)arg)->admin->dumps, msg);
}

static void jobs_put_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    dump_jobs_put(((struct kvs *)arg)->admin->dumps, msg);
}

static const struct flux_msg_handler_spec requests[] = {
    {FLUX_MSGTYPE_REQUEST, "kvs.gc", gc_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.roots", roots_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.walk", walk_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.jobs", jobs_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.lost", lost_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.jobs-put", jobs_put_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

int admin_new(struct kvs *kvs, struct admin **ret)
{
    struct admin *a = calloc(1, sizeof(*a));
    int rc;

    if (!a)
        return -ENOMEM;
    if ((rc = dumps_new(kvs, &a->dumps)) == 0 &&
        flux_msg_handler_addvec(kvs->h, requests, kvs, &a->handlers) < 0)
        rc = -errno;
    if (rc < 0) {
        admin_free(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    flux_msg_handler_delvec(a->handlers);
    dumps_free(a->dumps);
    free(a);
}
