/* job-ingest, see ingest.h: the requests and the configuration. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-ingest/ingest.h"
#include "modules/job-ingest/module.h"

struct request {
    struct slice J;
    int64_t urgency, flags;
    struct slice nonce;
};

/* The request's text is read in place: most of it is one long string. */
static int read_request(const flux_msg_t *msg, struct request *r)
{
    struct slice all, key, val;
    const char *payload;
    size_t pos = 0;
    int rc;

    *r = (struct request){.urgency = -1, .flags = -1};
    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        slice_value(payload, strlen(payload), &all) < 0)
        return -EPROTO;
    while ((rc = slice_member(all, &pos, &key, &val)) > 0) {
        if (slice_is(key, "J"))
            rc = slice_str(val, &r->J);
        else if (slice_is(key, "urgency"))
            rc = slice_int(val, &r->urgency);
        else if (slice_is(key, "flags"))
            rc = slice_int(val, &r->flags);
        else if (slice_is(key, "nonce") && !slice_is(val, "null"))
            rc = slice_str(val, &r->nonce);
        if (rc < 0)
            return -EPROTO;
    }
    return rc < 0 || !r->J.p || r->urgency == -1 || r->flags == -1 ? -EPROTO : 0;
}

static int check_nonce(struct slice nonce, flux_error_t *err)
{
    if (!nonce.p)
        return 0;
    if (nonce.len == 0 || nonce.len > 64)
        return error_set(err, EINVAL, "nonce must be 1 to 64 characters");
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.p[i] <= ' ' || nonce.p[i] > '~')
            return error_set(err, EINVAL, "nonce must be printable ASCII");
    return 0;
}

static int check_request(const struct request *r, const struct flux_msg_cred *cred,
                         flux_error_t *err)
{
    bool owner = cred->rolemask & FLUX_ROLE_OWNER;

    if (r->urgency < FLUX_JOB_URGENCY_MIN || r->urgency > FLUX_JOB_URGENCY_MAX)
        return error_set(err, EINVAL, "urgency range is [%d:%d]", FLUX_JOB_URGENCY_MIN,
                         FLUX_JOB_URGENCY_MAX);
    if (r->flags & ~(FLUX_JOB_DEBUG | FLUX_JOB_WAITABLE | FLUX_JOB_NOVALIDATE))
        return error_set(err, EPROTO, "unknown submit flags");
    if (!owner && r->urgency > FLUX_JOB_URGENCY_DEFAULT)
        return error_set(err, EINVAL,
                         "only the instance owner can submit with urgency > %d",
                         FLUX_JOB_URGENCY_DEFAULT);
    if (!owner && (r->flags & FLUX_JOB_WAITABLE))
        return error_set(err, EINVAL, "only the instance owner can submit waitable jobs");
    if (!owner && (r->flags & FLUX_JOB_NOVALIDATE))
        return error_set(err, EPERM, "only the instance owner can skip validation");
    return check_nonce(r->nonce, err);
}

static int collect(struct ingest *in, const flux_msg_t *msg, const struct request *r,
                   uint32_t userid, const struct ingest_spec *spec, flux_error_t *err)
{
    char nonce[65] = "";

    if (r->nonce.p)
        memcpy(nonce, r->nonce.p, r->nonce.len);
    if (flux_msglist_append(in->requests, msg) < 0 ||
        submit_batch_add(&in->batch, &spec->digest, userid, (int)r->urgency,
                         (int)r->flags, r->nonce.p ? nonce : NULL) < 0)
        return error_set(err, ENOMEM, "out of memory");
    if (in->batch.envs.len + in->batch.jobs.len > INGEST_BATCH_BYTES)
        ingest_flush(in);
    return 0;
}

/* 1: the request waits for fresh knowledge of the resources. */
static int handle(struct ingest *in, const flux_msg_t *msg, flux_error_t *err)
{
    struct flux_msg_cred cred;
    struct ingest_spec *spec;
    struct request r;
    int rc;

    if (flux_msg_get_cred(msg, &cred) < 0 || read_request(msg, &r) < 0)
        return error_set(err, EPROTO, "malformed submit request");
    if ((rc = check_request(&r, &cred, err)) < 0 ||
        (rc = ingest_spec_get(in, r.J, cred.userid, &spec, err)) < 0)
        return rc;
    if (!(r.flags & FLUX_JOB_NOVALIDATE)) {
        if (resources_unknown(in->resources))
            return resources_wait(in->resources, msg) < 0 ? -ENOMEM : 1;
        if ((rc = resources_check(in->resources, &spec->digest.shape, err)) < 0) {
            if (resources_fresh(in->resources))
                return rc;
            return resources_wait(in->resources, msg) < 0 ? -ENOMEM : 1;
        }
    }
    return collect(in, msg, &r, cred.userid, spec, err);
}

static void submit_msg(const flux_msg_t *msg, void *arg)
{
    struct ingest *in = arg;
    flux_error_t err = {"out of memory"};
    int rc = handle(in, msg, &err);

    if (rc < 0 && flux_respond_error(in->h, msg, -rc, err.text) < 0)
        flux_log_error(in->h, "flux_respond_error");
}

static void submit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    submit_msg(msg, arg);
}

static void prepare_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ingest_flush(arg);
}

static int configure(struct ingest *in, const flux_conf_t *conf, flux_error_t *err)
{
    const char *queue = NULL;
    double duration = 0;
    cJSON *o = NULL;
    char *copy = NULL;

    if (flux_conf_unpack(conf, err, "{s?{s?{s?{s?{s?o s?s}}}}}", "policy", "jobspec",
                         "defaults", "system", "duration", &o, "queue", &queue) < 0)
        return -EINVAL;
    if (o && json_seconds(o, &duration) < 0)
        return error_set(err, EINVAL,
                         "policy.jobspec.defaults.system.duration is not a duration");
    if (queue && !(copy = strdup(queue)))
        return error_set(err, ENOMEM, "out of memory");
    in->default_duration = duration > 1e15 ? 0 : duration;
    free(in->default_queue);
    in->default_queue = copy;
    ingest_spec_forget(in);
    return 0;
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct ingest *in = arg;
    const flux_conf_t *conf;
    flux_error_t err;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        flux_respond_error(h, msg, EPROTO, "malformed config-reload request");
        return;
    }
    ingest_flush(in);
    if (configure(in, conf, &err) < 0) {
        flux_respond_error(h, msg, EINVAL, err.text);
        flux_conf_decref(conf);
        return;
    }
    if (flux_set_conf_new(h, conf) < 0)
        flux_conf_decref(conf);
    resources_refresh(in->resources);
    flux_respond(h, msg, NULL);
}

static const struct flux_msg_handler_spec requests[] = {
    {FLUX_MSGTYPE_REQUEST, "job-ingest.submit", submit_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-ingest.config-reload", config_reload_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void destroy(struct ingest *in)
{
    flux_msg_handler_delvec(in->handlers);
    flux_watcher_destroy(in->prepare);
    ingest_give_up(in);
    resources_free(in->resources);
    ingest_spec_forget(in);
    submit_batch_free(&in->batch);
    flux_msglist_destroy(in->requests);
    free(in->default_queue);
    free(in);
}

static int start(struct ingest *in)
{
    const flux_conf_t *conf = flux_get_conf(in->h);
    flux_error_t err;
    int rc;

    if (conf && (rc = configure(in, conf, &err)) < 0) {
        flux_log(in->h, LOG_ERR, "configuration: %s", err.text);
        return rc;
    }
    if (!(in->requests = flux_msglist_create()) ||
        !(in->prepare =
              flux_prepare_watcher_create(flux_get_reactor(in->h), prepare_cb, in)))
        return -ENOMEM;
    flux_watcher_unref(in->prepare);
    flux_watcher_start(in->prepare);
    if ((rc = resources_new(in->h, submit_msg, in, &in->resources)) < 0)
        return rc;
    return flux_msg_handler_addvec(in->h, requests, in, &in->handlers) < 0 ? -errno : 0;
}

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct ingest *in = calloc(1, sizeof(*in));
    int rc;

    if (!in)
        return -1;
    in->h = h;
    list_init(&in->flights);
    if ((rc = start(in)) < 0) {
        flux_log(h, LOG_ERR, "job-ingest: %s", strerror(-rc));
        destroy(in);
        errno = -rc;
        return -1;
    }
    *ret_ctx = in;
    return 0;
}

static void fini(flux_t *h, void *ctx)
{
    struct ingest *in = ctx;

    ingest_flush(in);
    destroy(in);
}

const struct flux_module job_ingest_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "job-ingest",
    .init = init,
    .fini = fini,
    .flags = FLUX_MODULE_INLINE,
};
