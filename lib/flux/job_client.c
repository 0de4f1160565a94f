/* Requests to the job services: submit, wait, list, control. Payloads are those of
 * job-ingest, job-manager, job-list and job-info. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>
#include <flux/job.h>

#include "base/json.h"
#include "proto/sign.h"

static flux_future_t *fail(int err)
{
    errno = err;
    return NULL;
}

/* Requests carry the userid that FLUX_HANDLE_USERID lets tests pretend to be. */
static uint32_t own_userid(flux_t *h)
{
    uint32_t userid;

    if (flux_opt_get(h, "flux::testing_userid", &userid, sizeof(userid)) == 0
        && userid != FLUX_USERID_UNKNOWN)
        return userid;
    return getuid();
}

static int wrap(flux_t *h, const char *jobspec, int flags, struct buf *out)
{
    if (flags & FLUX_JOB_PRE_SIGNED)
        return buf_adds(out, jobspec);
    return sign_wrap_none(jobspec, strlen(jobspec), own_userid(h), out);
}

flux_future_t *flux_job_submit_once(flux_t *h, const char *jobspec, int urgency, int flags,
                                    const char *nonce)
{
    struct buf J = {0}, payload = {0};
    flux_future_t *f;
    int rc, saved;

    if (!h || !jobspec || (nonce && strlen(nonce) > 64))
        return fail(EINVAL);
    rc = wrap(h, jobspec, flags, &J);
    if (rc == 0)
        rc = json_pack_buf(&payload, "{s:s# s:i s:i s:s*}", "J", J.data, J.len, "urgency",
                           urgency, "flags", flags & ~FLUX_JOB_PRE_SIGNED, "nonce", nonce);
    buf_free(&J);
    if (rc < 0) {
        buf_free(&payload);
        return fail(-rc);
    }
    f = flux_rpc(h, "job-ingest.submit", payload.data, FLUX_NODEID_ANY, 0);
    saved = errno;
    buf_free(&payload);
    errno = saved;
    return f;
}

flux_future_t *flux_job_submit(flux_t *h, const char *jobspec, int urgency, int flags)
{
    return flux_job_submit_once(h, jobspec, urgency, flags, NULL);
}

int flux_job_submit_get_id(flux_future_t *f, flux_jobid_t *id)
{
    int64_t v;

    if (flux_rpc_get_unpack(f, "{s:I}", "id", &v) < 0)
        return -1;
    if (id)
        *id = (flux_jobid_t)v;
    return 0;
}

flux_future_t *flux_job_wait(flux_t *h, flux_jobid_t id)
{
    if (!h)
        return fail(EINVAL);
    return flux_rpc_pack(h, "job-manager.wait", FLUX_NODEID_ANY, 0, "{s:I}", "id",
                         (int64_t)id);
}

int flux_job_wait_get_status(flux_future_t *f, bool *success, const char **errstr)
{
    int ok;
    const char *text;

    if (flux_rpc_get_unpack(f, "{s:b s:s}", "success", &ok, "errstr", &text) < 0)
        return -1;
    if (success)
        *success = ok;
    if (errstr)
        *errstr = text;
    return 0;
}

int flux_job_wait_get_id(flux_future_t *f, flux_jobid_t *id)
{
    int64_t v;

    if (flux_rpc_get_unpack(f, "{s:I}", "id", &v) < 0)
        return -1;
    if (id)
        *id = (flux_jobid_t)v;
    return 0;
}

/* attrs: JSON text of an array; the tree is consumed by the pack that follows. */
static cJSON *parse_attrs(const char *attrs)
{
    cJSON *o = NULL;
    int rc;

    if (!attrs)
        attrs = "[\"all\"]";
    rc = json_parse(attrs, strlen(attrs), NULL, &o, NULL);
    if (rc < 0) {
        errno = EINVAL;
        return NULL;
    }
    if (!cJSON_IsArray(o)) {
        json_free(o);
        errno = EINVAL;
        return NULL;
    }
    return o;
}

flux_future_t *flux_job_list(flux_t *h, int max_entries, const char *attrs, uint32_t userid,
                             int states)
{
    cJSON *a, *constraint;

    if (!h || max_entries < 0)
        return fail(EINVAL);
    if (!(a = parse_attrs(attrs)))
        return NULL;
    constraint = json_pack("{s:[]}", "and");
    if (constraint && states)
        cJSON_AddItemToArray(json_get(constraint, "and"),
                             json_pack("{s:[i]}", "states", states));
    if (constraint && userid != FLUX_USERID_UNKNOWN)
        cJSON_AddItemToArray(json_get(constraint, "and"),
                             json_pack("{s:[i]}", "userid", (int)userid));
    return flux_rpc_pack(h, "job-list.list", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                         "{s:i s:o s:o}", "max_entries", max_entries, "attrs", a,
                         "constraint", constraint);
}

flux_future_t *flux_job_list_inactive(flux_t *h, int max_entries, double since,
                                      const char *attrs)
{
    cJSON *a;

    if (!h || max_entries < 0 || since < 0.)
        return fail(EINVAL);
    if (!(a = parse_attrs(attrs)))
        return NULL;
    return flux_rpc_pack(h, "job-list.list", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                         "{s:i s:f s:o s:{s:[i]}}", "max_entries", max_entries, "since",
                         since, "attrs", a, "constraint", "states", FLUX_JOB_STATE_INACTIVE);
}

flux_future_t *flux_job_list_id(flux_t *h, flux_jobid_t id, const char *attrs)
{
    cJSON *a;

    if (!h)
        return fail(EINVAL);
    if (!(a = parse_attrs(attrs)))
        return NULL;
    return flux_rpc_pack(h, "job-list.list-id", FLUX_NODEID_ANY, 0, "{s:I s:o}", "id",
                         (int64_t)id, "attrs", a);
}

flux_future_t *flux_job_raise(flux_t *h, flux_jobid_t id, const char *type, int severity,
                              const char *note)
{
    if (!h || !type)
        return fail(EINVAL);
    if (note)
        return flux_rpc_pack(h, "job-manager.raise", FLUX_NODEID_ANY, 0, "{s:I s:s s:i s:s}",
                             "id", (int64_t)id, "type", type, "severity", severity, "note",
                             note);
    return flux_rpc_pack(h, "job-manager.raise", FLUX_NODEID_ANY, 0, "{s:I s:s s:i}", "id",
                         (int64_t)id, "type", type, "severity", severity);
}

flux_future_t *flux_job_cancel(flux_t *h, flux_jobid_t id, const char *reason)
{
    return flux_job_raise(h, id, "cancel", 0, reason);
}

flux_future_t *flux_job_kill(flux_t *h, flux_jobid_t id, int signum)
{
    if (!h || signum <= 0)
        return fail(EINVAL);
    return flux_rpc_pack(h, "job-manager.kill", FLUX_NODEID_ANY, 0, "{s:I s:i}", "id",
                         (int64_t)id, "signum", signum);
}

flux_future_t *flux_job_set_urgency(flux_t *h, flux_jobid_t id, int urgency)
{
    if (!h)
        return fail(EINVAL);
    return flux_rpc_pack(h, "job-manager.urgency", FLUX_NODEID_ANY, 0, "{s:I s:i}", "id",
                         (int64_t)id, "urgency", urgency);
}

flux_future_t *flux_job_info_lookup(flux_t *h, flux_jobid_t id, const char *key)
{
    if (!h || !key)
        return fail(EINVAL);
    return flux_rpc_pack(h, "job-info.lookup", FLUX_NODEID_ANY, 0, "{s:I s:[s] s:i}", "id",
                         (int64_t)id, "keys", key, "flags", 0);
}

int flux_job_info_lookup_get(flux_future_t *f, const char *key, const char **text)
{
    return flux_rpc_get_unpack(f, "{s:s}", key, text);
}

flux_future_t *flux_job_event_watch(flux_t *h, flux_jobid_t id, const char *path, int flags)
{
    if (!h || !path)
        return fail(EINVAL);
    return flux_rpc_pack(h, "job-info.eventlog-watch", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                         "{s:I s:s s:i}", "id", (int64_t)id, "path", path, "flags", flags);
}

int flux_job_event_watch_get(flux_future_t *f, const char **event)
{
    const char *s;

    if (flux_rpc_get_unpack(f, "{s:s}", "event", &s) < 0)
        return -1;
    if (event)
        *event = s;
    return 0;
}

int flux_job_event_watch_cancel(flux_future_t *f)
{
    flux_future_t *cancel;

    if (!f) {
        errno = EINVAL;
        return -1;
    }
    cancel = flux_rpc_pack(flux_future_get_flux(f), "job-info.eventlog-watch-cancel",
                           FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE, "{s:i}", "matchtag",
                           (int)flux_rpc_get_matchtag(f));
    if (!cancel)
        return -1;
    flux_future_destroy(cancel);
    return 0;
}
