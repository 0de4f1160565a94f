/* Asking the enclosing instance; see enclosing.h. This is done once, at the start, before
 * anybody is served: it may wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/attr.h>
#include <flux/future.h>
#include <flux/job.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/resource/enclosing.h"

DEFINE_CLEANUP(struct rset *, rset_free)

#define TIMEOUT 60. /* seconds for an answer */

static int lookup(flux_t *parent, flux_jobid_t id, struct rset **ret, flux_error_t *err)
{
    flux_future_t *f =
        flux_rpc_pack(parent, "job-info.lookup", FLUX_NODEID_ANY, 0, "{s:I s:[s] s:i}",
                      "id", (int64_t)id, "keys", "R", "flags", 0);
    const char *text;
    int rc;

    if (!f || flux_future_wait_for(f, TIMEOUT) < 0 ||
        flux_rpc_get_unpack(f, "{s:s}", "R", &text) < 0)
        rc = error_set(err, errno, "%s", flux_future_error_string(f));
    else
        rc = rset_parse(text, strlen(text), ret, err);
    flux_future_destroy(f);
    return rc;
}

static int ask(const char *uri, const char *jobid, struct rset **ret, flux_error_t *err)
{
    flux_error_t why = {"out of memory"};
    flux_jobid_t id;
    flux_t *parent;
    int rc;

    if (flux_job_id_parse(jobid, &id) < 0)
        return error_set(err, EINVAL, "attribute jobid: '%s' is not a job id", jobid);
    if (!(parent = flux_open_ex(uri, 0, &why)))
        return error_set(err, errno, "the enclosing instance: %s", why.text);
    if ((rc = lookup(parent, id, ret, &why)) < 0)
        error_set(err, -rc, "R of job %s in the enclosing instance: %s", jobid, why.text);
    flux_close(parent);
    return rc;
}

/* The k-th node gets rank k. */
static int count_ranks(const struct rset *rs, struct rset **ret)
{
    size_t n = rset_nnodes(rs);
    AUTOFREE unsigned *ranks = calloc(n + 1, sizeof(*ranks));

    if (!ranks)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ranks[i] = (unsigned)i;
    return rset_rerank(rs, ranks, ret);
}

int enclosing_R(flux_t *h, uint32_t size, struct rset **ret, flux_error_t *err)
{
    const char *uri = flux_attr_get(h, "parent-uri");
    const char *jobid = uri ? flux_attr_get(h, "jobid") : NULL;
    CLEANUP(rset_free_p) struct rset *theirs = NULL;
    int rc;

    *ret = NULL;
    if (!uri || !jobid)
        return 0;
    if ((rc = ask(uri, jobid, &theirs, err)) < 0)
        return rc;
    if (rset_nnodes(theirs) != size)
        return error_set(err, EINVAL,
                         "%u broker%s started on the %zu node%s of job %s: start one on "
                         "each node",
                         (unsigned)size, size == 1 ? " was" : "s were",
                         rset_nnodes(theirs), rset_nnodes(theirs) == 1 ? "" : "s", jobid);
    rset_set_nslots(theirs, 0);
    if ((rc = count_ranks(theirs, ret)) < 0)
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    return 0;
}
