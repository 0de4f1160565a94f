/* Annotations of a job, see annotate.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-manager/annotate.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"

DEFINE_CLEANUP(cJSON *, json_free)

static int merge(cJSON *to, const cJSON *from)
{
    const cJSON *f;
    cJSON *t, *copy;
    int rc;

    cJSON_ArrayForEach(f, from)
    {
        t = json_get(to, f->string);
        if (cJSON_IsObject(f) && cJSON_IsObject(t)) {
            if ((rc = merge(t, f)) < 0)
                return rc;
            if (!t->child)
                cJSON_DeleteItemFromObjectCaseSensitive(to, f->string);
            continue;
        }
        if (t)
            cJSON_DeleteItemFromObjectCaseSensitive(to, f->string);
        if (cJSON_IsNull(f))
            continue;
        if (!(copy = json_copy(f)) || !cJSON_AddItemToObject(to, f->string, copy)) {
            json_free(copy);
            return -ENOMEM;
        }
    }
    return 0;
}

int annotate_merge(struct job *job, struct slice annotations)
{
    CLEANUP(json_free_p) cJSON *old = NULL;
    CLEANUP(json_free_p) cJSON *add = NULL;
    struct job_more *m;
    char *text;
    int rc;

    if (!annotations.p || slice_is(annotations, "null"))
        return 0;
    if (!(m = job_more(job)))
        return -ENOMEM;
    /* The usual case: the first ones, from the scheduler's own printer. */
    if (!m->annotations && *annotations.p == '{' &&
        !memchr(annotations.p, '\n', annotations.len) &&
        !memmem(annotations.p, annotations.len, "null", 4))
        return (m->annotations = slice_text(annotations)) ? 0 : -ENOMEM;
    if ((rc = json_parse(annotations.p, annotations.len, NULL, &add, NULL)) < 0)
        return rc;
    if (m->annotations)
        rc = json_parse(m->annotations, strlen(m->annotations), NULL, &old, NULL);
    else
        rc = (old = cJSON_CreateObject()) ? 0 : -ENOMEM;
    if (rc < 0 || !cJSON_IsObject(add) || (rc = merge(old, add)) < 0)
        return rc < 0 ? rc : -EPROTO;
    if (!old->child) {
        free(TAKE(m->annotations));
        return 0;
    }
    if (!(text = json_print(old)))
        return -ENOMEM;
    free(m->annotations);
    m->annotations = text;
    return 0;
}

static int merge_memo(struct job *job, const cJSON *memo)
{
    struct buf b = {0};
    int rc;

    buf_adds(&b, "{\"user\":");
    if ((rc = json_print_buf(memo, &b)) == 0) {
        buf_addc(&b, '}');
        rc = b.failed ? -ENOMEM : annotate_merge(job, (struct slice){b.data, b.len});
    }
    buf_free(&b);
    return rc;
}

void memo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    AUTOFREE char *text = NULL;
    struct job *job;
    int64_t id;
    int is_volatile = 0, rc;
    cJSON *memo;

    if (flux_request_unpack(msg, NULL, "{s:I s?b s:o}", "id", &id, "volatile",
                            &is_volatile, "memo", &memo) < 0 ||
        !cJSON_IsObject(memo)) {
        manager_respond_error(jm, msg, EPROTO, "malformed memo request");
        return;
    }
    if (!(job = manager_job(jm, (flux_jobid_t)id))) {
        manager_respond_unknown(jm, msg, (flux_jobid_t)id);
        return;
    }
    if (manager_authorize(jm, msg, job->userid,
                          "guests can only add a memo to their own jobs") < 0)
        return;
    if (job->state == FLUX_JOB_STATE_INACTIVE) {
        manager_respond_error(jm, msg, ENOENT, "job is inactive");
        return;
    }
    if ((rc = merge_memo(job, memo)) == 0 && !is_volatile) {
        if (!(text = json_print(memo)))
            rc = -ENOMEM;
        else
            rc = event_post_text(jm, job, "memo", slice_of(text));
    }
    if (rc < 0)
        manager_respond_error(jm, msg, -rc, "memo: %s", strerror(-rc));
    else
        batch_respond(jm->batches, msg, NULL);
}
