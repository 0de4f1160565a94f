/* One job-list.list request at work. */
#ifndef FLUX_JOB_LIST_LIST_H
#define FLUX_JOB_LIST_LIST_H

#include <flux/core.h>

#include "base/list.h"
#include "base/map.h"
#include "modules/job-list/match.h"
#include "store/store.h"

struct job_list {
    flux_t *h;
    struct store *store;
    struct list requests;       /* struct list_request */
    struct list lookups, stats; /* likewise, of lookup.c and stats.c */
};

/* Start answering; failures are answered here too. */
void list_start(struct job_list *jl, const flux_msg_t *msg);
/* A client that is gone, or cancelled: stop answering. */
void list_disconnect(struct job_list *jl, const flux_msg_t *msg);
void list_cancel(struct job_list *jl, const flux_msg_t *msg);
/* The module goes: answer what can be answered, forget the rest. */
void list_stop_all(struct job_list *jl);

/* Whether a list of attribute names has "all". */
bool list_wants_all(const cJSON *attrs);
/* Append the wanted attributes of a job object; attrs NULL: all but the private "x". */
void list_project(const cJSON *job, const cJSON *attrs, struct buf *out);

#endif
