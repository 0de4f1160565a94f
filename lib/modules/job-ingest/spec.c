/* From a signed request to a checked jobspec. Bursts of jobs come with the same request:
 * the last few are remembered by their bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-ingest/ingest.h"
#include "proto/sign.h"

static const struct json_limits jobspec_limits = {
    .bytes = INGEST_JOBSPEC_MAX,
    .depth = 32,
    .nodes = 100000,
};

static void spec_clear(struct ingest_spec *s)
{
    free(s->J);
    submit_digest_free(&s->digest);
    *s = (struct ingest_spec){0};
}

void ingest_spec_forget(struct ingest *in)
{
    for (unsigned i = 0; i < INGEST_RECENT; i++)
        spec_clear(&in->recent[i]);
}

static struct ingest_spec *find(struct ingest *in, struct slice J)
{
    for (unsigned i = 0; i < INGEST_RECENT; i++) {
        struct ingest_spec *s = &in->recent[i];

        if (s->J && s->J_len == J.len && memcmp(s->J, J.p, J.len) == 0)
            return s;
    }
    return NULL;
}

/* What the configuration sets for jobs that do not say. */
static int add_defaults(struct ingest *in, cJSON *jobspec)
{
    cJSON *system = json_get_path(jobspec, "attributes.system");
    double duration = 0;
    int rc = 0;

    if (!cJSON_IsObject(system))
        return 0;
    json_real(json_get(system, "duration"), &duration);
    if (in->default_duration > 0 && duration == 0)
        rc = json_set_path(system, "duration", json_new_real(in->default_duration));
    if (rc == 0 && in->default_queue && !json_get(system, "queue"))
        rc = json_set_path(system, "queue", json_new_str(in->default_queue));
    return rc;
}

static int digest(struct ingest *in, const char *text, size_t len,
                  struct submit_digest *ret, flux_error_t *err)
{
    flux_error_t why;
    cJSON *jobspec;
    int rc;

    if ((rc = json_parse(text, len, &jobspec_limits, &jobspec, &why)) < 0)
        return error_set(err, rc == -EPROTO ? EINVAL : -rc, "jobspec: %s", why.text);
    if ((rc = add_defaults(in, jobspec)) < 0)
        error_set(err, -rc, "%s", strerror(-rc));
    else
        rc = submit_digest_make(ret, jobspec, err);
    json_free(jobspec);
    return rc;
}

static int read_request(struct ingest *in, struct slice J, uint32_t userid,
                        struct ingest_spec *s, flux_error_t *err)
{
    AUTOFREE char *text = NULL;
    size_t len;
    int rc;

    if (J.len > INGEST_JOBSPEC_MAX / 3 * 4 + 1024)
        return error_set(err, EFBIG, "jobspec is larger than %u bytes",
                         INGEST_JOBSPEC_MAX);
    if ((rc = sign_unwrap(J.p, J.len, &text, &len, &s->userid, err)) < 0)
        return rc;
    if (s->userid != userid)
        return error_set(err, EPERM, "signer=%u != requestor=%u", s->userid, userid);
    if ((rc = digest(in, text, len, &s->digest, err)) < 0)
        return rc;
    if (!(s->J = strndup(J.p, J.len)))
        return error_set(err, ENOMEM, "out of memory");
    s->J_len = J.len;
    return 0;
}

int ingest_spec_get(struct ingest *in, struct slice J, uint32_t userid,
                    struct ingest_spec **ret, flux_error_t *err)
{
    struct ingest_spec *s = find(in, J);
    int rc;

    if (s && s->userid != userid)
        return error_set(err, EPERM, "signer=%u != requestor=%u", s->userid, userid);
    if (!s) {
        s = &in->recent[in->next_recent];
        in->next_recent = (in->next_recent + 1) % INGEST_RECENT;
        /* Its environment may be the last one in the batch. */
        if (in->batch.last == &s->digest)
            in->batch.last = NULL;
        spec_clear(s);
        if ((rc = read_request(in, J, userid, s, err)) < 0) {
            spec_clear(s);
            return rc;
        }
    }
    *ret = s;
    return 0;
}
