/* The payload of job-manager.submit, packed by job-ingest and read by job-manager:
 *
 *   {"envs":[{..}..],
 *    "jobs":[{"userid":i,"urgency":i,"flags":i,"nonce":s?,"env":i?, DIGEST}..]}
 *
 * DIGEST is what the services need to know of a jobspec, and the jobspec itself
 * without its environment (which is the element `env` of "envs", so that jobs which
 * share it send it once):
 *
 *   "shape":[nnodes,nslots,slots_per_node,cores,gpus,exclusive,ntasks],"duration":f,
 *   "name":s,"cwd":s?,"queue":s?,"project":s?,"bank":s?,"deps":[..]?,
 *   "constraint":{..}?,"jobspec":{..}
 *
 * A job may also come as a plain jobspec, environment inside and no other key of the
 * digest. The jobspec of a digest ends with its attributes, and they with "system", so
 * that a part can be put back by cutting the text (submit_splice).
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_SUBMIT_H
#define FLUX_PROTO_SUBMIT_H

#include "base/json.h"
#include "proto/jobspec.h"
#include "base/slice.h"

/* A jobspec, digested. {0} is an empty one. */
struct submit_digest {
    struct buf text; /* DIGEST */
    struct buf env;  /* the environment, "" if none */
    struct jobspec_shape shape;
};
/* Check the jobspec (jobspec_read) and digest it; its members are moved about and the
 * environment taken out. -EINVAL with err, -ENOMEM. */
int submit_digest_make(struct submit_digest *d, cJSON *jobspec, flux_error_t *err);
void submit_digest_free(struct submit_digest *d);

/* A payload in the making. {0} is an empty one. */
struct submit_batch {
    struct buf envs, jobs;
    unsigned nenvs, njobs;
    const struct submit_digest *last; /* whose environment is the last one packed */
};
int submit_batch_add(struct submit_batch *b, const struct submit_digest *d,
                     uint32_t userid, int urgency, int flags, const char *nonce);
/* The payload, yours to free(); the batch is empty afterwards. */
char *submit_batch_take(struct submit_batch *b, size_t *len);
void submit_batch_free(struct submit_batch *b);

/* One job as read; slices are borrowed from the payload. */
struct submit_job {
    uint32_t userid;
    int urgency, flags;
    struct slice nonce; /* without quotes */
    int env;            /* index, or -1 */
    bool digested;      /* what follows is set, but for jobspec */
    struct jobspec_shape shape;
    double duration;
    struct slice name, cwd, queue, project, bank; /* JSON strings */
    struct slice deps, constraint;                /* JSON values */
    struct slice jobspec;
};
/* The arrays of a payload. envs is "[]" when absent. */
int submit_read(const char *payload, size_t len, struct slice *envs, struct slice *jobs);
/* An element of "jobs", or the members of a digest in braces. */
int submit_read_job(struct slice job, struct submit_job *ret);

/* Append a digest's jobspec with "key":value put into attributes.system. */
int submit_splice(struct buf *out, struct slice jobspec, const char *key,
                  struct slice value);

#endif
