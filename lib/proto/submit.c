/* The payload of job-manager.submit, see submit.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "proto/submit.h"

static void text_member(struct buf *b, const char *key, const char *s)
{
    if (!s)
        return;
    buf_addf(b, "\"%s\":", key);
    json_buf_str(b, s, strlen(s));
    buf_addc(b, ',');
}

static void value_member(struct buf *b, const char *key, const cJSON *o)
{
    if (!o)
        return;
    buf_addf(b, "\"%s\":", key);
    if (json_print_buf(o, b) < 0)
        b->failed = true;
    buf_addc(b, ',');
}

/* Move a member of an object (made if missing) to the object's end. */
static cJSON *move_last(cJSON *o, const char *key)
{
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(o, key);

    if (!item && !(item = cJSON_CreateObject()))
        return NULL;
    if (!cJSON_AddItemToObject(o, key, item)) {
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

int submit_digest_make(struct submit_digest *d, cJSON *jobspec, flux_error_t *err)
{
    struct jobspec_info info;
    const struct jobspec_shape *s = &info.shape;
    cJSON *attributes, *system, *env;
    struct buf *b = &d->text;
    char name[256];
    int rc;

    if ((rc = jobspec_read(jobspec, &info, err)) < 0)
        return rc;
    *d = (struct submit_digest){.shape = *s};
    buf_addf(b, "\"shape\":[%u,%u,%u,%u,%u,%d,%u],\"duration\":", s->nnodes, s->nslots,
             s->slots_per_node, s->cores_per_slot, s->gpus_per_slot, s->exclusive,
             s->ntasks);
    json_buf_real(b, info.duration);
    buf_addc(b, ',');
    if (!info.name && jobspec_default_name(jobspec, name, sizeof(name)) >= 0)
        info.name = name;
    text_member(b, "name", info.name);
    text_member(b, "cwd", info.cwd);
    text_member(b, "queue", info.queue);
    text_member(b, "project", info.project);
    text_member(b, "bank", info.bank);
    value_member(b, "deps", info.dependencies);
    value_member(b, "constraint", info.constraints);

    if (!(attributes = move_last(jobspec, "attributes")) ||
        !(system = move_last(attributes, "system")))
        b->failed = true;
    else if ((env = cJSON_DetachItemFromObjectCaseSensitive(system, "environment"))) {
        if (json_print_buf(env, &d->env) < 0)
            b->failed = true;
        cJSON_Delete(env);
    }
    buf_adds(b, "\"jobspec\":");
    if (json_print_buf(jobspec, b) < 0 || b->failed || d->env.failed) {
        submit_digest_free(d);
        return error_set(err, ENOMEM, "out of memory");
    }
    return 0;
}

void submit_digest_free(struct submit_digest *d)
{
    buf_free(&d->text);
    buf_free(&d->env);
}

/* The index of the environment in the batch, packed unless it was the last one. */
static int batch_env(struct submit_batch *b, const struct submit_digest *d)
{
    if (d->env.len == 0)
        return -1;
    if (b->last != d) {
        buf_addc(&b->envs, b->nenvs++ ? ',' : '[');
        buf_add(&b->envs, d->env.data, d->env.len);
        b->last = d;
    }
    return (int)b->nenvs - 1;
}

int submit_batch_add(struct submit_batch *b, const struct submit_digest *d,
                     uint32_t userid, int urgency, int flags, const char *nonce)
{
    int env = batch_env(b, d);
    struct buf *out = &b->jobs;

    buf_addc(out, b->njobs++ ? ',' : '[');
    buf_adds(out, "{\"userid\":");
    json_buf_int(out, userid);
    buf_adds(out, ",\"urgency\":");
    json_buf_int(out, urgency);
    buf_adds(out, ",\"flags\":");
    json_buf_int(out, flags);
    buf_addc(out, ',');
    text_member(out, "nonce", nonce);
    if (env >= 0) {
        buf_adds(out, "\"env\":");
        json_buf_int(out, env);
        buf_addc(out, ',');
    }
    buf_add(out, d->text.data, d->text.len);
    buf_addc(out, '}');
    return out->failed || b->envs.failed ? -ENOMEM : 0;
}

char *submit_batch_take(struct submit_batch *b, size_t *len)
{
    struct buf out = {0};

    buf_reserve(&out, b->envs.len + b->jobs.len + 32);
    buf_adds(&out, "{\"envs\":");
    if (b->nenvs)
        buf_add(&out, b->envs.data, b->envs.len);
    else
        buf_addc(&out, '[');
    buf_adds(&out, "],\"jobs\":");
    if (b->njobs)
        buf_add(&out, b->jobs.data, b->jobs.len);
    else
        buf_addc(&out, '[');
    buf_adds(&out, "]}");
    if (b->envs.failed || b->jobs.failed)
        out.failed = true;
    submit_batch_free(b);
    return buf_take(&out, len);
}

void submit_batch_free(struct submit_batch *b)
{
    buf_free(&b->envs);
    buf_free(&b->jobs);
    *b = (struct submit_batch){0};
}

int submit_read(const char *payload, size_t len, struct slice *envs, struct slice *jobs)
{
    struct slice all, key, val;
    size_t pos = 0;
    int rc;

    *envs = slice_of("[]");
    *jobs = SLICE_NONE;
    if ((rc = slice_value(payload, len, &all)) < 0)
        return rc;
    while ((rc = slice_member(all, &pos, &key, &val)) > 0) {
        if (slice_is(key, "envs"))
            *envs = val;
        else if (slice_is(key, "jobs"))
            *jobs = val;
    }
    return rc < 0 || !jobs->p ? -EPROTO : 0;
}

static int read_shape(struct slice v, struct jobspec_shape *s)
{
    int64_t n[7];
    struct slice e;
    size_t pos = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(n); i++)
        if (slice_element(v, &pos, &e) <= 0 || slice_int(e, &n[i]) < 0 || n[i] < 0 ||
            n[i] > UINT32_MAX)
            return -EPROTO;
    *s = (struct jobspec_shape){
        .nnodes = (unsigned)n[0],
        .nslots = (unsigned)n[1],
        .slots_per_node = (unsigned)n[2],
        .cores_per_slot = (unsigned)n[3],
        .gpus_per_slot = (unsigned)n[4],
        .exclusive = n[5] != 0,
        .ntasks = (unsigned)n[6],
    };
    return 0;
}

/* Numbers and the like; 1: not one of these keys. */
static int read_scalar(struct slice key, struct slice val, struct submit_job *job)
{
    int64_t i;
    int rc;

    if (slice_is(key, "userid")) {
        if ((rc = slice_int(val, &i)) == 0)
            job->userid = (uint32_t)i;
    } else if (slice_is(key, "urgency")) {
        if ((rc = slice_int(val, &i)) == 0)
            job->urgency = (int)i;
    } else if (slice_is(key, "flags")) {
        if ((rc = slice_int(val, &i)) == 0)
            job->flags = (int)i;
    } else if (slice_is(key, "env")) {
        if ((rc = slice_int(val, &i)) == 0)
            job->env = (int)i;
    } else if (slice_is(key, "nonce")) {
        rc = slice_str(val, &job->nonce) < 0 ? -EPROTO : 0;
    } else if (slice_is(key, "shape")) {
        rc = read_shape(val, &job->shape);
        job->digested = true;
    } else if (slice_is(key, "duration")) {
        rc = slice_real(val, &job->duration);
    } else {
        rc = 1;
    }
    return rc;
}

int submit_read_job(struct slice text, struct submit_job *job)
{
    const struct {
        const char *key;
        struct slice *val;
    } values[] = {
        {"name", &job->name},       {"cwd", &job->cwd},
        {"queue", &job->queue},     {"project", &job->project},
        {"bank", &job->bank},       {"deps", &job->deps},
        {"jobspec", &job->jobspec}, {"constraint", &job->constraint},
    };
    struct slice key, val;
    size_t pos = 0;
    int rc;

    *job = (struct submit_job){.env = -1, .urgency = 16, .userid = UINT32_MAX};
    while ((rc = slice_member(text, &pos, &key, &val)) > 0) {
        if ((rc = read_scalar(key, val, job)) < 0)
            return rc;
        for (unsigned i = 0; rc > 0 && i < ARRAY_SIZE(values); i++)
            if (slice_is(key, values[i].key)) {
                *values[i].val = val;
                break;
            }
    }
    return rc < 0 || !job->jobspec.p || *job->jobspec.p != '{' ? -EPROTO : 0;
}

int submit_splice(struct buf *out, struct slice jobspec, const char *key,
                  struct slice value)
{
    if (jobspec.len < 4 || memcmp(jobspec.p + jobspec.len - 3, "}}}", 3) != 0)
        return -EPROTO;
    buf_add(out, jobspec.p, jobspec.len - 3);
    if (jobspec.p[jobspec.len - 4] != '{')
        buf_addc(out, ',');
    buf_addf(out, "\"%s\":", key);
    buf_add(out, value.p, value.len);
    return buf_adds(out, "}}}");
}
