/* Shared by exec.c and exec_result.c. */
#ifndef FLUX_JOB_MANAGER_EXEC_PRIVATE_H
#define FLUX_JOB_MANAGER_EXEC_PRIVATE_H

#include "base/json.h"
#include "modules/job-manager/exec.h"

struct exec {
    struct job_manager *jm;
    char *service;           /* NULL: none has said hello */
    const flux_msg_t *hello; /* its hello */
    bool batch;
    flux_msg_handler_t *responses; /* to <service>.start, not in batch mode */
    /* To be sent at the end of the commit, lists without their closing bracket. */
    struct buf starts, cancels, acks;
    unsigned nstarts;
    /* Jobs whose jobspec must be read first. */
    flux_jobid_t *loads;
    size_t nloads, loads_size;
};

/* One result: text of {"id","type","data"}. */
int exec_result(struct exec *e, struct slice text);
void exec_response_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg);

#endif
