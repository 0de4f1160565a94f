/* What the parts of the job manager share. Each part is a noun with a struct of its
 * own; module.c makes them and holds the table of requests.
 *
 * The rule of the house: an event changes the job in memory at once and is appended to
 * the open batch (batch.h); whatever others can see of it (answers, journal, messages
 * to scheduler and execution) is done when the batch is on disk.
 */
#ifndef FLUX_JOB_MANAGER_MANAGER_H
#define FLUX_JOB_MANAGER_MANAGER_H

#include <flux/core.h>
#include <flux/job.h>

#include "base/list.h"
#include "base/map.h"
#include "modules/job-manager/intern.h"
#include "modules/job-manager/job.h"
#include "store/store.h"

struct batches;
struct specs;
struct alloc;
struct exec;
struct journal;
struct jobtap;
struct wait;
struct queue;
struct drain;
struct nonces;
struct purger;
struct restart;

/* Outlives the job manager while reads are under way. */
struct alive {
    unsigned refs;
    struct job_manager *jm; /* NULL: gone */
};

struct job_manager {
    struct alive *alive;
    flux_t *h;
    flux_reactor_t *r;
    struct store *store;
    flux_msg_handler_t **handlers;
    struct umap *jobs;   /* id -> struct job: active, or their end is not on disk yet */
    struct list advance; /* jobs that may take a step */
    struct list relays;  /* requests passed on to the execution service */
    struct intern *strings;
    uint64_t max_id;                     /* the highest id ever given */
    uint64_t inactive;                   /* ended jobs in the store */
    uint64_t purged;                     /* those that were removed from it, ever */
    uint64_t running;                    /* jobs in RUN and CLEANUP */
    size_t waitable;                     /* jobs in memory with that flag */
    unsigned counts[FLUX_JOB_NR_STATES]; /* jobs in memory by state */
    uint32_t owner;
    char *store_name; /* for messages */

    struct batches *batches;
    struct specs *specs;
    struct alloc *alloc;
    struct exec *exec;
    struct journal *journal;
    struct jobtap *jobtap;
    struct wait *wait;
    struct queue *queue;
    struct drain *drain;
    struct nonces *nonces;
    struct purger *purger;
    struct restart *restart;
};

static inline struct job *manager_job(struct job_manager *jm, flux_jobid_t id)
{
    return umap_get(jm->jobs, id);
}

/* store_read() for the job manager: done(jm, rc, arg), or drop(arg) when the module
 * has been unloaded meanwhile. */
typedef void (*manager_done_f)(struct job_manager *jm, int rc, void *arg);
int manager_read(struct job_manager *jm, store_read_f fn, manager_done_f done,
                 void (*drop)(void *arg), void *arg);

/* Answer a request for an id that is not in memory: ENOENT with "job is inactive" or
 * "unknown job id", whichever the store knows. */
void manager_respond_unknown(struct job_manager *jm, const flux_msg_t *msg,
                             flux_jobid_t id);
/* Is the sender the owner or `userid`? 0, or -1 after answering EPERM with text. */
int manager_authorize(struct job_manager *jm, const flux_msg_t *msg, uint32_t userid,
                      const char *text);
/* Answer with an error at once. */
void manager_respond_error(struct job_manager *jm, const flux_msg_t *msg, int errnum,
                           const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Put a job into, take it out of the set of jobs in memory; out: it is freed. */
int manager_add_job(struct job_manager *jm, struct job *job);
void manager_remove_job(struct job_manager *jm, struct job *job);

#endif
