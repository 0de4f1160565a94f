/* A job read back from its row, see record.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-manager/record.h"

DEFINE_CLEANUP(cJSON *, json_free)

static double get_time(const cJSON *o, const char *key)
{
    double t = 0;

    json_real(json_get(o, key), &t);
    return t;
}

static int64_t get_int(const cJSON *o, const char *key, int64_t dflt)
{
    int64_t i;

    return json_int64(json_get(o, key), &i) == 0 ? i : dflt;
}

static const char *get_interned(const cJSON *o, const char *key, struct intern *strings)
{
    const char *s = json_str(json_get(o, key));

    return s ? intern_add(strings, s, strlen(s)) : NULL;
}

static int get_texts(const cJSON *o, const char *key, struct texts *t)
{
    const cJSON *e;
    const cJSON *array = json_get(o, key);
    int rc;

    cJSON_ArrayForEach(e, array)
    {
        if (!json_str(e))
            return -EPROTO;
        if ((rc = texts_add(t, json_str(e))) < 0 && rc != -EEXIST)
            return rc;
    }
    return 0;
}

static char *get_text(const cJSON *o, const char *key)
{
    const cJSON *v = json_get(o, key);

    return v ? json_print(v) : NULL;
}

static int parse_shape(const cJSON *x, struct jobspec_shape *s)
{
    const cJSON *shape = json_get(x, "shape");
    int64_t n[7];

    for (int i = 0; i < 7; i++)
        if (json_int64(cJSON_GetArrayItem(shape, i), &n[i]) < 0 || n[i] < 0 ||
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

static int parse_exception(const cJSON *o, struct job *job)
{
    const char *type = json_str(json_get(o, "exception_type"));
    const char *note = json_str(json_get(o, "exception_note"));
    struct job_more *m;

    if (!type)
        return 0;
    if (!(m = job_more(job)) || !(m->exc.type = strdup(type)) ||
        (note && !(m->exc.note = strdup(note))))
        return -ENOMEM;
    m->exc.severity = (int)get_int(o, "exception_severity", 0);
    return 0;
}

static int parse_more(const cJSON *o, const cJSON *x, struct job *job)
{
    static const char *const keys[] = {"deps_gone",  "prologs", "epilogs",  "events",
                                       "constraint", "updates", "deps_spec"};
    struct job_more *m;
    bool needed = json_get(o, "dependencies") || json_get(o, "annotations");
    int rc;

    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        needed |= json_get(x, keys[i]) != NULL;
    if (!needed)
        return 0;
    if (!(m = job_more(job)))
        return -ENOMEM;
    if ((rc = get_texts(o, "dependencies", &m->deps)) < 0 ||
        (rc = get_texts(x, "deps_gone", &m->deps_gone)) < 0 ||
        (rc = get_texts(x, "prologs", &m->prologs)) < 0 ||
        (rc = get_texts(x, "epilogs", &m->epilogs)) < 0 ||
        (rc = get_texts(x, "events", &m->events)) < 0)
        return rc;
    m->constraint = get_text(x, "constraint");
    m->updates = get_text(x, "updates");
    m->deps_spec = get_text(x, "deps_spec");
    m->annotations = get_text(o, "annotations");
    return 0;
}

static void parse_public(const cJSON *o, struct intern *strings, struct job *job)
{
    job->userid = (uint32_t)get_int(o, "userid", UINT32_MAX);
    job->urgency = (uint8_t)get_int(o, "urgency", FLUX_JOB_URGENCY_DEFAULT);
    job->priority = get_int(o, "priority", -1);
    job->waitstatus = (int)get_int(o, "waitstatus", -1);
    job->result = (uint8_t)get_int(o, "result", 0);
    job->t_submit = get_time(o, "t_submit");
    job->t_depend = get_time(o, "t_depend");
    job->t_priority = get_time(o, "t_priority");
    job->t_sched = get_time(o, "t_sched");
    job->t_run = get_time(o, "t_run");
    job->t_cleanup = get_time(o, "t_cleanup");
    job->duration = get_time(o, "duration");
    job->name = get_interned(o, "name", strings);
    job->cwd = get_interned(o, "cwd", strings);
    job->queue = get_interned(o, "queue", strings);
    job->project = get_interned(o, "project", strings);
    job->bank = get_interned(o, "bank", strings);
}

static int parse(const cJSON *o, struct intern *strings, struct job *job,
                 flux_error_t *err)
{
    const cJSON *x = json_get(o, "x");
    const char *nonce = json_str(json_get(x, "nonce"));
    int64_t state = get_int(o, "state", 0);
    int rc;

    if (state < FLUX_JOB_STATE_NEW || state > FLUX_JOB_STATE_INACTIVE ||
        (state & (state - 1)))
        return error_set(err, EPROTO, "bad state");
    job->state = (uint8_t)state;
    parse_public(o, strings, job);
    if ((rc = parse_exception(o, job)) < 0)
        return rc;
    if (state == FLUX_JOB_STATE_INACTIVE)
        return 0;
    if (get_int(x, "v", 0) != 1)
        return error_set(err, EPROTO, "no data for a restart, or of another version");
    if (parse_shape(x, &job->shape) < 0)
        return error_set(err, EPROTO, "bad shape");
    job->seq = (uint32_t)get_int(x, "seq", 0);
    job->posted = (uint32_t)get_int(x, "posted", 0);
    job->flags = (uint8_t)get_int(x, "flags", 0);
    job->exec_done = get_int(x, "exec_done", 0) != 0;
    if (nonce && !(job->nonce = strdup(nonce)))
        return -ENOMEM;
    return parse_more(o, x, job);
}

int record_parse(const char *text, size_t len, struct intern *strings, struct job **ret,
                 flux_error_t *err)
{
    CLEANUP(json_free_p) cJSON *o = NULL;
    struct job *job;
    int64_t id;
    int rc;

    if ((rc = json_parse(text, len, NULL, &o, err)) < 0)
        return rc;
    if ((id = get_int(o, "id", 0)) <= 0)
        return error_set(err, EPROTO, "no id");
    if (!(job = job_new((flux_jobid_t)id)))
        return error_set(err, ENOMEM, "out of memory");
    if ((rc = parse(o, strings, job, err)) < 0) {
        job_free(job, strings);
        return rc;
    }
    job->restarted = true;
    *ret = job;
    return 0;
}
