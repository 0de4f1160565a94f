/* job-ingest: takes submissions, checks them, and hands them to the job manager.
 *
 * job-ingest.submit {"J":s,"urgency":i,"flags":i,"nonce":s?} -> {"id":I}. J is a signed
 * request (RFC 39) whose payload is a jobspec. What arrives in one turn of the loop
 * goes on in one job-manager.submit.
 */
#ifndef FLUX_JOB_INGEST_INGEST_H
#define FLUX_JOB_INGEST_INGEST_H

#include <flux/core.h>
#include <flux/job.h>

#include "base/json.h"
#include "base/list.h"
#include "modules/job-ingest/resources.h"
#include "base/slice.h"
#include "proto/submit.h"

#define INGEST_JOBSPEC_MAX (1u << 20) /* bytes */
#define INGEST_RECENT 8               /* digested jobspecs that are remembered */
#define INGEST_BATCH_BYTES (4u << 20) /* pass on before the turn ends */

/* A jobspec that was checked; equal requests share it. */
struct ingest_spec {
    char *J;
    size_t J_len;
    uint32_t userid; /* who signed it */
    struct submit_digest digest;
};

struct ingest {
    flux_t *h;
    flux_msg_handler_t **handlers;
    flux_watcher_t *prepare;
    struct resources *resources;
    /* [policy] jobspec.defaults.system */
    double default_duration; /* 0: none */
    char *default_queue;
    struct ingest_spec recent[INGEST_RECENT];
    unsigned next_recent;
    /* This turn's: jobs and their requests. */
    struct submit_batch batch;
    struct flux_msglist *requests;
    struct list flights; /* turns that wait for the job manager */
};

/* spec.c: the checked jobspec of a request; borrowed, good until the next call. -errno
 * with err. */
int ingest_spec_get(struct ingest *in, struct slice J, uint32_t userid,
                    struct ingest_spec **ret, flux_error_t *err);
void ingest_spec_forget(struct ingest *in);

/* batch.c: pass on what was collected. */
void ingest_flush(struct ingest *in);
/* Give up on what was passed on. */
void ingest_give_up(struct ingest *in);

#endif
