/* The job shell: runs the tasks of many jobs of one user on one node, for job-exec of
 * the instance; it connects to the node's broker. A job may run on several nodes, with a
 * shell on each.
 *
 * Conversation (all payloads are JSON):
 *   shell -> broker    service.add "UID-shell"
 *   shell -> job-exec  job-exec.shell-hello {"userid","rank","jobs":[{"id","state",
 *                      "data"?,"exception"?,"ntasks"?,"exit-timeout"?}...]} (stream; it lasts as long as job-exec
 *                      wants this shell) -> {"kill-timeout":f,"orphan-timeout":f?}
 *                      state: "starting", "running" or "finished"
 *   job-exec -> shell  UID-shell.start {"jobs":[{"id","userid","jobspec","R",
 *                      "reattach"?}...]} -> {}
 *                      A job that is known reports its state. One that is not is
 *                      started; with "reattach" (it has been before) it is lost.
 *   job-exec -> shell  .kill {"id","signum"}, .cancel {"ids"}, .ack {"ids"}, .exit {},
 *                      .expiration {"id","expiration"}
 *   anyone   -> shell  of rank 0: .output {"id","follow":b?,"skip":i?,"live":b?,
 *                      "ntasks":i?} (stream) -> {"events":[...]}
 *                      live: the job may run elsewhere; output-end will say when it is
 *                      over
 *                      .output-cancel {"matchtag"}
 *   job-exec -> shell  of rank 0: .output-end {"ids"}
 *   shell -> shell     .output-put (raw): output that is kept, or written, there; see
 *                      forward.h. .pmi-barrier: see pmi.h
 *   shell -> job-exec  job-exec.shell-results {"rank","results":[{"id","type",
 *                      "data"}...]}
 *                      type: "start" and "reattached" {"ntasks"?}, "exception", "finish",
 *                      "exited" {"exit-timeout":f}: the first task here, of a job on
 *                      several nodes; so long others may run
 * Every job gets a start and a finish; a finish is held, and told again at each hello,
 * until it is acknowledged.
 *
 * The broker may go away, or its way to job-exec: jobs go on, for `orphan_timeout` at
 * most, and the shell connects, or says hello, again. The shell may be killed: the next
 * one reads its journal.
 */
#ifndef FLUX_SHELL_SHELL_H
#define FLUX_SHELL_SHELL_H

#include <sys/resource.h>

#include <flux/types.h>
#include <flux/reactor.h>

#include "env/env.h"

struct shell;

struct shell_opts {
    struct env *env;
    flux_reactor_t *reactor;
    /* A new connection to the broker; NULL with the reason in err. */
    flux_t *(*connect)(void *arg, flux_error_t *err);
    void *connect_arg;
    uint32_t userid;
    unsigned rank;          /* of the broker */
    const char *uri;        /* FLUX_URI of the tasks */
    const char *dir;        /* folder of the journal */
    const char *output_dir; /* folder of the output streams */
    const char *tmp_dir; /* folder of the jobs' temporary files; NULL: there are none */
    const char *pmi_library; /* FLUX_PMI_LIBRARY_PATH; NULL: there is none */
    rlim_t nofile;           /* soft descriptor limit of tasks; 0: as the shell's */
    double orphan_timeout;   /* seconds that jobs live without a broker; < 0: forever */
};

/* Lock the journal and take up what an earlier shell left. -EBUSY: another shell lives.
 * The options are copied. */
int shell_new(const struct shell_opts *opts, struct shell **ret, flux_error_t *err);
/* Connect, and go on trying. */
void shell_start(struct shell *sh);
/* Run the reactor until the shell has nothing more to do. */
void shell_run(struct shell *sh);
/* Has it? (For those who run the reactor themselves; a lost connection stops it too.) */
bool shell_is_done(const struct shell *sh);
/* Kill all jobs; then there is nothing more to do. */
void shell_stop(struct shell *sh);
/* Jobs that have not finished. */
unsigned shell_active_jobs(const struct shell *sh);
/* Does not kill tasks: stop the reactor only when there are none. Accepts NULL. */
void shell_free(struct shell *sh);

#endif
