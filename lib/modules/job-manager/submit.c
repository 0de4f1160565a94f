/* New jobs, see submit.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/nonce.h"
#include "modules/job-manager/queue.h"
#include "modules/job-manager/restart.h"
#include "modules/job-manager/submit.h"
#include "proto/submit.h"

/* One submission message. */
struct submission {
    struct slice *envs;
    size_t nenvs;
    struct submit_digest digest; /* of the present job, if it came undigested */
    const struct job *last;      /* that is named and not on disk yet */
};

/* A job that came as a plain jobspec: digest it here. */
static int digest_plain(struct submission *s, struct submit_job *sj, flux_error_t *err)
{
    struct submit_job digested;
    struct buf *text = &s->digest.text;
    cJSON *jobspec;
    int rc;

    submit_digest_free(&s->digest);
    if ((rc = json_parse(sj->jobspec.p, sj->jobspec.len, NULL, &jobspec, err)) < 0)
        return rc == -EPROTO ? -EINVAL : rc;
    rc = submit_digest_make(&s->digest, jobspec, err);
    json_free(jobspec);
    if (rc < 0)
        return rc;
    /* Members need braces to be read again. */
    if (buf_reserve(text, 3) < 0)
        return error_set(err, ENOMEM, "out of memory");
    memmove(text->data + 1, text->data, text->len);
    text->data[0] = '{';
    text->len++;
    buf_addc(text, '}');
    if (submit_read_job((struct slice){text->data, text->len}, &digested) < 0)
        return error_set(err, EINVAL, "jobspec cannot be digested");
    digested.userid = sj->userid;
    digested.urgency = sj->urgency;
    digested.flags = sj->flags;
    digested.nonce = sj->nonce;
    *sj = digested;
    return 0;
}

static struct slice job_env(const struct submission *s, const struct submit_job *sj)
{
    if (s->digest.env.len > 0)
        return (struct slice){s->digest.env.data, s->digest.env.len};
    if (sj->env >= 0 && (size_t)sj->env < s->nenvs)
        return s->envs[sj->env];
    return SLICE_NONE;
}

static int set_texts(struct job *job, const struct submit_job *sj)
{
    struct job_more *m;

    if (!sj->deps.p && !sj->constraint.p)
        return 0;
    if (!(m = job_more(job)))
        return -ENOMEM;
    if (sj->deps.p && !slice_is(sj->deps, "[]") && !(m->deps_spec = slice_text(sj->deps)))
        return -ENOMEM;
    if (sj->constraint.p && !(m->constraint = slice_text(sj->constraint)))
        return -ENOMEM;
    return 0;
}

static int fill_job(struct job_manager *jm, struct job *job, const struct submit_job *sj)
{
    struct intern *in = jm->strings;
    int rc;

    job->userid = sj->userid;
    job->urgency = (uint8_t)sj->urgency;
    job->shape = sj->shape;
    job->duration = sj->duration;
    job->fresh = true;
    if (sj->nonce.p && !(job->nonce = slice_text(sj->nonce)))
        return -ENOMEM;
    if ((rc = job_set_string(&job->name, in, sj->name)) < 0 ||
        (rc = job_set_string(&job->cwd, in, sj->cwd)) < 0 ||
        (rc = job_set_string(&job->queue, in, sj->queue)) < 0 ||
        (rc = job_set_string(&job->project, in, sj->project)) < 0 ||
        (rc = job_set_string(&job->bank, in, sj->bank)) < 0)
        return rc;
    return set_texts(job, sj);
}

static int check(struct job_manager *jm, const struct submit_job *sj, flux_error_t *err)
{
    if (sj->urgency < FLUX_JOB_URGENCY_MIN || sj->urgency > FLUX_JOB_URGENCY_MAX)
        return error_set(err, EINVAL, "urgency value is out of range");
    if (sj->flags & ~(FLUX_JOB_DEBUG | FLUX_JOB_WAITABLE | FLUX_JOB_NOVALIDATE))
        return error_set(err, EINVAL, "unknown submit flags");
    if (sj->nonce.p && (sj->nonce.len == 0 || sj->nonce.len > NONCE_MAX))
        return error_set(err, EINVAL, "nonce must be 1 to %d characters", NONCE_MAX);
    return 0;
}

/* Are new jobs taken at all? */
static int check_open(struct job_manager *jm, flux_error_t *err)
{
    const char *why = queue_disabled(jm->queue);
    int errnum;

    if (why)
        return error_set(err, EINVAL, "job submission is disabled: %s", why);
    if ((why = batches_refusal(jm->batches, &errnum)))
        return error_set(err, errnum, "%s", why);
    return 0;
}

/* Its first events; plug-ins may refuse. */
static int introduce(struct job_manager *jm, struct job *job, flux_error_t *err)
{
    int rc;

    if ((rc = event_post(jm, job, EVENT_SUBMIT, "{s:I s:i s:i s:i}", "userid",
                         (int64_t)job->userid, "urgency", (int)job->urgency, "flags",
                         (int)job->flags, "version", 1)) < 0)
        return error_set(err, -rc, "%s", strerror(-rc));
    if (jobtap_call(jm->jobtap, job, JOBTAP_CREATE) < 0)
        return error_set(err, EINVAL, "refused by a plug-in");
    if ((rc = jobtap_validate(jm->jobtap, job, err)) < 0)
        return rc;
    if ((rc = event_post(jm, job, EVENT_VALIDATE, NULL)) < 0)
        return error_set(err, -rc, "%s", strerror(-rc));
    jobtap_call(jm->jobtap, job, JOBTAP_NEW);
    if (job->more && job->more->deps_spec)
        return jobtap_dependencies(jm->jobtap, job, job->more->deps_spec, err);
    return 0;
}

/* Make the job. */
static int accept_job(struct job_manager *jm, const struct submission *s,
                      const struct submit_job *sj, struct job *job, flux_error_t *err)
{
    struct change *c;
    int rc;

    if ((rc = fill_job(jm, job, sj)) < 0 || (rc = nonces_add(jm->nonces, job)) < 0)
        return error_set(err, -rc, "%s", strerror(-rc));
    if (!(c = batch_change(jm->batches, job)))
        return error_set(err, ENOMEM, "out of memory");
    if ((rc = spec_new(jm->specs, sj->jobspec, job_env(s, sj), &c->spec)) < 0)
        return error_set(err, -rc, "%s", strerror(-rc));
    return introduce(jm, job, err);
}

/* A new job's id; -errno, err says why. */
static int64_t submit_one(struct job_manager *jm, struct submission *s, struct slice text,
                          flux_error_t *err)
{
    struct submit_job sj;
    struct job *job;
    flux_jobid_t id;
    int rc;

    submit_digest_free(&s->digest);
    if (submit_read_job(text, &sj) < 0)
        return error_set(err, EPROTO, "malformed element of a submit request");
    if ((rc = check(jm, &sj, err)) < 0)
        return rc;
    if (sj.nonce.p && (id = nonces_find(jm->nonces, sj.userid, sj.nonce))) {
        if ((job = manager_job(jm, id)) && job->fresh && (!s->last || s->last->id < id))
            s->last = job;
        return (int64_t)id;
    }
    if ((rc = check_open(jm, err)) < 0)
        return rc;
    if (!sj.digested && (rc = digest_plain(s, &sj, err)) < 0)
        return rc;
    if ((rc = queue_check(jm->queue, sj.queue, err)) < 0)
        return rc;
    if (!(job = job_new(++jm->max_id)))
        return error_set(err, ENOMEM, "out of memory");
    job->flags = (uint8_t)sj.flags;
    if (manager_add_job(jm, job) < 0) {
        job_free(job, jm->strings);
        return error_set(err, ENOMEM, "out of memory");
    }
    if ((rc = accept_job(jm, s, &sj, job, err)) < 0) {
        batch_forget(jm->batches, job);
        nonces_forget(jm->nonces, job);
        manager_remove_job(jm, job);
        return rc;
    }
    s->last = job;
    return (int64_t)job->id;
}

static int read_envs(struct slice envs, struct submission *s)
{
    struct slice one, *bigger;
    size_t pos = 0;
    int rc;

    while ((rc = slice_element(envs, &pos, &one)) > 0) {
        if (!(bigger = realloc(s->envs, (s->nenvs + 1) * sizeof(*bigger))))
            return -ENOMEM;
        s->envs = bigger;
        s->envs[s->nenvs++] = one;
    }
    return rc;
}

/* An element of "ids": an id, or, when it is not above 0, -errnum and why. */
static void print_result(struct buf *out, int64_t id, const char *why)
{
    if (id > 0) {
        json_buf_int(out, id);
        return;
    }
    buf_addf(out, "{\"errnum\":%d,\"errstr\":", (int)-id);
    json_buf_str(out, why, strlen(why));
    buf_addc(out, '}');
}

static int submit_all(struct job_manager *jm, struct slice envs, struct slice jobs,
                      struct buf *out, const struct job **last)
{
    struct submission s = {0};
    struct slice one;
    flux_error_t err;
    uint64_t max_id = jm->max_id;
    char text[24];
    size_t pos = 0;
    int64_t id;
    int rc;

    if ((rc = read_envs(envs, &s)) == 0) {
        while ((rc = slice_element(jobs, &pos, &one)) > 0) {
            buf_adds(out, out->len ? "," : "{\"ids\":[");
            id = submit_one(jm, &s, one, &err);
            print_result(out, id, err.text);
        }
    }
    if (out->len == 0)
        buf_adds(out, "{\"ids\":[");
    buf_adds(out, "]}");
    if (max_id != jm->max_id) {
        snprintf(text, sizeof(text), "%ju", (uintmax_t)jm->max_id);
        batch_meta(jm->batches, "job-manager.max-id", text);
    }
    *last = s.last;
    submit_digest_free(&s.digest);
    free(s.envs);
    return rc < 0 ? rc : out->failed ? -ENOMEM : 0;
}

void submit_refuse(struct job_manager *jm, const char *answer, int errnum,
                   const char *why, struct buf *out)
{
    struct slice all, ids, one;
    const char *sep = "{\"ids\":[";
    struct job *job;
    size_t pos = 0;
    int64_t id;

    if (slice_value(answer, strlen(answer), &all) < 0 || slice_get(all, "ids", &ids) < 0)
        return;
    while (slice_element(ids, &pos, &one) > 0) {
        buf_adds(out, sep);
        sep = ",";
        job = slice_int(one, &id) == 0 ? manager_job(jm, (flux_jobid_t)id) : NULL;
        if (job && job->fresh)
            print_result(out, -errnum, why);
        else
            buf_add(out, one.p, one.len);
    }
    buf_adds(out, "]}");
}

static void submit_msg(struct job_manager *jm, const flux_msg_t *msg)
{
    struct slice envs, jobs;
    struct buf out = {0};
    const struct job *last;
    const char *payload;
    int rc;

    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        submit_read(payload, strlen(payload), &envs, &jobs) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed submit request");
        return;
    }
    rc = submit_all(jm, envs, jobs, &out, &last);
#ifdef MUTANT_EARLY_ACK /* for test/sim/many: acknowledged before it is on disk */
    if (rc == 0) {
        (void)flux_respond(jm->h, msg, out.data);
        buf_free(&out);
        return;
    }
#endif
    if (rc < 0)
        manager_respond_error(jm, msg, -rc, "submit: %s", strerror(-rc));
    else if (batch_respond_jobs(jm->batches, msg, buf_take(&out, NULL), last) < 0)
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
    buf_free(&out);
}

static bool in_doubt(struct job_manager *jm, const flux_msg_t *msg)
{
    struct slice envs, jobs, one;
    struct submit_job sj;
    const char *payload;
    size_t pos = 0;

    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        !strstr(payload, "\"nonce\"") ||
        submit_read(payload, strlen(payload), &envs, &jobs) < 0)
        return false;
    while (slice_element(jobs, &pos, &one) > 0)
        if (submit_read_job(one, &sj) == 0 && sj.nonce.p && sj.nonce.len <= NONCE_MAX &&
            nonces_in_doubt(jm->nonces, sj.userid, sj.nonce))
            return true;
    return false;
}

void submit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;

    if (!restart_ready(jm->restart, msg, submit_cb))
        return;
    if (in_doubt(jm, msg) && nonces_resolve(jm->nonces, msg, submit_msg) == 0)
        return;
    submit_msg(jm, msg);
}
