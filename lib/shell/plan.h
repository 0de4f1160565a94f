/* What a job asks of the shell on one node, read from its jobspec and R. A plan does not
 * change once read; any thread may look at it.
 *
 * Tasks have a rank in the job, and an index among those of this node.
 */
#ifndef FLUX_SHELL_PLAN_H
#define FLUX_SHELL_PLAN_H

#include <sys/types.h>

#include "base/json.h"
#include "env/proc.h"
#include "proto/jobspec.h"
#include "shell/layout.h"
#include "shell/template.h"

#define PLAN_MAX_RLIMITS 16

/* Where stdout or stderr of the tasks goes. */
struct plan_stream {
    const char *path; /* template; NULL: to the job's output stream */
    bool append;      /* keep what is in the file */
    bool label;       /* "RANK: " in front of each line */
    bool unbuffered;  /* pass on bytes as they come, not lines */
    bool shared;      /* a file of several nodes: the leader writes it */
};

struct plan {
    flux_jobid_t id;
    cJSON *jobspec, *r; /* owned; r may be NULL */
    struct jobspec_info info;
    struct template_vars vars; /* all but rank and local_id */
    char name[64];
    char *node_name, *cores, *gpus;
    struct layout layout;
    unsigned node;   /* of this shell */
    unsigned leader; /* broker rank of node 0 */
    unsigned ntasks; /* of the job */
    unsigned nlocal; /* of this node; may be 0 */
    unsigned argc;
    double expiration;   /* wall clock, seconds; 0: none */
    double exit_timeout; /* seconds after the first exit; < 0: none */
    bool exit_on_error;  /* a task that fails ends the job */
    bool own_group;      /* each task is a process group */
    bool pmi;            /* each task has a PMI socket */
    int warn_signum;     /* sent warn_left seconds before the expiration; 0: none */
    double warn_left;
    uint64_t output_limit;
    struct plan_stream stream[2];
    const char *input; /* file for stdin; NULL: /dev/null */
    struct proc_rlimit rlimits[PLAN_MAX_RLIMITS];
    unsigned nrlimits;
};

/* Read, for the shell of a broker rank; jobspec and r (may be NULL) are taken over, also
 * on failure. -EINVAL with the reason in err, -ENOMEM. */
int plan_new(flux_jobid_t id, unsigned broker_rank, cJSON *jobspec, cJSON *r,
             struct plan **ret, flux_error_t *err);
void plan_free(struct plan *p); /* accepts NULL */

/* Does stdout (0) or stderr (1) go to a file of another node, the leader? */
bool plan_is_leaders(const struct plan *p, int which);
/* Does this node write a file for others? */
bool plan_writes_for_others(const struct plan *p);
/* The rank in the job of a task of this node. */
unsigned plan_task_rank(const struct plan *p, unsigned index);
/* The command of a task, tags expanded: NULL-terminated, one block to free(). */
int plan_argv(const struct plan *p, unsigned index, char ***ret);
/* An absolute path for a template of the plan; yours to free(). */
int plan_path(const struct plan *p, const char *tmpl, unsigned index, char **ret);

#endif
