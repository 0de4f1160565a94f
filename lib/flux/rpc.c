/* RPCs: a future for the response, found by its matchtag when it arrives.
 *
 * The request is sent at once. Whoever reads the connection (the reactor, flux_recv(), or
 * somebody waiting for another RPC) hands the response over, so an RPC without a
 * continuation needs neither a reactor nor a message handler.
 *
 * The matchtag is free again when the future is gone and the last response is in. A
 * future that goes away earlier leaves a mark as the tag's owner, so that the late
 * response is not taken for that of a later RPC.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/rpc.h>
#include <flux/response.h>

#include "flux/envelope.h"
#include "flux/future_private.h"
#include "flux/handle_private.h"

struct rpc {
    flux_future_t *f;
    flux_t *root; /* NULL: the connection is closed */
    uint32_t matchtag;
    uint32_t nodeid;
    bool streaming;
    bool finished; /* the last response is in, or will never come */
    struct list waiting_link;
    flux_t *reader; /* reads for us while we have a continuation */
};

/* Owners of tags whose RPC has gone. */
static const char late_response, late_stream;

static struct rpc *rpc_of(flux_future_t *f);

/* ---- reading on a reactor ---- */

static void stop_reading(struct rpc *rpc)
{
    if (!rpc->reader)
        return;
    list_del(&rpc->waiting_link);
    handle_read_unref(rpc->reader);
    rpc->reader = NULL;
}

static int rpc_then(flux_future_t *f)
{
    struct rpc *rpc = rpc_of(f);
    flux_t *h = f->h;
    int rc;

    if (rpc->finished || rpc->reader == h)
        return 0;
    if ((rc = handle_read_ref(h)) < 0)
        return rc;
    stop_reading(rpc);
    rpc->reader = h;
    list_append(&h->waiting, &rpc->waiting_link);
    return 0;
}

/* ---- responses ---- */

static void finish(struct rpc *rpc)
{
    rpc->finished = true;
    stop_reading(rpc);
}

/* Takes msg over. */
static void deliver(struct rpc *rpc, flux_msg_t *msg)
{
    const char *text = NULL;
    uint32_t errnum = msg->aux1;

    if (rpc->finished) {
        flux_msg_decref(msg); /* one too many */
        return;
    }
    if (errnum || !rpc->streaming)
        finish(rpc);
    if (!errnum) {
        flux_future_fulfill(rpc->f, msg, (flux_free_f)flux_msg_destroy);
        return;
    }
    flux_response_decode_error(msg, &text);
    flux_future_fulfill_error(rpc->f, (int)errnum, text);
    flux_msg_decref(msg);
}

bool rpc_take_response(flux_t *root, flux_msg_t *msg)
{
    void *owner;

    if (msg->nroutes > 0 || !(owner = tags_owner(&root->tags, msg->aux2)))
        return false;
    if (owner == &late_response || owner == &late_stream) {
        if (owner == &late_response || msg->aux1 != 0)
            tags_free(&root->tags, msg->aux2);
        flux_msg_decref(msg);
        return true;
    }
    deliver(owner, msg);
    return true;
}

static void each_rpc(flux_t *root, void (*fn)(struct rpc *rpc, int errnum), int errnum)
{
    for (uint32_t tag = 1; tag <= root->tags.words * 64; tag++) {
        void *owner = tags_owner(&root->tags, tag);

        if (owner == &late_response || owner == &late_stream)
            tags_free(&root->tags, tag);
        else if (owner)
            fn(owner, errnum);
    }
}

static void fail_one(struct rpc *rpc, int errnum)
{
    if (rpc->finished)
        return;
    finish(rpc);
    flux_future_fulfill_error(rpc->f, errnum, NULL);
}

void rpc_fail_all(flux_t *root, int errnum)
{
    each_rpc(root, fail_one, errnum);
}

static void orphan_one(struct rpc *rpc, int errnum)
{
    finish(rpc);
    rpc->root = NULL;
    rpc->f->h = NULL;
}

void rpc_orphan_all(flux_t *root)
{
    each_rpc(root, orphan_one, 0);
}

void rpc_orphan_waiting(flux_t *h)
{
    list_each(rpc, &h->waiting, struct rpc, waiting_link)
    {
        stop_reading(rpc);
        if (rpc->f->h == h)
            rpc->f->h = h == h->root ? NULL : h->root;
    }
}

/* ---- the future ---- */

static int rpc_wait(flux_future_t *f, double deadline)
{
    struct rpc *rpc = rpc_of(f);

    while (!flux_future_is_ready(f)) {
        int rc;

        if (!rpc->root || rpc->finished)
            return -EDEADLK;
        rc = handle_pump(rpc->root, deadline);
        if (rc < 0 && !flux_future_is_ready(f))
            return rc;
    }
    return 0;
}

static void rpc_destroy(flux_future_t *f)
{
    struct rpc *rpc = rpc_of(f);

    stop_reading(rpc);
    if (!rpc->root || !rpc->matchtag)
        return;
    if (rpc->finished)
        tags_free(&rpc->root->tags, rpc->matchtag);
    else
        tags_set_owner(&rpc->root->tags, rpc->matchtag,
                       (void *)(rpc->streaming ? &late_stream : &late_response));
}

static const struct future_ops rpc_ops = {
    .kind = "rpc",
    .wait = rpc_wait,
    .then = rpc_then,
    .destroy = rpc_destroy,
};

static struct rpc *rpc_of(flux_future_t *f)
{
    return f && f->ops == &rpc_ops ? future_extra(f) : NULL;
}

/* ---- the request ---- */

static flux_future_t *rpc_new(flux_t *h, uint32_t nodeid, int flags)
{
    flux_future_t *f = future_new(&rpc_ops, sizeof(struct rpc));
    struct rpc *rpc;

    if (!f)
        return NULL;
    rpc = future_extra(f);
    f->h = h;
    rpc->f = f;
    rpc->root = h->root;
    rpc->nodeid = nodeid;
    rpc->streaming = flags & FLUX_RPC_STREAMING;
    list_init(&rpc->waiting_link);
    if (flags & FLUX_RPC_NORESPONSE) {
        rpc->finished = true;
        return f;
    }
    if (!(rpc->matchtag = tags_alloc(&h->root->tags, rpc))) {
        flux_future_destroy(f);
        errno = EBUSY;
        return NULL;
    }
    return f;
}

/* "Up from me" is a node id and a flag. */
static int address(flux_t *h, flux_msg_t *msg, uint32_t nodeid)
{
    if (nodeid == FLUX_NODEID_UPSTREAM) {
        if (flux_get_rank(h, &nodeid) < 0 || flux_msg_set_upstream(msg) < 0)
            return -1;
    }
    return flux_msg_set_nodeid(msg, nodeid);
}

static void forget_request(flux_future_t *f)
{
    struct rpc *rpc = rpc_of(f);

    rpc->finished = true; /* it was never sent: the tag is free */
    flux_future_destroy(f);
}

/* Send msg, which is ours and complete but for the address; always consumed. */
static flux_future_t *rpc_send(flux_t *h, flux_msg_t *msg, uint32_t nodeid, int flags)
{
    flux_future_t *f = NULL;

    flux_msg_route_enable(msg);
    if (address(h, msg, nodeid) < 0 || !(f = rpc_new(h, nodeid, flags)))
        goto error;
    if (flags & FLUX_RPC_NORESPONSE)
        flux_msg_set_noresponse(msg);
    else if (flags & FLUX_RPC_STREAMING)
        flux_msg_set_streaming(msg);
    if (flux_msg_set_matchtag(msg, rpc_of(f)->matchtag) < 0 ||
        flux_send_new(h, &msg, 0) < 0)
        goto error;
    if (flags & FLUX_RPC_NORESPONSE)
        flux_future_fulfill(f, NULL, NULL);
    return f;
error:
    flux_msg_destroy(msg);
    if (f) {
        int saved_errno = errno;

        forget_request(f);
        errno = saved_errno;
    }
    return NULL;
}

static bool is_valid(const flux_t *h, int flags)
{
    if (h && !(flags & ~(FLUX_RPC_NORESPONSE | FLUX_RPC_STREAMING)))
        return true;
    errno = EINVAL;
    return false;
}

flux_future_t *flux_rpc(flux_t *h, const char *topic, const char *s, uint32_t nodeid,
                        int flags)
{
    flux_msg_t *msg =
        is_valid(h, flags) ? envelope_encode(FLUX_MSGTYPE_REQUEST, topic, s) : NULL;

    return msg ? rpc_send(h, msg, nodeid, flags) : NULL;
}

flux_future_t *flux_rpc_raw(flux_t *h, const char *topic, const void *data, size_t len,
                            uint32_t nodeid, int flags)
{
    flux_msg_t *msg = is_valid(h, flags)
                          ? envelope_encode_raw(FLUX_MSGTYPE_REQUEST, topic, data, len)
                          : NULL;

    return msg ? rpc_send(h, msg, nodeid, flags) : NULL;
}

flux_future_t *flux_rpc_vpack(flux_t *h, const char *topic, uint32_t nodeid, int flags,
                              const char *fmt, va_list ap)
{
    flux_msg_t *msg =
        is_valid(h, flags) ? envelope_new(FLUX_MSGTYPE_REQUEST, topic) : NULL;

    if (msg)
        msg = envelope_filled(msg, flux_msg_vpack(msg, fmt, ap));
    return msg ? rpc_send(h, msg, nodeid, flags) : NULL;
}

flux_future_t *flux_rpc_pack(flux_t *h, const char *topic, uint32_t nodeid, int flags,
                             const char *fmt, ...)
{
    flux_future_t *f;
    va_list ap;

    va_start(ap, fmt);
    f = flux_rpc_vpack(h, topic, nodeid, flags, fmt, ap);
    va_end(ap);
    return f;
}

flux_future_t *flux_rpc_message(flux_t *h, const flux_msg_t *msg, uint32_t nodeid,
                                int flags)
{
    flux_msg_t *copy;

    if (!is_valid(h, flags))
        return NULL;
    if (!msg || msg->type != FLUX_MSGTYPE_REQUEST) {
        errno = EINVAL;
        return NULL;
    }
    if (!(copy = flux_msg_copy(msg, true)))
        return NULL;
    return rpc_send(h, copy, nodeid, flags);
}

/* ---- the answer ---- */

/* NULL, 0 when the future has no message (a request without response). */
static int get_message(flux_future_t *f, const flux_msg_t **ret)
{
    const void *result = NULL;

    if (flux_future_get(f, &result) < 0)
        return -1;
    *ret = result;
    return 0;
}

int flux_rpc_get(flux_future_t *f, const char **s)
{
    const flux_msg_t *msg;

    if (get_message(f, &msg) < 0)
        return -1;
    if (!s)
        return 0;
    if (!msg) {
        *s = NULL;
        return 0;
    }
    return flux_msg_get_string(msg, s);
}

int flux_rpc_get_raw(flux_future_t *f, const void **data, size_t *len)
{
    const flux_msg_t *msg;

    if (!data || !len) {
        errno = EINVAL;
        return -1;
    }
    if (get_message(f, &msg) < 0)
        return -1;
    *data = msg ? msg->payload : NULL;
    *len = msg ? msg->payload_len : 0;
    return 0;
}

int flux_rpc_get_unpack(flux_future_t *f, const char *fmt, ...)
{
    const flux_msg_t *msg;
    va_list ap;
    int rc;

    if (!fmt) {
        errno = EINVAL;
        return -1;
    }
    if (get_message(f, &msg) < 0)
        return -1;
    if (!msg) {
        errno = EPROTO;
        return -1;
    }
    va_start(ap, fmt);
    rc = flux_msg_vunpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}

/* The RPC behind f: itself, or one whose result it was given. */
static struct rpc *rpc_behind(flux_future_t *f)
{
    while (f && f->ops != &rpc_ops)
        f = f->result.via;
    if (!f)
        errno = EINVAL;
    return rpc_of(f);
}

uint32_t flux_rpc_get_matchtag(flux_future_t *f)
{
    struct rpc *rpc = rpc_behind(f);

    return rpc ? rpc->matchtag : FLUX_MATCHTAG_NONE;
}

uint32_t flux_rpc_get_nodeid(flux_future_t *f)
{
    struct rpc *rpc = rpc_behind(f);

    return rpc ? rpc->nodeid : FLUX_NODEID_ANY;
}
