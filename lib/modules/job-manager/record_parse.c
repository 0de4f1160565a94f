/* A job read back from its row, see record.h. A restart reads every active job, so the row
 * is walked once, in place, by a table of its members in the order in which record.c writes
 * them; only what few jobs have is made into a tree. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-manager/record.h"

DEFINE_CLEANUP(cJSON *, json_free)

struct reader {
    struct intern *strings;
    struct job *job;
    int64_t id, state, version, exec_done, severity;
    /* Members with a form of their own. */
    struct slice x, shape, nonce, exc_type, exc_note;
    struct slice deps, deps_gone, prologs, epilogs, events;
    struct slice annotations, constraint, updates, deps_spec;
};

enum kind { TIME, INT64, INT, UINT32, UINT8, STRING, SLICE, OWN_INT64 };

struct member {
    const char *key;
    enum kind kind;
    size_t offset; /* of struct job; SLICE, OWN_INT64: of struct reader */
};

#define JOB(key, kind, field)                                                            \
    {                                                                                    \
        key, kind, offsetof(struct job, field)                                           \
    }
#define OWN(key, kind, field)                                                            \
    {                                                                                    \
        key, kind, offsetof(struct reader, field)                                        \
    }

static const struct member row_members[] = {
    OWN("id", OWN_INT64, id),
    JOB("userid", UINT32, userid),
    JOB("urgency", UINT8, urgency),
    JOB("priority", INT64, priority),
    JOB("t_submit", TIME, t_submit),
    JOB("t_depend", TIME, t_depend),
    JOB("t_priority", TIME, t_priority),
    JOB("t_sched", TIME, t_sched),
    JOB("t_run", TIME, t_run),
    JOB("t_cleanup", TIME, t_cleanup),
    OWN("state", OWN_INT64, state),
    JOB("name", STRING, name),
    JOB("cwd", STRING, cwd),
    JOB("queue", STRING, queue),
    JOB("project", STRING, project),
    JOB("bank", STRING, bank),
    JOB("duration", TIME, duration),
    JOB("result", UINT8, result),
    JOB("waitstatus", INT, waitstatus),
    OWN("exception_severity", OWN_INT64, severity),
    OWN("exception_type", SLICE, exc_type),
    OWN("exception_note", SLICE, exc_note),
    OWN("annotations", SLICE, annotations),
    OWN("dependencies", SLICE, deps),
    OWN("x", SLICE, x),
};

static const struct member x_members[] = {
    OWN("v", OWN_INT64, version),         JOB("seq", UINT32, seq),
    JOB("posted", UINT32, posted),        JOB("flags", UINT8, flags),
    OWN("shape", SLICE, shape),           OWN("exec_done", OWN_INT64, exec_done),
    JOB("t_last", TIME, t_last),          OWN("nonce", SLICE, nonce),
    OWN("deps_gone", SLICE, deps_gone),   OWN("prologs", SLICE, prologs),
    OWN("epilogs", SLICE, epilogs),       OWN("events", SLICE, events),
    OWN("constraint", SLICE, constraint), OWN("updates", SLICE, updates),
    OWN("deps_spec", SLICE, deps_spec),
};

/* What is out of range stays as it was: the row is our own, and has been checked as a
 * whole. */
static void take_number(void *field, enum kind kind, int64_t i)
{
    if (kind == INT64 || kind == OWN_INT64)
        *(int64_t *)field = i;
    else if (kind == INT && i >= INT32_MIN && i <= INT32_MAX)
        *(int *)field = (int)i;
    else if (kind == UINT32 && i >= 0 && i <= UINT32_MAX)
        *(uint32_t *)field = (uint32_t)i;
    else if (kind == UINT8 && i >= 0 && i <= UINT8_MAX)
        *(uint8_t *)field = (uint8_t)i;
}

static void take_string(struct reader *rd, const char **field, struct slice v)
{
    AUTOFREE char *copy = NULL;
    struct slice s;

    if (slice_string(v, &copy, &s) == 0 && !*field)
        *field = intern_add(rd->strings, s.p, s.len);
}

static void take(struct reader *rd, const struct member *m, struct slice v)
{
    bool own = m->kind == SLICE || m->kind == OWN_INT64;
    void *field = (own ? (char *)rd : (char *)rd->job) + m->offset;
    int64_t i;

    if (m->kind == SLICE)
        *(struct slice *)field = v;
    else if (m->kind == STRING)
        take_string(rd, field, v);
    else if (m->kind == TIME)
        (void)slice_real(v, field);
    else if (slice_int(v, &i) == 0)
        take_number(field, m->kind, i);
}

/* Members come in the table's order, so the search goes on where it was. */
static int walk(struct reader *rd, struct slice object, const struct member *table,
                size_t n)
{
    struct slice key, value;
    size_t pos = 0, at = 0;
    int rc;

    while ((rc = slice_member(object, &pos, &key, &value)) > 0) {
        for (size_t tried = 0; tried < n; tried++, at++) {
            const struct member *m = &table[at % n];

            if (slice_is(key, m->key)) {
                take(rd, m, value);
                break;
            }
        }
        at %= n;
    }
    return rc;
}

static int take_shape(struct slice shape, struct jobspec_shape *s)
{
    struct slice v;
    int64_t n[7];
    size_t pos = 0;

    for (int i = 0; i < 7; i++)
        if (!shape.p || slice_element(shape, &pos, &v) <= 0 || slice_int(v, &n[i]) < 0 ||
            n[i] < 0 || n[i] > UINT32_MAX)
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

static int take_exception(struct reader *rd)
{
    struct job_more *m;

    if (!rd->exc_type.p)
        return 0;
    if (!(m = job_more(rd->job)) || !(m->exc.type = slice_strdup(rd->exc_type)) ||
        (rd->exc_note.p && !(m->exc.note = slice_strdup(rd->exc_note))))
        return -ENOMEM;
    m->exc.severity = (int)rd->severity;
    return 0;
}

static int take_texts(struct slice array, struct texts *t)
{
    struct slice v;
    size_t pos = 0;
    int rc;

    if (!array.p)
        return 0;
    while ((rc = slice_element(array, &pos, &v)) > 0) {
        AUTOFREE char *s = slice_strdup(v);

        if (!s)
            return -EPROTO;
        if ((rc = texts_add(t, s)) < 0 && rc != -EEXIST)
            return rc;
    }
    return rc;
}

/* A value kept as text, in one form whatever the row's. */
static char *value_text(struct slice v)
{
    CLEANUP(json_free_p) cJSON *o = NULL;

    if (!v.p || json_parse(v.p, v.len, NULL, &o, NULL) < 0)
        return NULL;
    return json_print(o);
}

static int take_more(struct reader *rd)
{
    struct job_more *m;
    int rc;

    if (!rd->deps.p && !rd->annotations.p && !rd->deps_gone.p && !rd->prologs.p &&
        !rd->epilogs.p && !rd->events.p && !rd->constraint.p && !rd->updates.p &&
        !rd->deps_spec.p)
        return 0;
    if (!(m = job_more(rd->job)))
        return -ENOMEM;
    if ((rc = take_texts(rd->deps, &m->deps)) < 0 ||
        (rc = take_texts(rd->deps_gone, &m->deps_gone)) < 0 ||
        (rc = take_texts(rd->prologs, &m->prologs)) < 0 ||
        (rc = take_texts(rd->epilogs, &m->epilogs)) < 0 ||
        (rc = take_texts(rd->events, &m->events)) < 0)
        return rc;
    m->constraint = value_text(rd->constraint);
    m->updates = value_text(rd->updates);
    m->deps_spec = value_text(rd->deps_spec);
    m->annotations = value_text(rd->annotations);
    return 0;
}

static int take_private(struct reader *rd, flux_error_t *err)
{
    struct job *job = rd->job;

    if (!rd->x.p || walk(rd, rd->x, x_members, ARRAY_SIZE(x_members)) < 0 ||
        rd->version != 1)
        return error_set(err, EPROTO, "no data for a restart, or of another version");
    if (take_shape(rd->shape, &job->shape) < 0)
        return error_set(err, EPROTO, "bad shape");
    job->exec_done = rd->exec_done != 0;
    if (rd->nonce.p && !(job->nonce = slice_strdup(rd->nonce)))
        return error_set(err, EPROTO, "bad nonce");
    return take_more(rd) < 0 ? error_set(err, EPROTO, "a list of it is damaged") : 0;
}

static int read_job(struct reader *rd, const char *text, size_t len, flux_error_t *err)
{
    struct job *job = rd->job;
    struct slice row;

    job->userid = UINT32_MAX;
    job->urgency = FLUX_JOB_URGENCY_DEFAULT;
    job->priority = -1;
    job->waitstatus = -1;
    if (slice_value(text, len, &row) < 0 ||
        walk(rd, row, row_members, ARRAY_SIZE(row_members)) < 0)
        return error_set(err, EPROTO, "it is no JSON object");
    if (rd->id <= 0)
        return error_set(err, EPROTO, "no id");
    if (rd->state < FLUX_JOB_STATE_NEW || rd->state > FLUX_JOB_STATE_INACTIVE ||
        (rd->state & (rd->state - 1)))
        return error_set(err, EPROTO, "bad state");
    job->id = (flux_jobid_t)rd->id;
    job->state = (uint8_t)rd->state;
    if (take_exception(rd) < 0)
        return error_set(err, ENOMEM, "out of memory");
    return rd->state == FLUX_JOB_STATE_INACTIVE ? 0 : take_private(rd, err);
}

int record_parse(const char *text, size_t len, struct intern *strings, struct job **ret,
                 flux_error_t *err)
{
    struct reader rd = {.strings = strings};
    int rc;

    if (!(rd.job = job_new(0)))
        return error_set(err, ENOMEM, "out of memory");
    if ((rc = read_job(&rd, text, len, err)) < 0) {
        job_free(rd.job, strings);
        return rc;
    }
    *ret = rd.job;
    return 0;
}
