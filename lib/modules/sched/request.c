/* Requests of the job manager, in the batch form and in the single form of RFC 27. Each
 * only tells the engine; what follows is decided in the pass at the end of the turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "modules/sched/sched.h"
#include "proto/jobspec.h"
#include "base/slice.h"

static void free_str(void *p)
{
    free(*(char **)p);
}

/* The payload as a slice; SLICE_NONE if it is not an object. */
static struct slice payload_of(const flux_msg_t *msg)
{
    struct slice s;
    const char *text;

    if (flux_request_decode(msg, NULL, &text) < 0 || !text ||
        slice_value(text, strlen(text), &s) < 0)
        return SLICE_NONE;
    return s;
}

static void malformed(struct sched *sc, const flux_msg_t *msg)
{
    const char *topic = "request";

    flux_msg_get_topic(msg, &topic);
    flux_log(sc->h, LOG_ERR, "malformed %s", topic);
    flux_respond_error(sc->h, msg, EPROTO, NULL);
}

/* -- alloc -- */

static void submit(struct sched *sc, const struct engine_job *job)
{
    char why[200] = "out of memory";
    int rc = engine_submit(sc->engine, job, why, sizeof(why));

    if (rc == -EEXIST)
        flux_log(sc->h, LOG_ERR, "job %ju: asked for twice", (uintmax_t)job->id);
    else if (rc < 0)
        sched_result_denied(sc, job->id, why);
}

static int read_u32(struct slice v, uint32_t *ret)
{
    int64_t i;
    int rc = slice_int(v, &i);

    if (rc < 0 || i < 0 || i > UINT32_MAX)
        return -EPROTO;
    *ret = (uint32_t)i;
    return 0;
}

/* One member of a job in the batch form. */
static int read_member(struct engine_job *job, struct slice key, struct slice val,
                       char **constraint)
{
    struct request *r = &job->req;
    double t;
    bool b;
    int rc = 0;

    if (slice_is(key, "id"))
        rc = slice_int(val, (int64_t *)&job->id);
    else if (slice_is(key, "priority"))
        rc = slice_int(val, &job->priority);
    else if (slice_is(key, "userid"))
        rc = read_u32(val, &job->userid);
    else if (slice_is(key, "t_submit") && (rc = slice_real(val, &t)) == 0)
        job->t_submit = to_usec(t);
    else if (slice_is(key, "duration") && (rc = slice_real(val, &t)) == 0)
        job->duration = t < 1e12 ? to_usec(t) : 0;
    else if (slice_is(key, "nnodes"))
        rc = read_u32(val, &r->nnodes);
    else if (slice_is(key, "nslots"))
        rc = read_u32(val, &r->nslots);
    else if (slice_is(key, "cores"))
        rc = read_u32(val, &r->cores);
    else if (slice_is(key, "gpus"))
        rc = read_u32(val, &r->gpus);
    else if (slice_is(key, "exclusive") && (rc = slice_bool(val, &b)) == 0)
        r->flags |= b ? FLUX_SCHED_EXCLUSIVE : 0;
    else if (slice_is(key, "constraint") && !slice_is(val, "null") && !*constraint)
        rc = (*constraint = slice_text(val)) ? 0 : -ENOMEM;
    return rc;
}

static int alloc_one(struct sched *sc, struct slice text)
{
    CLEANUP(free_str) char *constraint = NULL;
    struct engine_job job = {0};
    struct slice key, val;
    size_t pos = 0;
    int rc;

    while ((rc = slice_member(text, &pos, &key, &val)) > 0)
        if ((rc = read_member(&job, key, val, &constraint)) < 0)
            return rc;
    if (rc < 0 || job.id == 0)
        return -EPROTO;
    job.req.constraint = constraint;
    submit(sc, &job);
    return 0;
}

/* RFC 27: {"id","priority","userid","t_submit","jobspec"}, answered with this request. */
static int alloc_single(struct sched *sc, const flux_msg_t *msg)
{
    struct engine_job job = {0};
    struct jobspec_info info;
    flux_error_t err;
    cJSON *jobspec;
    double t_submit;
    int64_t id, userid;

    if (flux_request_unpack(msg, NULL, "{s:I s:I s:I s:f s:o}", "id", &id, "priority",
                            &job.priority, "userid", &userid, "t_submit", &t_submit,
                            "jobspec", &jobspec) < 0)
        return -EPROTO;
    job.id = (uint64_t)id;
    job.userid = (uint32_t)userid;
    job.t_submit = to_usec(t_submit);
    if (umap_set(sc->single, job.id, (void *)flux_msg_incref(msg)) < 0) {
        flux_msg_decref(msg);
        return -ENOMEM;
    }
    if (jobspec_read(jobspec, &info, &err) < 0) {
        sched_result_denied(sc, job.id, err.text);
        return 0;
    }
    AUTOFREE char *constraint = info.constraints ? json_print(info.constraints) : NULL;
    job.duration = info.duration < 1e12 ? to_usec(info.duration) : 0;
    job.req = (struct request){
        .nnodes = info.shape.nnodes,
        .nslots = info.shape.nslots,
        .cores = info.shape.cores_per_slot,
        .gpus = info.shape.gpus_per_slot,
        .flags = info.shape.exclusive ? FLUX_SCHED_EXCLUSIVE : 0,
        .constraint = constraint,
    };
    submit(sc, &job);
    return 0;
}

static void alloc_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct sched *sc = arg;
    struct slice all = payload_of(msg), jobs, one;
    size_t pos = 0;
    int rc;

    if (!all.p) {
        malformed(sc, msg);
        return;
    }
    sched_touch(sc);
    if (slice_get(all, "jobs", &jobs) < 0) {
        if (alloc_single(sc, msg) < 0)
            malformed(sc, msg);
        return;
    }
    while ((rc = slice_element(jobs, &pos, &one)) > 0)
        if (alloc_one(sc, one) < 0)
            malformed(sc, msg);
    if (rc < 0)
        malformed(sc, msg);
}

/* -- the others -- */

static void release_by_R(struct sched *sc, uint64_t id, struct slice R)
{
    struct rset *rs;

    if (rset_parse(R.p, R.len, &rs, NULL) < 0) {
        flux_log(sc->h, LOG_ERR, "job %ju: sched.free with a malformed R", (uintmax_t)id);
        return;
    }
    for (size_t i = 0; i < rset_nnodes(rs); i++) {
        int64_t node = engine_node_of(sc->engine, rset_node(rs, i)->rank);
        if (node >= 0)
            engine_release_node(sc->engine, id, (uint32_t)node);
    }
    rset_free(rs);
}

/* {"ids":[..]} or {"id","R","final"?}: R may be a part of what the job holds. */
static void free_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct sched *sc = arg;
    struct slice all = payload_of(msg), ids, v;
    size_t pos = 0;
    int64_t id;
    bool final = false;

    sched_touch(sc);
    if (all.p && slice_get(all, "ids", &ids) == 0) {
        while (slice_element(ids, &pos, &v) > 0)
            if (slice_int(v, &id) == 0)
                engine_release(sc->engine, (uint64_t)id);
        return;
    }
    if (!all.p || slice_get(all, "id", &v) < 0 || slice_int(v, &id) < 0) {
        malformed(sc, msg);
        return;
    }
    if (slice_get(all, "final", &v) == 0)
        slice_bool(v, &final);
    if (final || slice_get(all, "R", &v) < 0)
        engine_release(sc->engine, (uint64_t)id);
    else
        release_by_R(sc, (uint64_t)id, v);
}

static void cancel_one(struct sched *sc, uint64_t id)
{
    /* One that runs by now was told so already: the job manager gives it back. */
    if (engine_cancel(sc->engine, id) == 0)
        sched_result_cancelled(sc, id);
}

static void cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct sched *sc = arg;
    struct slice all = payload_of(msg), ids, v;
    size_t pos = 0;
    int64_t id;

    sched_touch(sc);
    if (all.p && slice_get(all, "ids", &ids) == 0) {
        while (slice_element(ids, &pos, &v) > 0)
            if (slice_int(v, &id) == 0)
                cancel_one(sc, (uint64_t)id);
    } else if (all.p && slice_get(all, "id", &v) == 0 && slice_int(v, &id) == 0) {
        cancel_one(sc, (uint64_t)id);
    } else {
        malformed(sc, msg);
    }
}

static void prioritize_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct sched *sc = arg;
    struct slice all = payload_of(msg), jobs, pair, v[2];
    size_t pos = 0;
    int64_t id, priority;

    if (!all.p || slice_get(all, "jobs", &jobs) < 0) {
        malformed(sc, msg);
        return;
    }
    while (slice_element(jobs, &pos, &pair) > 0) {
        size_t p = 0;
        if (slice_element(pair, &p, &v[0]) > 0 && slice_element(pair, &p, &v[1]) > 0 &&
            slice_int(v[0], &id) == 0 && slice_int(v[1], &priority) == 0)
            engine_prioritize(sc->engine, (uint64_t)id, priority);
    }
    flux_respond(h, msg, NULL);
}

static void expiration_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct sched *sc = arg;
    double t;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:I s:f}", "id", &id, "expiration", &t) < 0) {
        malformed(sc, msg);
        return;
    }
    sched_touch(sc);
    int rc = engine_set_end(sc->engine, (uint64_t)id,
                            t > 0 && t < 1e12 ? to_usec(t) : FLUX_SCHED_HORIZON);
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

const struct flux_msg_handler_spec sched_request_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "sched.alloc", alloc_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.free", free_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.cancel", cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.prioritize", prioritize_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.expiration", expiration_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.resource-status", sched_resource_status_cb,
     FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "sched.stats-get", sched_stats_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "sched.policy-get", sched_policy_get_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "sched.policy-set", sched_policy_set_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "feasibility.check", sched_feasibility_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};
