/* job-info.eventlog-watch: the events of one job, past ones first, then as they come. */
#ifndef FLUX_JOB_INFO_WATCH_H
#define FLUX_JOB_INFO_WATCH_H

#include <flux/core.h>

#include "base/json.h"
#include "base/list.h"
#include "store/store.h"

struct watches {
    flux_t *h;
    struct store *store;
    struct list list; /* struct watch */
    flux_future_t *journal;
    bool journal_ready; /* the job manager knows of our journal request */
    flux_future_t *fence;
};

void watches_init(struct watches *ws, flux_t *h, struct store *store);
void watches_clear(struct watches *ws);

/* {"id":I,"path":s,"flags":i} -> stream of {"event":s}, ENODATA. path: eventlog,
 * guest.exec.eventlog, guest.output. */
void watch_start(struct watches *ws, const flux_msg_t *msg);
/* {} -> stream of {}: there may be a job that was not there before; others than the instance
 * owner are told of their own. For the kvs service, which lists them. */
void watch_jobs_start(struct watches *ws, const flux_msg_t *msg);
void watch_cancel(struct watches *ws, const flux_msg_t *msg);     /* {"matchtag":i} */
void watch_disconnect(struct watches *ws, const flux_msg_t *msg); /* client is gone */

#endif
