/* Readers of job output: see relay.h. A reader is told of nothing twice: entries of a job
 * come in the same order each time, so a new shell is asked to skip what was passed on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "modules/job-exec/relay.h"

struct relays {
    struct exec *x;
    struct list all;
    char *service; /* of the shell; NULL: there is none */
};

struct relay {
    struct list link;
    struct relays *rs;
    const flux_msg_t *msg;
    flux_jobid_t id;
    int follow;
    int64_t seen; /* entries that the reader has */
    flux_future_t *f;
};

int relays_new(struct exec *x, struct relays **ret)
{
    struct relays *rs = calloc(1, sizeof(*rs));
    if (!rs)
        return -ENOMEM;
    rs->x = x;
    list_init(&rs->all);
    *ret = rs;
    return 0;
}

bool relays_any(const struct relays *rs)
{
    return !list_empty(&rs->all);
}

static void relay_free(struct relay *r)
{
    list_del(&r->link);
    flux_future_destroy(r->f);
    flux_msg_decref(r->msg);
    free(r);
}

static void relay_end(struct relay *r, int errnum, const char *text)
{
    if (flux_respond_error(r->rs->x->h, r->msg, errnum, text) < 0)
        flux_log_error(r->rs->x->h, "output: respond");
    relay_free(r);
}

static int count_events(const char *s, int64_t *n)
{
    struct slice events, v;
    size_t pos = 0;
    int rc = slice_get(slice_of(s), "events", &events);
    if (rc < 0)
        return rc;
    while ((rc = slice_element(events, &pos, &v)) > 0)
        (*n)++;
    return rc;
}

static void passed_on(flux_future_t *f, void *arg)
{
    struct relay *r = arg;
    const char *s;
    if (flux_rpc_get(f, &s) < 0) {
        /* The shell went, or is going: the next one will be asked. */
        if (errno == ENOSYS || errno == ECONNRESET || errno == EHOSTUNREACH) {
            flux_future_destroy(f);
            r->f = NULL;
            return;
        }
        relay_end(r, errno, flux_future_error_string(f));
        return;
    }
    if (!s || count_events(s, &r->seen) < 0 || flux_respond(r->rs->x->h, r->msg, s) < 0) {
        relay_end(r, EPROTO, NULL);
        return;
    }
    flux_future_reset(f);
}

static void relay_ask(struct relay *r)
{
    char topic[64];
    const struct exec_job *job = exec_job(r->rs->x, r->id);
    bool live = job && !job->finished && exec_is_spread(job);
    snprintf(topic, sizeof(topic), "%s.output", r->rs->service);
    flux_future_destroy(r->f);
    r->f =
        flux_rpc_pack(r->rs->x->h, topic, FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:I s:b s:I s:b s:i}", "id", r->id, "follow", r->follow, "skip",
                      r->seen, "live", live, "ntasks", job ? (int)job->ntasks : 0);
    if (!r->f || flux_future_then(r->f, -1, passed_on, r) < 0)
        relay_end(r, errno, NULL);
}

void relay_add(struct relays *rs, const flux_msg_t *msg)
{
    struct relay *r = calloc(1, sizeof(*r));
    int err = ENOMEM;
    if (r) {
        list_init(&r->link);
        r->rs = rs;
        r->msg = flux_msg_incref(msg);
        err = 0;
        if (flux_request_unpack(msg, NULL, "{s:I s?b s?I}", "id", &r->id, "follow",
                                &r->follow, "skip", &r->seen) < 0)
            err = errno;
        else if (!flux_msg_is_streaming(msg))
            err = EPROTO;
    }
    if (err) {
        flux_respond_error(rs->x->h, msg, err, NULL);
        if (r)
            relay_free(r);
        return;
    }
    list_append(&rs->all, &r->link);
    if (rs->service)
        relay_ask(r);
}

/* Tell the shell that nobody listens any more. */
static void relay_drop(struct relay *r)
{
    char topic[64];
    if (r->f && r->rs->service) {
        snprintf(topic, sizeof(topic), "%s.output-cancel", r->rs->service);
        flux_future_destroy(flux_rpc_pack(r->rs->x->h, topic, FLUX_NODEID_ANY,
                                          FLUX_RPC_NORESPONSE, "{s:i}", "matchtag",
                                          (int)flux_rpc_get_matchtag(r->f)));
    }
    relay_free(r);
}

void relay_cancel(struct relays *rs, const flux_msg_t *msg)
{
    list_each(r, &rs->all, struct relay, link) if (flux_cancel_match(msg, r->msg))
    {
        (void)flux_respond_error(rs->x->h, r->msg, ENODATA, NULL);
        relay_drop(r);
    }
}

void relay_disconnect(struct relays *rs, const flux_msg_t *msg)
{
    list_each(r, &rs->all, struct relay, link) if (flux_disconnect_match(msg, r->msg))
        relay_drop(r);
}

void relays_resume(struct relays *rs, const char *service)
{
    free(rs->service);
    rs->service = strdup(service);
    if (!rs->service)
        return;
    list_each(r, &rs->all, struct relay, link) relay_ask(r);
}

void relays_suspend(struct relays *rs)
{
    free(rs->service);
    rs->service = NULL;
    list_each(r, &rs->all, struct relay, link)
    {
        flux_future_destroy(r->f);
        r->f = NULL;
    }
}

void relays_fail(struct relays *rs, int errnum, const char *text)
{
    list_each(r, &rs->all, struct relay, link) relay_end(r, errnum, text);
}

void relays_free(struct relays *rs)
{
    if (!rs)
        return;
    relays_fail(rs, ENODATA, NULL);
    free(rs->service);
    free(rs);
}
