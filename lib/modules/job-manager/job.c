/* A job in memory, see job.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/job.h"
#include "proto/rset.h"

bool texts_has(const struct texts *t, const char *s)
{
    for (unsigned i = 0; i < t->n; i++)
        if (strcmp(t->v[i], s) == 0)
            return true;
    return false;
}

int texts_add(struct texts *t, const char *s)
{
    char **v, *copy;

    if (texts_has(t, s))
        return -EEXIST;
    if (!(v = realloc(t->v, (t->n + 1) * sizeof(*v))))
        return -ENOMEM;
    t->v = v;
    if (!(copy = strdup(s)))
        return -ENOMEM;
    t->v[t->n++] = copy;
    return 0;
}

int texts_del(struct texts *t, const char *s)
{
    for (unsigned i = 0; i < t->n; i++)
        if (strcmp(t->v[i], s) == 0) {
            free(t->v[i]);
            memmove(&t->v[i], &t->v[i + 1], (t->n - i - 1) * sizeof(*t->v));
            t->n--;
            return 0;
        }
    return -ENOENT;
}

void texts_free(struct texts *t)
{
    for (unsigned i = 0; i < t->n; i++)
        free(t->v[i]);
    free(t->v);
    *t = (struct texts){0};
}

struct job *job_new(flux_jobid_t id)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    job->id = id;
    job->priority = -1;
    job->waitstatus = -1;
    job->state = FLUX_JOB_STATE_NEW;
    list_init(&job->advance);
    return job;
}

static void more_free(struct job_more *m)
{
    if (!m)
        return;
    texts_free(&m->deps);
    texts_free(&m->deps_gone);
    texts_free(&m->prologs);
    texts_free(&m->epilogs);
    texts_free(&m->events);
    free(m->deps_spec);
    free(m->constraint);
    free(m->annotations);
    free(m->updates);
    free(m->R);
    free(m->ranks);
    free(m->nodelist);
    free(m->exc.type);
    free(m->exc.note);
    free(m->subscribers);
    free(m);
}

void job_free(struct job *job, struct intern *strings)
{
    if (!job)
        return;
    list_del(&job->advance);
    job_aux_free(job, NULL);
    more_free(job->more);
    intern_drop(strings, job->name);
    intern_drop(strings, job->cwd);
    intern_drop(strings, job->queue);
    intern_drop(strings, job->project);
    intern_drop(strings, job->bank);
    free(job->nonce);
    free(job);
}

static void aux_free_one(struct job_aux *aux)
{
    if (aux->free_fn)
        aux->free_fn(aux->val);
    free(aux->name);
    free(aux);
}

void job_aux_free(struct job *job, const void *owner)
{
    struct job_aux **p = job->more ? &job->more->aux : NULL, *aux;

    while (p && (aux = *p)) {
        if (owner && aux->owner != owner) {
            p = &aux->next;
            continue;
        }
        *p = aux->next;
        aux_free_one(aux);
    }
}

static struct job_aux **aux_find(const struct job *job, const void *owner,
                                 const char *name)
{
    struct job_aux **p;

    for (p = &job->more->aux; *p; p = &(*p)->next)
        if ((*p)->owner == owner && (*p)->name && strcmp((*p)->name, name) == 0)
            break;
    return p;
}

int job_aux_set(struct job *job, const void *owner, const char *name, void *val,
                flux_free_f free_fn)
{
    struct job_more *m = job_more(job);
    struct job_aux **p, *aux;

    if (!m)
        return -ENOMEM;
    if (name && *(p = aux_find(job, owner, name))) {
        aux = *p;
        *p = aux->next;
        aux_free_one(aux);
    }
    if (!val)
        return 0;
    if (!(aux = calloc(1, sizeof(*aux))) || (name && !(aux->name = strdup(name)))) {
        free(aux);
        return -ENOMEM;
    }
    aux->owner = owner;
    aux->val = val;
    aux->free_fn = free_fn;
    aux->next = m->aux;
    m->aux = aux;
    return 0;
}

void *job_aux_get(const struct job *job, const void *owner, const char *name)
{
    struct job_aux *aux = job->more ? *aux_find(job, owner, name) : NULL;

    return aux ? aux->val : NULL;
}

void job_aux_delete(struct job *job, const void *owner, const void *val)
{
    struct job_aux **p = job->more ? &job->more->aux : NULL, *aux;

    while (p && (aux = *p)) {
        if (aux->owner == owner && aux->val == val) {
            *p = aux->next;
            aux_free_one(aux);
            return;
        }
        p = &aux->next;
    }
}

struct job_more *job_more(struct job *job)
{
    if (!job->more)
        job->more = calloc(1, sizeof(*job->more));
    return job->more;
}

int job_set_string(const char **field, struct intern *strings, struct slice json)
{
    struct slice s;
    AUTOFREE char *copy = NULL;

    intern_drop(strings, *field);
    *field = NULL;
    if (!json.p)
        return 0;
    if (slice_string(json, &copy, &s) < 0)
        return -EPROTO;
    return (*field = intern_add(strings, s.p, s.len)) ? 0 : -ENOMEM;
}

/* Number of members of an idset in its text, "0-3,7"; 0 when it is none. */
static unsigned idset_text_count(struct slice s)
{
    const char *p = s.p, *end = s.p + s.len;
    unsigned count = 0, lo, hi;

    while (p < end) {
        for (lo = 0; p < end && *p >= '0' && *p <= '9'; p++)
            lo = lo * 10 + (unsigned)(*p - '0');
        hi = lo;
        if (p < end && *p == '-')
            for (hi = 0, p++; p < end && *p >= '0' && *p <= '9'; p++)
                hi = hi * 10 + (unsigned)(*p - '0');
        if (hi < lo || (p < end && *p != ','))
            return 0;
        count += hi - lo + 1;
        p++;
    }
    return count;
}

/* The common R, one entry and one host list, read in place. */
static int read_simple_R(struct job_more *m, struct slice R)
{
    struct slice exec, lite, entry, rest, rank, children, cores, hosts, host;
    size_t pos = 0, hpos = 0;

    if (slice_get(R, "execution", &exec) < 0 || slice_get(exec, "R_lite", &lite) < 0 ||
        slice_get(exec, "nodelist", &hosts) < 0)
        return -EPROTO;
    if (slice_element(lite, &pos, &entry) != 1 || slice_element(lite, &pos, &rest) != 0 ||
        slice_element(hosts, &hpos, &host) != 1 ||
        slice_element(hosts, &hpos, &rest) != 0)
        return -EPROTO;
    if (slice_get(entry, "rank", &rank) < 0 || slice_str(rank, &rank) < 0 ||
        slice_get(entry, "children", &children) < 0 ||
        slice_get(children, "core", &cores) < 0 || slice_str(cores, &cores) < 0 ||
        slice_str(host, &host) < 0)
        return -EPROTO;
    if ((m->R_nnodes = idset_text_count(rank)) == 0)
        return -EPROTO;
    m->R_ncores = m->R_nnodes * idset_text_count(cores);
    m->ranks = slice_text(rank);
    m->nodelist = slice_text(host);
    if (slice_get(exec, "expiration", &rest) == 0)
        slice_real(rest, &m->expiration);
    return m->ranks && m->nodelist ? 0 : -ENOMEM;
}

static int read_any_R(struct job_more *m, struct slice R)
{
    struct rset *rs;
    struct idset *ranks = NULL;
    int rc;

    if ((rc = rset_parse(R.p, R.len, &rs, NULL)) < 0)
        return rc;
    m->R_nnodes = (unsigned)rset_nnodes(rs);
    m->R_ncores = (unsigned)rset_ncores(rs);
    m->expiration = rset_expiration(rs);
    rset_nodelist(rs, &m->nodelist);
    if (rset_ranks(rs, &ranks) == 0)
        m->ranks = idset_encode(ranks, IDSET_FLAG_RANGE);
    idset_destroy(ranks);
    rset_free(rs);
    return m->ranks ? 0 : -ENOMEM;
}

int job_set_R(struct job *job, const char *R, size_t len)
{
    struct job_more *m = job_more(job);
    struct slice s;

    if (!m)
        return -ENOMEM;
    free(m->R);
    free(TAKE(m->ranks));
    free(TAKE(m->nodelist));
    if (!(m->R = strndup(R, len)))
        return -ENOMEM;
    s = (struct slice){m->R, len};
    if (read_simple_R(m, s) < 0) {
        free(TAKE(m->ranks));
        free(TAKE(m->nodelist));
        if (read_any_R(m, s) < 0) {
            free(TAKE(m->R));
            return -EPROTO;
        }
    }
    return 0;
}

flux_job_result_t job_result(const struct job *job)
{
    if (job_is_doomed(job) && job->more && job->more->exc.type) {
        if (strcmp(job->more->exc.type, "cancel") == 0)
            return FLUX_JOB_RESULT_CANCELED;
        if (strcmp(job->more->exc.type, "timeout") == 0)
            return FLUX_JOB_RESULT_TIMEOUT;
        return FLUX_JOB_RESULT_FAILED;
    }
    return job->waitstatus == 0 ? FLUX_JOB_RESULT_COMPLETED : FLUX_JOB_RESULT_FAILED;
}
