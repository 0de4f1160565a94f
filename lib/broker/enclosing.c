/* The instance around this one. FLUX_URI and FLUX_JOB_ID in the environment say that there
 * is one; FLUX_URI is that of its broker on this host, which each rank has for itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/job.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/jobid.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "broker/enclosing.h"

#define MEMO_TIMEOUT 60. /* seconds for an answer */

struct enclosing {
    struct broker *broker;
    flux_t *h;
    flux_future_t *f;
};

/* -- attributes -- */

/* What it says of itself. */
static int ask(struct broker *b, const char *uri, const char *job)
{
    flux_t *h = flux_open(uri, 0);
    const char *level = h ? flux_attr_get(h, "instance-level") : NULL;
    const char *path = h ? flux_attr_get(h, "jobid-path") : NULL;
    int rc = attrs_setf(b->attrs, "instance-level", ATTR_READONLY, "%d",
                        level ? atoi(level) + 1 : 1);

    if (rc == 0)
        rc = attrs_setf(b->attrs, "jobid-path", ATTR_READONLY, "%s/%s",
                        path && strcmp(path, "/") != 0 ? path : "", job);
    flux_close(h);
    return rc;
}

static int set_job(struct broker *b, const char *uri, const char *job, flux_jobid_t id)
{
    const char *ns = strv_getenv_set(b->environment, "FLUX_KVS_NAMESPACE");
    char plain[JOBID_SIZE];
    int rc;

    if ((rc = attrs_set(b->attrs, "parent-uri", uri, ATTR_READONLY)) < 0 ||
        (rc = attrs_set(b->attrs, "jobid", job, ATTR_READONLY)) < 0)
        return rc;
    rc = ns ? attrs_set(b->attrs, "parent-kvs-namespace", ns, ATTR_READONLY)
            : attrs_setf(b->attrs, "parent-kvs-namespace", ATTR_READONLY, "job-%ju",
                         (uintmax_t)id);
    if (rc < 0 || b->rank > 0)
        return rc;
    /* A path of plain characters can be typed everywhere. */
    jobid_encode(id, "f58plain", plain, sizeof(plain));
    return ask(b, uri, plain);
}

int enclosing_facts(struct broker *b)
{
    const char *uri = strv_getenv_set(b->environment, "FLUX_URI");
    const char *job = strv_getenv_set(b->environment, "FLUX_JOB_ID");
    flux_jobid_t id;
    int rc = 0;

    if (uri && job && !env_is_sim(b->env) && flux_job_id_parse(job, &id) == 0)
        rc = set_job(b, uri, job, id);
    else if (b->place->jobid)
        rc = attrs_set(b->attrs, "jobid", b->place->jobid, ATTR_READONLY);
    if (rc == 0)
        rc = attrs_default(b->attrs, "instance-level", "0", ATTR_READONLY);
    return rc < 0 ? rc : attrs_default(b->attrs, "jobid-path", "/", ATTR_READONLY);
}

/* -- the memo -- */

void enclosing_free(struct enclosing *e)
{
    if (!e)
        return;
    flux_future_destroy(e->f);
    flux_close(e->h);
    free(e);
}

/* Not from inside a callback of the handle that is to be closed. */
static void done(void *arg)
{
    struct broker *b = arg;

    enclosing_free(TAKE(b->enclosing));
}

static void complain(struct broker *b, const char *why)
{
    log_printf(b->log, LOG_WARNING, "the enclosing instance does not take our URI: %s",
               why);
}

static void memo_cb(flux_future_t *f, void *arg)
{
    struct enclosing *e = arg;

    if (flux_future_get(f, NULL) < 0)
        complain(e->broker, flux_future_error_string(f));
    (void)loop_post(e->broker->loop, done, e->broker);
}

static int send_memo(struct enclosing *e, const char *parent, flux_jobid_t id,
                     flux_error_t *err)
{
    struct broker *b = e->broker;
    AUTOFREE char *uri = NULL;

    if (asprintf(&uri, "ssh://%s%s", attrs_get(b->attrs, "hostname"), b->dirs.socket) < 0)
        return -ENOMEM;
    if (!(e->h = flux_open_ex(parent, 0, err)) || flux_set_reactor(e->h, b->reactor) < 0)
        return -errno;
    e->f = flux_rpc_pack(e->h, "job-manager.memo", FLUX_NODEID_ANY, 0, "{s:I s:{s:s}}",
                         "id", (int64_t)id, "memo", "uri", uri);
    if (!e->f || flux_future_then(e->f, MEMO_TIMEOUT, memo_cb, e) < 0)
        return -errno;
    return 0;
}

void enclosing_tell_uri(struct broker *b)
{
    const char *parent = attrs_get(b->attrs, "parent-uri");
    const char *job = attrs_get(b->attrs, "jobid");
    struct enclosing *e;
    flux_error_t err = {{0}};
    flux_jobid_t id;
    int rc;

    if (b->rank > 0 || !parent || !b->dirs.socket || flux_job_id_parse(job, &id) < 0 ||
        !(e = calloc(1, sizeof(*e))))
        return;
    e->broker = b;
    if ((rc = send_memo(e, parent, id, &err)) < 0) {
        complain(b, err.text[0] ? err.text : strerror(-rc));
        enclosing_free(e);
        return;
    }
    enclosing_free(b->enclosing);
    b->enclosing = e;
}
