/* Any text as a submit payload: reading it never crashes. A jobspec that is accepted survives the
 * way from job-ingest to job-manager: the same job is read, and its text with the environment put
 * back is the same jobspec. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/submit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_any(const char *text, size_t size)
{
    struct slice envs, jobs, one;
    struct submit_job job;
    size_t pos = 0;
    char *s;

    if (submit_read(text, size, &envs, &jobs) < 0)
        return;
    while (slice_element(jobs, &pos, &one) > 0) {
        if (submit_read_job(one, &job) < 0)
            continue;
        s = slice_strdup(job.name);
        free(s);
        s = slice_text(job.jobspec);
        free(s);
    }
}

static void put_back(struct submit_job *job, struct slice env, const cJSON *spec)
{
    struct buf text = {0};
    cJSON *again;

    assert(submit_splice(&text, job->jobspec, "environment", env) == 0);
    assert(json_parse(text.data, text.len, NULL, &again, NULL) == 0);
    assert(json_equal(again, spec));
    json_free(again);
    buf_free(&text);
}

static void there_and_back(const struct submit_digest *d, const cJSON *spec)
{
    struct submit_batch b = {0};
    struct slice envs, jobs, one, env = SLICE_NONE;
    struct submit_job job;
    size_t len, pos = 0;
    char *text;

    assert(submit_batch_add(&b, d, 1000, 16, 0, "nonce") == 0);
    text = submit_batch_take(&b, &len);
    assert(text && submit_read(text, len, &envs, &jobs) == 0);
    assert(slice_element(jobs, &pos, &one) == 1);
    assert(submit_read_job(one, &job) == 0);
    assert(job.digested && job.userid == 1000 && slice_is(job.nonce, "nonce"));
    assert(!memcmp(&job.shape, &d->shape, sizeof(job.shape)));
    assert(slice_element(jobs, &pos, &one) == 0);
    pos = 0;
    if (job.env >= 0) {
        assert(slice_element(envs, &pos, &env) == 1);
        put_back(&job, env, spec);
    }
    free(text);
    submit_batch_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct submit_digest d = {0};
    flux_error_t err;
    cJSON *o, *spec;

    read_any((const char *)data, size);
    if (json_parse((const char *)data, size, NULL, &o, &err) < 0)
        return 0;
    spec = json_copy(o);
    if (submit_digest_make(&d, o, &err) == 0)
        there_and_back(&d, spec);
    submit_digest_free(&d);
    json_free(spec);
    json_free(o);
    return 0;
}
