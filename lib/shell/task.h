/* One task of a job: a process. Spawning may happen on any thread; the rest is the
 * loop's.
 */
#ifndef FLUX_SHELL_TASK_H
#define FLUX_SHELL_TASK_H

#include "shell/capture.h"
#include "shell/output.h"
#include "shell/taskenv.h"

struct job;

struct task {
    struct job *job;
    unsigned index; /* on this node */
    unsigned rank;  /* in the job */
    pid_t pid;      /* 0: was never started */
    int pidfd;
    int pipe[2];   /* our ends of stdout, stderr, before they are captured; -1: none */
    int error;     /* 0, or the -errno of the spawn */
    char *message; /* for the user, NULL: nothing to say */
    bool running;
    int status; /* wait status, when it has exited */
    struct watcher *exit;
    struct capture *capture[2];
    int pmi_fd; /* our end of PMI_FD; -1: none */
    struct watcher *pmi_watcher;
};

struct task_context {
    struct env *env;
    const struct plan *plan;
    const struct output *output;
    const struct taskenv_opts *env_opts;
    rlim_t nofile; /* soft descriptor limit of a task that asks for none; 0: ours */
};

void task_init(struct task *t, struct job *job, unsigned index, unsigned rank);
/* Start the process. The result is in t: pid, or error and status. */
void task_spawn(struct task *t, const struct task_context *ctx);
void task_clear(struct task *t);

#endif
