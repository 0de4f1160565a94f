/* A job as a JSON object, written; see record.h. Reading is in record_parse.c. */
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/record.h"

enum attr {
    ATTR_ID,
    ATTR_USERID,
    ATTR_URGENCY,
    ATTR_PRIORITY,
    ATTR_T_SUBMIT,
    ATTR_T_DEPEND,
    ATTR_T_PRIORITY,
    ATTR_T_SCHED,
    ATTR_T_RUN,
    ATTR_T_CLEANUP,
    ATTR_T_INACTIVE,
    ATTR_STATE,
    ATTR_NAME,
    ATTR_CWD,
    ATTR_QUEUE,
    ATTR_PROJECT,
    ATTR_BANK,
    ATTR_NTASKS,
    ATTR_NCORES,
    ATTR_NNODES,
    ATTR_RANKS,
    ATTR_NODELIST,
    ATTR_DURATION,
    ATTR_EXPIRATION,
    ATTR_SUCCESS,
    ATTR_RESULT,
    ATTR_WAITSTATUS,
    ATTR_EXCEPTION_OCCURRED,
    ATTR_EXCEPTION_SEVERITY,
    ATTR_EXCEPTION_TYPE,
    ATTR_EXCEPTION_NOTE,
    ATTR_ANNOTATIONS,
    ATTR_DEPENDENCIES,
    ATTR_COUNT,
};

static const char *const attr_names[] = {
    "id",
    "userid",
    "urgency",
    "priority",
    "t_submit",
    "t_depend",
    "t_priority",
    "t_sched",
    "t_run",
    "t_cleanup",
    "t_inactive",
    "state",
    "name",
    "cwd",
    "queue",
    "project",
    "bank",
    "ntasks",
    "ncores",
    "nnodes",
    "ranks",
    "nodelist",
    "duration",
    "expiration",
    "success",
    "result",
    "waitstatus",
    "exception_occurred",
    "exception_severity",
    "exception_type",
    "exception_note",
    "annotations",
    "dependencies",
};
_Static_assert(ARRAY_SIZE(attr_names) == ATTR_COUNT, "a name for each attribute");

uint64_t record_mask(const cJSON *attrs)
{
    uint64_t mask = 1u << ATTR_ID;
    const cJSON *a;

    if (!attrs)
        return RECORD_ALL;
    cJSON_ArrayForEach(a, attrs)
    {
        const char *name = json_str(a);

        if (!name)
            continue;
        if (strcmp(name, "all") == 0)
            return RECORD_ALL;
        for (unsigned i = 0; i < ATTR_COUNT; i++)
            if (strcmp(attr_names[i], name) == 0)
                mask |= UINT64_C(1) << i;
    }
    return mask;
}

static void put_key(struct buf *out, enum attr a)
{
    if (out->data[out->len - 1] != '{')
        buf_addc(out, ',');
    buf_addc(out, '"');
    buf_adds(out, attr_names[a]);
    buf_add(out, "\":", 2);
}

static void put_int(struct buf *out, enum attr a, int64_t i)
{
    put_key(out, a);
    json_buf_int(out, i);
}

/* A time that has not come yet is left out. */
static void put_time(struct buf *out, enum attr a, double t)
{
    if (t > 0) {
        put_key(out, a);
        json_buf_time(out, t);
    }
}

static void put_str(struct buf *out, enum attr a, const char *s)
{
    if (s) {
        put_key(out, a);
        json_buf_str(out, s, strlen(s));
    }
}

static void put_bool(struct buf *out, enum attr a, bool b)
{
    put_key(out, a);
    buf_adds(out, b ? "true" : "false");
}

static void put_texts(struct buf *out, const struct texts *t)
{
    buf_addc(out, '[');
    for (unsigned i = 0; i < t->n; i++) {
        if (i > 0)
            buf_addc(out, ',');
        json_buf_str(out, t->v[i], strlen(t->v[i]));
    }
    buf_addc(out, ']');
}

static bool wanted(uint64_t mask, enum attr a)
{
    return (mask >> a) & 1;
}

static void put_times(const struct job *job, uint64_t mask, struct buf *out)
{
    const struct {
        enum attr a;
        double t;
    } times[] = {
        {ATTR_T_SUBMIT, job->t_submit},     {ATTR_T_DEPEND, job->t_depend},
        {ATTR_T_PRIORITY, job->t_priority}, {ATTR_T_SCHED, job->t_sched},
        {ATTR_T_RUN, job->t_run},           {ATTR_T_CLEANUP, job->t_cleanup},
        {ATTR_T_INACTIVE, job->t_inactive},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(times); i++)
        if (wanted(mask, times[i].a))
            put_time(out, times[i].a, times[i].t);
}

static void put_strings(const struct job *job, uint64_t mask, struct buf *out)
{
    const struct {
        enum attr a;
        const char *s;
    } strings[] = {
        {ATTR_NAME, job->name},       {ATTR_CWD, job->cwd},   {ATTR_QUEUE, job->queue},
        {ATTR_PROJECT, job->project}, {ATTR_BANK, job->bank},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(strings); i++)
        if (wanted(mask, strings[i].a))
            put_str(out, strings[i].a, strings[i].s);
}

static void put_shape(const struct job *job, uint64_t mask, struct buf *out)
{
    const struct jobspec_shape *s = &job->shape;
    const struct job_more *m = job->more;
    bool has_R = job_has_R(job);
    unsigned ncores = has_R          ? m->R_ncores
                      : s->exclusive ? 0
                                     : s->nslots * s->cores_per_slot;
    unsigned nnodes = has_R ? m->R_nnodes : s->nnodes;

    if (wanted(mask, ATTR_NTASKS))
        put_int(out, ATTR_NTASKS, s->ntasks);
    if (wanted(mask, ATTR_NCORES) && ncores)
        put_int(out, ATTR_NCORES, ncores);
    if (wanted(mask, ATTR_NNODES) && nnodes)
        put_int(out, ATTR_NNODES, nnodes);
    if (has_R && wanted(mask, ATTR_RANKS))
        put_str(out, ATTR_RANKS, m->ranks);
    if (has_R && wanted(mask, ATTR_NODELIST))
        put_str(out, ATTR_NODELIST, m->nodelist);
    if (wanted(mask, ATTR_DURATION)) {
        put_key(out, ATTR_DURATION);
        json_buf_real(out, job->duration);
    }
    if (has_R && wanted(mask, ATTR_EXPIRATION)) {
        put_key(out, ATTR_EXPIRATION);
        json_buf_real(out, m->expiration);
    }
}

static void put_exception(const struct job_exception *e, uint64_t mask, struct buf *out)
{
    if (wanted(mask, ATTR_EXCEPTION_SEVERITY))
        put_int(out, ATTR_EXCEPTION_SEVERITY, e->severity);
    if (wanted(mask, ATTR_EXCEPTION_TYPE))
        put_str(out, ATTR_EXCEPTION_TYPE, e->type);
    if (wanted(mask, ATTR_EXCEPTION_NOTE))
        put_str(out, ATTR_EXCEPTION_NOTE, e->note ? e->note : "");
}

static void put_outcome(const struct job *job, uint64_t mask, struct buf *out)
{
    const struct job_more *m = job->more;
    bool inactive = job->state == FLUX_JOB_STATE_INACTIVE;
    bool raised = m && m->exc.type;

    if (inactive && wanted(mask, ATTR_SUCCESS))
        put_bool(out, ATTR_SUCCESS, job->result == FLUX_JOB_RESULT_COMPLETED);
    if ((inactive || raised) && wanted(mask, ATTR_EXCEPTION_OCCURRED))
        put_bool(out, ATTR_EXCEPTION_OCCURRED, raised);
    if (raised)
        put_exception(&m->exc, mask, out);
    if (inactive && wanted(mask, ATTR_RESULT))
        put_int(out, ATTR_RESULT, job->result);
    if (job->waitstatus >= 0 && wanted(mask, ATTR_WAITSTATUS))
        put_int(out, ATTR_WAITSTATUS, job->waitstatus);
}

static void put_members(const struct job *job, uint64_t mask, struct buf *out)
{
    const struct job_more *m = job->more;

    put_int(out, ATTR_ID, (int64_t)job->id);
    if (wanted(mask, ATTR_USERID))
        put_int(out, ATTR_USERID, job->userid);
    if (wanted(mask, ATTR_URGENCY))
        put_int(out, ATTR_URGENCY, job->urgency);
    if (wanted(mask, ATTR_PRIORITY) && job->priority >= 0)
        put_int(out, ATTR_PRIORITY, job->priority);
    put_times(job, mask, out);
    if (wanted(mask, ATTR_STATE))
        put_int(out, ATTR_STATE, job->state);
    put_strings(job, mask, out);
    put_shape(job, mask, out);
    put_outcome(job, mask, out);
    if (m && m->annotations && wanted(mask, ATTR_ANNOTATIONS)) {
        put_key(out, ATTR_ANNOTATIONS);
        buf_adds(out, m->annotations);
    }
    if (m && m->deps.n > 0 && wanted(mask, ATTR_DEPENDENCIES)) {
        put_key(out, ATTR_DEPENDENCIES);
        put_texts(out, &m->deps);
    }
}

void record_print(const struct job *job, uint64_t mask, struct buf *out)
{
    if (buf_addc(out, '{') < 0)
        return;
    put_members(job, mask, out);
    buf_addc(out, '}');
}

static void put_private_texts(struct buf *out, const char *key, const struct texts *t)
{
    if (t->n > 0) {
        buf_addf(out, ",\"%s\":", key);
        put_texts(out, t);
    }
}

static void put_private_json(struct buf *out, const char *key, const char *json)
{
    if (json) {
        buf_addf(out, ",\"%s\":", key);
        buf_adds(out, json);
    }
}

/* What a restart needs: nothing of it matters once the job has ended. */
static void put_private(const struct job *job, struct buf *out)
{
    const struct jobspec_shape *s = &job->shape;
    const struct job_more *m = job->more;

    buf_addf(out,
             ",\"x\":{\"v\":1,\"seq\":%u,\"posted\":%u,\"flags\":%u,"
             "\"shape\":[%u,%u,%u,%u,%u,%d,%u],\"exec_done\":%d,\"t_last\":",
             job->seq, job->posted, job->flags, s->nnodes, s->nslots, s->slots_per_node,
             s->cores_per_slot, s->gpus_per_slot, s->exclusive, s->ntasks,
             job->exec_done);
    json_buf_time(out, job->t_last);
    if (job->nonce) {
        buf_adds(out, ",\"nonce\":");
        json_buf_str(out, job->nonce, strlen(job->nonce));
    }
    if (m) {
        put_private_texts(out, "deps_gone", &m->deps_gone);
        put_private_texts(out, "prologs", &m->prologs);
        put_private_texts(out, "epilogs", &m->epilogs);
        put_private_texts(out, "events", &m->events);
        put_private_json(out, "constraint", m->constraint);
        put_private_json(out, "updates", m->updates);
        if (job->state == FLUX_JOB_STATE_DEPEND)
            put_private_json(out, "deps_spec", m->deps_spec);
    }
    buf_addc(out, '}');
}

void record_print_row(const struct job *job, struct buf *out)
{
    if (buf_addc(out, '{') < 0)
        return;
    put_members(job, RECORD_ALL, out);
    if (job->state != FLUX_JOB_STATE_INACTIVE)
        put_private(job, out);
    buf_addc(out, '}');
}
