/* The clocks of a job: time limit and its warning, the time other tasks have after the
 * first exit, and the way from SIGTERM to SIGKILL. Timers are made when needed. The time
 * after the first exit on any of several nodes is job-exec's to watch.
 */
#ifndef FLUX_SHELL_LIMITS_H
#define FLUX_SHELL_LIMITS_H

#include "env/loop.h"

struct job;

struct limits {
    struct watcher *expire, *warn, *exit, *kill;
    double expiration; /* wall clock, seconds; 0: none */
    double first_exit; /* monotonic; 0: there was none */
};

void limits_start(struct job *job); /* the tasks run */
void limits_task_exited(struct job *job, int wstatus);
/* Seconds that tasks on other nodes have left after the first exit here; < 0: no limit, or
 * there was none. */
double limits_exit_left(const struct job *job);
void limits_escalate(struct job *job); /* SIGTERM was sent */
/* A new time limit: wall clock, seconds; 0: none. */
void limits_set_expiration(struct job *job, double at);
void limits_stop(struct job *job);

#endif
