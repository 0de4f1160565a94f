/* A job in the shell: from the start request until its end is acknowledged.
 *
 * WAITING -> SPAWNING (a worker starts its tasks) -> RUNNING -> ENDING (the tasks have
 * exited; what they left behind is killed) -> DONE.
 */
#ifndef FLUX_SHELL_JOB_H
#define FLUX_SHELL_JOB_H

#include "base/list.h"
#include "shell/exchange.h"
#include "shell/journal.h"
#include "shell/limits.h"
#include "shell/plan.h"
#include "shell/task.h"

struct forward;
struct pmi;
struct shell;
struct tmpdir;

enum job_state {
    JOB_WAITING,
    JOB_SPAWNING,
    JOB_RUNNING,
    JOB_ENDING,
    JOB_DONE,
};

struct job {
    struct shell *sh;
    flux_jobid_t id;
    enum job_state state;
    struct list link;  /* in the shell's list for the state */
    struct list dirty; /* in the list of those with output to write */
    struct list young; /* in the list of those whose tasks are not in the journal */
    uint64_t seq;      /* order of starting */
    struct plan *plan; /* NULL: taken from a journal, or refused */
    struct output *output;
    struct tmpdir *tmpdir; /* NULL: it has none */
    struct stream *stream;
    struct stream *files; /* for shared files, which the leader writes; NULL: none */
    struct forward *to_keeper, *to_leader; /* NULL: it stays here */
    uint64_t *files_next; /* the leader: numbers of the next records, by node */
    bool paused;          /* nothing is read from the tasks */
    struct task *tasks;
    unsigned ntasks, nrunning;
    struct limits limits;
    struct pmi *pmi;           /* NULL: no task has spoken it */
    struct exchange *exchange; /* NULL: we are not the leader of several nodes */
    double ended_at;           /* monotonic; when it began ENDING */
    flux_error_t spawn_error;  /* why no task could be started; "" */
    bool spawn_failed;
    bool cancelled;
    struct journal_end end;
    int severity;              /* of the exception */
    char *exc_type, *exc_note; /* NULL: there was none */
};

/* Make a job that waits to be spawned. jobspec and r are taken over. One that makes no
 * sense fails at once, by an exception. 0, -ENOMEM. */
int job_start(struct shell *sh, flux_jobid_t id, cJSON *jobspec, cJSON *r);
/* Make a job that is DONE: an exception and wait status. */
int job_refuse(struct shell *sh, flux_jobid_t id, const char *type, const char *note);
/* Make a job from a journal, DONE when that says it ended, else ENDING. */
int job_restore(struct shell *sh, const struct journal_job *saved, struct job **ret);
void job_free(struct job *job);

/* On a worker: open the files, start the tasks. Then, on the loop: take them over. */
void job_spawn(struct job *job);
void job_spawned(struct job *job);
/* Everything of it is dead: finish. Then, perhaps later: its output was taken. */
void job_finish(struct job *job);
void job_told(struct job *job);

void job_raise(struct job *job, int severity, const char *type, const char *note);
/* Send a signal to all tasks. -ESRCH: none runs. */
int job_signal(struct job *job, int signum);
/* SIGTERM now, SIGKILL later; a job that has not started ends at once, and one that only
 * waits for its output to be taken does not wait for its leader any more. */
void job_cancel(struct job *job);

#endif
