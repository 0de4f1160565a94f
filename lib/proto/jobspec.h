/* Jobspec V1 (RFC 14, 25): validation, and what the services need to know of one.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_JOBSPEC_H
#define FLUX_PROTO_JOBSPEC_H

#include "base/json.h"

/* The shape of a job: resources.[node>]slot>core(,gpu). */
struct jobspec_shape {
    unsigned nnodes;         /* 0: not said */
    unsigned nslots;         /* in total */
    unsigned slots_per_node; /* 0 unless nodes are given */
    unsigned cores_per_slot;
    unsigned gpus_per_slot;
    bool exclusive;  /* whole nodes */
    unsigned ntasks; /* from tasks[].count: per_slot or total */
};

struct jobspec_info {
    struct jobspec_shape shape;
    double duration; /* seconds; 0: unlimited */
    /* Borrowed from the tree; NULL when absent. */
    const char *name; /* attributes.system.job.name, or the command's last part */
    const char *queue, *project, *bank, *cwd;
    const cJSON *command; /* array of strings */
    const cJSON *environment;
    const cJSON *dependencies; /* array */
    const cJSON *constraints;
    const cJSON *system; /* attributes.system */
};

/* Check the whole of a jobspec against V1 (version 1, one task, one slot, counts
 * >= 1 and <= 2^20, duration a number >= 0, environment strings, ...) and read it. err
 * names the offending key. -EINVAL. */
int jobspec_read(const cJSON *jobspec, struct jobspec_info *ret, flux_error_t *err);

/* The job's name as job-list shows it (basename of command[0] by default). */
int jobspec_default_name(const cJSON *jobspec, char *buf, size_t size);

#endif
