/* A small world for the job manager: job-manager and job-ingest on a router with a
 * store, a scheduler and an execution service that the test plays, on virtual time.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include <flux/core.h>
#include <flux/job.h>

#include "base/map.h"
#include "env/env.h"
#include "rfc21.h"
#include "router.h"
#include "store/store.h"

/* A job as the execution service knows it. It outlives the services, as tasks do. */
struct task {
    flux_jobid_t id;
    int runs; /* times it was really started */
    bool ended, told_end, acked, doomed;
    int status;
    flux_watcher_t *timer;
    struct world *w;
};

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct router *rt;
    struct store *store;
    flux_t *client, *guest;
    struct {
        flux_t *h;
        void *ctx;
    } jm, ingest;
    flux_conf_t *conf; /* for the modules; NULL: none */

    /* Scheduler: gives a core to whom asks while it has one. */
    flux_t *sched;
    flux_msg_handler_t **sched_handlers;
    flux_future_t *sched_hello; /* what comes while it lasts was meant for another */
    unsigned cores;             /* free */
    bool sched_paused;          /* collects requests without answering */
    struct umap *sched_queue;   /* id -> priority + 1 */
    struct umap *sched_given;   /* id -> 1 */
    unsigned nallocs, nfrees, ncancels;

    /* Execution service. */
    flux_t *exec;
    flux_msg_handler_t **exec_handlers;
    struct umap *tasks;
    double run_time;
    bool refuse_end; /* tasks do not end by themselves */
    bool exec_mute;  /* what it reports is lost */
    unsigned lost;   /* reattach of an unknown job */
    unsigned kills;
};

struct world *world_new(uint64_t seed); /* seed 0: real time */
void world_free(struct world *w);

void world_start(struct world *w);                /* all services */
void world_stop(struct world *w);                 /* in good order */
void world_crash(struct world *w);                /* nothing more is written */
void world_watch(const flux_msg_t *msg, void *w); /* for the router */
void world_start_sched(struct world *w);
void world_stop_sched(struct world *w);
void world_start_exec(struct world *w);
void world_stop_exec(struct world *w);
/* Let the scheduler, the execution service go on after a pause. */
void world_sched_resume(struct world *w);

/* Turn the loop until the future is ready; its error is left for the caller. */
void world_wait(struct world *w, flux_future_t *f);
/* Turn it until cond(w, arg), at most some thousand times: false. */
bool world_until(struct world *w, bool (*cond)(struct world *w, void *arg), void *arg);
/* n turns, as long as there is something to do. */
void world_turns(struct world *w, int n);

/* A jobspec's text; extra (may be NULL) are members of attributes.system, each with a
 * comma behind it. Borrowed until the next call. */
const char *world_jobspec(const char *extra);
flux_future_t *world_submit_async(struct world *w, const char *extra, int urgency,
                                  int flags);
flux_jobid_t world_submit(struct world *w, const char *extra, int urgency, int flags);
/* errno of a failed submission; text borrowed until the next call. */
int world_submit_fails(struct world *w, const char *extra, const char **text);
/* Wait until the queue is empty. */
void world_drain(struct world *w);
/* A request by the owner: 0 or errno; *answer (may be NULL) is yours. */
int world_rpc(struct world *w, flux_t *h, const char *topic, const char *payload,
              char **answer);

/* A job's log as stored (yours); its names joined by commas (yours). */
char *world_eventlog(struct world *w, flux_jobid_t id);
char *world_events(struct world *w, flux_jobid_t id);
/* Check a job's log; fails the test if it is impossible. */
struct rfc21 world_check(struct world *w, flux_jobid_t id);
bool world_has_event(struct world *w, flux_jobid_t id, const char *name);
void world_wait_event(struct world *w, flux_jobid_t id, const char *name);
/* The whole log, as world_events() gives it. */
void world_check_order(struct world *w, flux_jobid_t id, const char *expected);
/* 0 or errno. */
int world_cancel(struct world *w, flux_jobid_t id);
struct task *world_task(struct world *w, flux_jobid_t id);
/* The execution service says something; a job ends. */
void world_report(struct world *w, flux_jobid_t id, const char *type, const char *data);
void world_end_task(struct world *w, flux_jobid_t id, int status);

#endif
