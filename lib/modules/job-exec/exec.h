/* job-exec: brings jobs to life. The job manager hands over jobs that have resources
 * (RFC 32, batched); mock jobs are timers in here, real ones go to the resident
 * flux-shell, which is started through the broker's rexec service when the first job
 * needs it, and again when it dies (it recovers by its journal).
 *
 *   -> job-manager.exec-hello {"service","batch":true}
 *   job-manager -> start {"jobs":[{"id","userid","jobspec","R","reattach"}...]},
 *                  kill {"id","signum"}, cancel {"ids"}, ack {"ids"}
 *   -> job-manager.exec-results {"results":[{"id","type","data"}...]}
 *      type: start, reattached, exception, finish, release
 *   shell -> shell-hello (stream), shell-results: see lib/shell/shell.h
 *   job-info -> output {"id","follow","skip"} (stream of RFC 24 entries): passed on to
 *               the shell, again from where it was when the shell has to be replaced
 *
 * Every job that is handed over gets a finish (and a final release) in the end, also one
 * that could not be started. Each is held until the job manager has it on disk (ack).
 */
#ifndef FLUX_JOB_EXEC_EXEC_H
#define FLUX_JOB_EXEC_EXEC_H

#include <flux/core.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

struct shellctl;
struct relays;

enum exec_state {
    EXEC_WAITING, /* for a shell */
    EXEC_SENT,    /* the shell was told to start it */
    EXEC_RUNNING, /* start was reported */
    EXEC_FINISHED,
};

struct exec_job {
    struct exec *x;
    flux_jobid_t id;
    enum exec_state state;
    struct list link; /* in exec.waiting */
    char *entry;      /* the start request's entry, until it runs */
    size_t entry_len;
    bool was_running;  /* its start has been reported: must not be started again */
    struct mock *mock; /* NULL: a real job */
    int status;        /* when finished here, not by the shell */
};

struct exec {
    flux_t *h;
    flux_reactor_t *r;
    const char *name; /* of the service */
    flux_msg_handler_t **handlers;
    struct umap *jobs;   /* id -> struct exec_job */
    struct list waiting; /* real jobs to be sent, by link */
    unsigned nreal;      /* real jobs that have not been acknowledged */
    struct buf results;  /* for the next exec-results message */
    bool ready;          /* the job manager answered our hello */
    flux_future_t *hello;
    flux_watcher_t *turn, *awake, *hello_timer;
    struct shellctl *shell;
    struct relays *relays;
    double kill_timeout;   /* seconds */
    double orphan_timeout; /* seconds; < 0: for ever; -2: not configured */
    char *shell_path;
};

struct exec_job *exec_job(struct exec *x, flux_jobid_t id);
struct exec_job *exec_add(struct exec *x, flux_jobid_t id); /* NULL on ENOMEM, EEXIST */
void exec_forget(struct exec *x, flux_jobid_t id);
void exec_job_free(void *job);
/* Something changed: let the turn's end come at once, also when what changed it ran in
 * that part of the loop behind which it would wait. */
void exec_poke(struct exec *x);
/* Send the reports of this turn. */
void job_exec_flush(struct exec *x);
/* Reports to the job manager, sent at the end of the turn. */
void exec_report(struct exec *x, flux_jobid_t id, const char *type, struct slice data);
void exec_report_exception(struct exec *x, flux_jobid_t id, const char *type,
                           const char *note);
/* The finish, and the release that follows it. */
void exec_report_finish(struct exec *x, flux_jobid_t id, struct slice data);
/* A job that ends here: mock, or never started. Wait status. */
void exec_finish(struct exec_job *job, int status);
/* It cannot be run: exception, finish. */
void exec_fail(struct exec_job *job, const char *type, const char *note);
/* Report the state that a job has, to someone who asks again. */
void exec_report_state(struct exec_job *job);

#endif
