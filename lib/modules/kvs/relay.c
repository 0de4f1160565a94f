/* Requests handed on. */
#include "modules/kvs/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "base/slice.h"
#include "modules/kvs/follower.h"
#include "proto/blobref.h"

struct relay {
    struct list link; /* kvs->relays */
    struct kvs *kvs;
    const flux_msg_t *msg;
    flux_future_t *f;
    bool streaming;
};

static void relay_free(struct relay *r)
{
    list_del(&r->link);
    flux_msg_decref(r->msg);
    flux_future_destroy(r->f);
    free(r);
}

/* "rootref" names a version, if it is no hash. */
static void note_version(struct kvs *kvs, const char *data, size_t len)
{
    struct slice all, text;
    struct blobref ref;
    struct ns *ns;

    if (len == 0 || slice_value(data, len, &all) < 0 ||
        slice_get(all, "rootref", &text) < 0 || slice_str(text, &text) < 0 ||
        blobref_parse(text, &ref) < 0 || !ref.is_version || !(ns = ns_by_id(kvs, ref.id)))
        return;
    follower_note(kvs->follower, ns->name, ref.id, ref.version);
}

static void answered_cb(flux_future_t *f, void *arg)
{
    struct relay *r = arg;
    struct kvs *kvs = r->kvs;
    const void *data;
    size_t len;

    if (flux_rpc_get_raw(f, &data, &len) < 0) {
        kvs_respond_error(kvs, r->msg, errno, flux_future_has_error(f) ? "%s" : NULL,
                          flux_future_error_string(f));
        relay_free(r);
        return;
    }
    if (len > 0)
        note_version(kvs, data, len - 1);
    if (flux_respond_raw(kvs->h, r->msg, data, len) < 0)
        flux_log_error(kvs->h, "handing on an answer");
    if (r->streaming)
        flux_future_reset(f);
    else
        relay_free(r);
}

/* A copy that begins its way here; its credentials stay. */
static flux_future_t *send(struct kvs *kvs, const flux_msg_t *msg, int flags)
{
    flux_msg_t *copy = flux_msg_copy(msg, true);
    flux_future_t *f;

    if (!copy)
        return NULL;
    flux_msg_route_disable(copy);
    flux_msg_clear_flag(copy, FLUX_MSGFLAG_UPSTREAM);
    f = flux_rpc_message(kvs->h, copy, 0, flags);
    flux_msg_decref(copy);
    return f;
}

void relay_request(struct kvs *kvs, const flux_msg_t *msg)
{
    struct relay *r = calloc(1, sizeof(*r));
    int flags = 0;

    if (!r) {
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
        return;
    }
    list_append(&kvs->relays, &r->link);
    r->kvs = kvs;
    r->msg = flux_msg_incref(msg);
    r->streaming = flux_msg_is_streaming(msg);
    if (flux_msg_is_noresponse(msg))
        flags = FLUX_RPC_NORESPONSE;
    else if (r->streaming)
        flags = FLUX_RPC_STREAMING;
    r->f = send(kvs, msg, flags);
    if (!r->f)
        kvs_respond_error(kvs, msg, errno, NULL);
    else if (!(flags & FLUX_RPC_NORESPONSE) &&
             flux_future_then(r->f, -1., answered_cb, r) == 0)
        return;
    relay_free(r);
}

void relay_cancel_all(struct kvs *kvs)
{
    list_each(r, &kvs->relays, struct relay, link)
    {
        kvs_respond_error(kvs, r->msg, ENOSYS, NULL);
        relay_free(r);
    }
}
