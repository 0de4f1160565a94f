/* The shell from inside: shared by the files of this folder.
 *
 * A turn of the loop collects; at its end, in this order: what dead jobs left is killed
 * and the jobs finish, output is written, the journal is written (begins and ends),
 * begun jobs go to the workers, results and output go out, and readers of output are
 * served.
 */
#ifndef FLUX_SHELL_SHELL_PRIVATE_H
#define FLUX_SHELL_SHELL_PRIVATE_H

#include <flux/message.h>
#include <flux/msg_handler.h>

#include "base/list.h"
#include "base/map.h"
#include "shell/job.h"
#include "shell/journal.h"
#include "shell/forward.h"
#include "shell/keep.h"
#include "shell/link.h"
#include "shell/pmi.h"
#include "shell/reaper.h"
#include "shell/shell.h"
#include "shell/tmpdir.h"

struct shell {
    struct env *env;
    flux_reactor_t *reactor;
    struct loop *loop;
    uint32_t userid;
    unsigned rank; /* of the broker */
    char *output_dir, *uri, *pmi_library;
    struct taskenv_opts env_opts;
    rlim_t nofile;
    double kill_timeout, orphan_timeout; /* seconds */

    struct journal *journal;
    struct umap *jobs;   /* id -> struct job */
    struct umap *tasks;  /* pid -> struct task, running ones */
    struct list waiting; /* jobs, by link */
    struct list ending;  /* jobs, by link */
    struct list running; /* jobs SPAWNING and RUNNING, by link, in order of seq */
    struct list dirty;   /* jobs, by dirty */
    struct list young;   /* jobs, by young */
    struct list follows; /* struct follow */
    struct umap *keeps;  /* id -> struct keep */
    struct list dirty_keeps;
    struct flux_msglist *puts; /* requests output-put, to be answered */
    struct tmpdirs *tmpdirs;   /* NULL: there are none */
    struct outlets *outlets;   /* output for other shells */
    struct list barriers;      /* struct pmi: of jobs that are in one with other nodes */
    unsigned active;           /* jobs that are not DONE */
    bool stopping;             /* done as soon as no job is active */
    bool done;                 /* nothing more to do */
    unsigned batches;          /* of spawns, under way */
    uint64_t seq;
    struct reaper *reaper;
    struct link *link;
    struct recovery *recovery; /* NULL: nothing (more) to recover */
    struct buf results;        /* for the next shell-results message */
    struct watcher *turn, *awake, *record, *again;
};

struct job *shell_job(const struct shell *sh, flux_jobid_t id);
/* Path of a job's output segment; yours to free(). NULL on ENOMEM. */
char *shell_output_path(const struct shell *sh, flux_jobid_t id);
/* Done, unless a job is active. */
void shell_quit(struct shell *sh);
/* Kill all jobs, without delay. */
void shell_kill_all(struct shell *sh);
/* Something changed: let the turn's end come at once, also when what changed it ran in
 * that part of the loop behind which it would wait. */
void shell_poke(struct shell *sh);
/* Go through the turn's end after some seconds, even when nothing else happens. */
void shell_turn_again(struct shell *sh, double after);

/* results.c: what job-exec is told. */
void results_start(struct shell *sh, const struct job *job, bool reattach);
void results_exception(struct shell *sh, const struct job *job);
void results_exited(struct shell *sh, const struct job *job);
void results_finish(struct shell *sh, const struct job *job);
void results_flush(struct shell *sh);
/* The payload of a hello; yours to free(). NULL on ENOMEM. */
char *results_hello(const struct shell *sh);

/* spawn.c: take waiting jobs into batches, with a begin record each; then start them. */
struct spawn_list {
    struct list batches;
};
void spawn_prepare(struct shell *sh, struct spawn_list *l);
void spawn_launch(struct shell *sh, struct spawn_list *l);
/* The begin records could not be written: the jobs wait again. */
void spawn_undo(struct shell *sh, struct spawn_list *l);

/* recover.c: see to the jobs of a shell that died. */
int recovery_start(struct shell *sh, struct journal_log *log);
void recovery_free(struct shell *sh);

/* follow.c: readers of output streams. */
int follow_add(struct shell *sh, flux_t *h, const flux_msg_t *msg);
void follow_cancel(struct shell *sh, flux_t *h, const flux_msg_t *msg);
void follow_disconnect(struct shell *sh, const flux_msg_t *msg);
void follow_drop_all(struct shell *sh);
void follow_turn(struct shell *sh);

/* service.c: handlers of UID-shell.*. */
int service_register(struct shell *sh, flux_t *h, flux_msg_handler_t ***ret_handlers);

#endif
