/* A job in memory: what must be at hand while it is active, in about 250 bytes while
 * it waits. The jobspec stays in the store (see specs.h); what only some jobs have is
 * in struct job_more.
 */
#ifndef FLUX_JOB_MANAGER_JOB_H
#define FLUX_JOB_MANAGER_JOB_H

#include <flux/job.h>

#include "base/buf.h"
#include "base/list.h"
#include "modules/job-manager/intern.h"
#include "modules/job-manager/state.h"
#include "proto/jobspec.h"
#include "base/slice.h"

/* A list of short texts (dependencies, prologs). */
struct texts {
    char **v;
    unsigned n;
};
int texts_add(struct texts *t, const char *s); /* -EEXIST, -ENOMEM */
int texts_del(struct texts *t, const char *s); /* -ENOENT */
bool texts_has(const struct texts *t, const char *s);
void texts_free(struct texts *t);

/* What a plug-in keeps with the job. */
struct job_aux {
    struct job_aux *next;
    const void *owner; /* flux_plugin_t * */
    char *name;
    void *val;
    flux_free_f free_fn;
};

struct job_exception {
    char *type, *note;
    int severity;
};

struct job_more {
    struct texts deps;      /* held by, by description */
    struct texts deps_gone; /* were held by, and are no longer */
    struct texts prologs, epilogs;
    struct texts events;    /* names of events that are none of event_id */
    char *deps_spec;        /* jobspec's dependencies while in DEPEND: JSON array */
    char *constraint;       /* JSON object */
    char *annotations;      /* JSON object; "user" holds the memo */
    char *updates;          /* jobspec-update so far: JSON object */
    char *R;                /* from alloc on */
    char *ranks, *nodelist; /* out of R */
    unsigned R_nnodes, R_ncores;
    double expiration;
    struct job_exception exc; /* the one of lowest severity; type NULL: none */
    struct job_aux *aux;
    void **subscribers; /* flux_plugin_t *, NULL-terminated */
};

struct change;

struct job {
    flux_jobid_t id;
    struct list advance;   /* on the list of jobs to look at this turn */
    struct change *change; /* in the batch being collected */
    struct job_more *more;
    char *nonce;
    const char *name, *cwd, *queue, *project, *bank; /* interned */
    int64_t priority;                                /* -1: not known yet */
    double t_submit, t_depend, t_priority, t_sched, t_run, t_cleanup, t_inactive;
    double t_last; /* of its latest event: the clock may step back, its log does not */
    double duration;
    struct jobspec_shape shape;
    uint32_t userid;
    uint32_t posted; /* bits of event_id */
    uint32_t seq;    /* events posted so far */
    uint32_t qpos;   /* place in the queue to the scheduler, from 1; 0: not in it */
    int waitstatus;
    uint8_t flags; /* as submitted */
    uint8_t urgency;
    uint8_t state;
    uint8_t result;
    bool flying : 1; /* events on their way to the disk */
    bool fresh : 1;  /* its submission is not on disk yet */
    bool validated : 1;
    bool no_priority : 1;   /* a plug-in said: not yet */
    bool alloc_pending : 1; /* the scheduler has it */
    bool alloc_cancel : 1;  /* and was asked to forget it */
    bool reprioritized : 1; /* tell the scheduler */
    bool start_queued : 1;  /* waits for its jobspec, or for the execution service */
    bool start_sent : 1;
    bool maybe_started : 1; /* by an earlier broker or execution service */
    bool exec_cancel : 1;   /* asked to stop it */
    bool exec_done : 1;     /* the final release came */
    bool ack_due : 1;       /* tell the execution service that finish is on disk */
    bool free_due : 1;      /* tell the scheduler that the resources are free */
    bool expiration_due : 1;
    bool memo_volatile : 1;
    bool ended : 1; /* and that is on disk: nothing is posted any more */
};

struct job *job_new(flux_jobid_t id);
void job_free(struct job *job, struct intern *strings);
struct job_more *job_more(struct job *job); /* made if need be; NULL on ENOMEM */

static inline bool job_posted(const struct job *job, enum event_id id)
{
    return (job->posted >> id) & 1;
}
static inline bool job_has_R(const struct job *job)
{
    return job->more && job->more->R;
}
/* Holds back the next step. */
static inline bool job_has_deps(const struct job *job)
{
    return job->more && job->more->deps.n > 0;
}
/* The execution service has it, or may have it. */
static inline bool job_in_exec(const struct job *job)
{
    return job_has_R(job) && !job->exec_done && (job->start_sent || job->maybe_started);
}
/* Does a job fail for good: an exception of severity 0. */
static inline bool job_is_doomed(const struct job *job)
{
    return job_posted(job, EVENT_EXCEPTION_FATAL);
}

/* val NULL removes. Names are each owner's own; replaced and deleted values are freed. */
int job_aux_set(struct job *job, const void *owner, const char *name, void *val,
                flux_free_f free_fn);
void *job_aux_get(const struct job *job, const void *owner, const char *name);
void job_aux_delete(struct job *job, const void *owner, const void *val);
void job_aux_free(struct job *job, const void *owner); /* NULL: everybody's */

/* Set a string from its JSON text; an absent slice clears it. */
int job_set_string(const char **field, struct intern *strings, struct slice json);
/* Keep R and read its summary. */
int job_set_R(struct job *job, const char *R, size_t len);
/* Result of an ended job, by its exception and wait status. */
flux_job_result_t job_result(const struct job *job);

#endif
