/* job-exec: brings jobs to life. The job manager hands over jobs that have resources
 * (RFC 32, batched); mock jobs are timers in here, real ones go to the resident
 * flux-shell of each rank that they use. A shell is started through its broker's rexec
 * service when the first job needs it, and again when it dies (it recovers by its
 * journal).
 *
 *   -> job-manager.exec-hello {"service","batch":true}
 *   job-manager -> start {"jobs":[{"id","userid","jobspec","R","reattach"}...]},
 *                  kill {"id","signum"}, cancel {"ids"}, ack {"ids"},
 *                  expiration {"id","expiration"}
 *   -> job-manager.exec-results {"results":[{"id","type","data"}...]}
 *      type: start, reattached, exception, finish, release; stray: a shell has this job,
 *      which we do not know; answered by a start, or by an ack when the job is over
 *   shell -> shell-hello (stream), shell-results: see lib/shell/shell.h
 *   job-info -> output {"id","follow","skip"} (stream of RFC 24 entries): passed on to
 *               the shell of our rank, again from where it was when that has to be
 *               replaced
 *
 * The shell of our rank keeps the output of all jobs; those of other ranks pass it on before
 * they report that a job has finished.
 *
 * A job is a part on each rank of its R. It has started when all parts have; a fatal
 * exception on one ends all; it finishes when all have, with the worst wait status. A
 * rank whose broker is gone does not end its part: its tasks go on, and the shell comes
 * back, or the part is lost after exec.lost-timeout.
 *
 * When a task of a job on several ranks exits, the others have exit-timeout to follow.
 *
 * Every job that is handed over gets a finish (and a final release) in the end, also one
 * that could not be started. Each is held until the job manager has it on disk (ack).
 * Ranks that are done with a job that has to end, and does not within a second, are
 * released before.
 */
#ifndef FLUX_JOB_EXEC_EXEC_H
#define FLUX_JOB_EXEC_EXEC_H

#include <flux/core.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

struct exec_job;
struct relays;
struct shellctl;
struct shells;

enum part_state {
    PART_WAITING, /* for the shell */
    PART_SENT,    /* the shell was told to start it */
    PART_RUNNING, /* the shell said that it has started */
    PART_FINISHED,
};

/* A job on one rank. */
struct exec_part {
    struct exec_job *job;
    struct shellctl *shell;
    struct list link; /* in the shell's list for the state */
    uint8_t state;
    bool was_running; /* it has started before: must not be started again */
    bool maybe_told;  /* its shell may know of it */
    bool started;     /* counted in job.nstarted */
    bool released;    /* that was reported */
};

struct exec_end {
    int status;          /* wait status: the worst */
    double utime, stime; /* seconds */
    int64_t maxrss;      /* KiB */
};

struct exec_job {
    struct exec *x;
    flux_jobid_t id;
    struct list link; /* in exec.ending */
    char *entry;      /* the start request's entry, until all parts run */
    size_t entry_len;
    struct mock *mock;       /* NULL: a real job */
    char *exception;         /* the data of the first one; NULL: there was none */
    struct exec_part *parts; /* in order of rank */
    struct exec_part one;    /* what parts points to when there is one */
    unsigned nparts, nstarted, nfinished;
    unsigned ntasks; /* 0: not known, or it does not matter */
    bool reattach;   /* the job manager knows of its start */
    bool maybe;      /* an earlier one of us may have told shells of it */
    bool started;    /* reported */
    bool doomed;     /* by a cancel or an exception: it is to end everywhere */
    bool finished;   /* reported */
    bool has_usage;
    flux_watcher_t *exit_timer; /* runs after the first exit of a task; NULL: none was */
    bool has_expiration;        /* a changed one */
    double expiration;          /* wall clock; 0: none */
    struct exec_end end;
};

struct exec {
    flux_t *h;
    flux_reactor_t *r;
    const char *name; /* of the service */
    flux_msg_handler_t **handlers;
    struct umap *jobs;  /* id -> struct exec_job */
    struct list ending; /* doomed jobs with finished parts that are not released */
    unsigned nreal;     /* real jobs that have not been acknowledged */
    struct buf results; /* for the next exec-results message */
    bool ready;         /* the job manager answered our hello */
    flux_future_t *hello, *statedir;
    flux_watcher_t *turn, *awake, *hello_timer, *release_timer;
    struct shells *shells;
    struct relays *relays;
    double kill_timeout;   /* seconds */
    double orphan_timeout; /* seconds; < 0: for ever; -2: not known yet */
    double lost_timeout;   /* seconds; < 0: for ever */
    char *shell_path;
};

struct exec_job *exec_job(struct exec *x, flux_jobid_t id);
struct exec_job *exec_add(struct exec *x, flux_jobid_t id); /* NULL on ENOMEM, EEXIST */
void exec_forget(struct exec *x, struct exec_job *job);
void exec_job_free(void *job);
/* Something changed: let the turn's end come at once, also when what changed it ran in
 * that part of the loop behind which it would wait. */
void exec_poke(struct exec *x);
/* Send the reports of this turn. */
void job_exec_flush(struct exec *x);
/* Reports to the job manager, sent at the end of the turn. */
void exec_report(struct exec *x, flux_jobid_t id, const char *type, struct slice data);
/* The first fatal exception of a job: report it, and remember. data: of the report. */
void exec_raise(struct exec_job *job, struct slice data);
void exec_raise_note(struct exec_job *job, const char *type, const char *note);
/* All of it is over (job.end): report finish and the final release. */
void exec_over(struct exec_job *job);
/* A job that ends here: mock, or never started. Wait status. */
void exec_finish(struct exec_job *job, int status);
/* It cannot be run: exception, finish. */
void exec_fail(struct exec_job *job, const char *type, const char *note);
/* Does it run elsewhere than on our rank alone? Then its output comes from elsewhere. */
bool exec_is_spread(const struct exec_job *job);
/* Report the state that a job has, to someone who asks again. */
void exec_report_state(struct exec_job *job);

#endif
