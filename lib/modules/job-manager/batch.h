/* Batches: what happened in a turn of the loop, on its way to the disk.
 *
 * One batch is open and collects; at most one is with the store. At the end of a turn
 * the open one is committed as one transaction if the store is free. When it is on
 * disk, answers go out, then the journal, then its jobs take their next steps.
 *
 * When the disk is full, submissions of the batch are refused and all else is kept and
 * tried again when there is room.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_BATCH_H
#define FLUX_JOB_MANAGER_BATCH_H

#include "modules/job-manager/manager.h"
#include "modules/job-manager/specs.h"

/* What is to be written for one job. */
struct change {
    struct job *job;
    struct buf events; /* lines of the log */
    uint32_t seq;      /* number of the first one */
    uint32_t count;    /* how many */
    bool put_R;
    struct spec *spec; /* of a new job */
};

struct batches;

int batches_new(struct job_manager *jm, struct batches **ret);
/* Waits for what is under way. */
void batches_free(struct batches *b);
/* Is a batch with the store? */
bool batches_busy(const struct batches *b);
/* Commit all that is open and wait for it. */
int batches_flush(struct batches *b);

/* The job's entry in the open batch; NULL on ENOMEM. */
struct change *batch_change(struct batches *b, struct job *job);
/* Take a new job that was refused out again. */
void batch_forget(struct batches *b, struct job *job);
/* Answer msg when the open batch is on disk: with text (consumed; NULL: no payload). */
int batch_respond(struct batches *b, const flux_msg_t *msg, char *text);
/* Answer a submission when the jobs that it names are on disk: text has their ids, of which
 * those that cannot be written become errors. last: the latest of them that is not on disk
 * yet, NULL: all are. */
int batch_respond_jobs(struct batches *b, const flux_msg_t *msg, char *text,
                       const struct job *last);
/* Set a value of the store's metadata; the last one set in a batch counts. */
int batch_meta(struct batches *b, const char *key, const char *value);
/* Remove an ended job from the store. */
int batch_delete(struct batches *b, flux_jobid_t id);
/* Why submissions are refused now: NULL if they are not. */
const char *batches_refusal(struct batches *b, int *ret_errno);

#endif
