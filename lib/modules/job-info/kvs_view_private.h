/* A lookup of the KVS view under way: between kvs_view.c and kvs_output.c. */
#ifndef FLUX_JOB_INFO_KVS_VIEW_PRIVATE_H
#define FLUX_JOB_INFO_KVS_VIEW_PRIVATE_H

#include "base/buf.h"
#include "modules/job-info/kvs_view.h"
#include "proto/jobkey.h"

struct view {
    struct list link; /* views->outputs */
    struct kvs_view *views;
    flux_t *h;
    const flux_msg_t *msg;
    struct flux_msg_cred cred; /* of the reader */
    char *key;
    int flags;

    uint64_t id;
    uint32_t userid;
    bool active;
    bool below, want_output;
    double t_start, t_last; /* of its execution, of its output so far */
    struct buf data;        /* a piece, or output as it comes */
    struct buf log;         /* of the execution */
    struct buf val;         /* the answer's object */
    flux_future_t *output;
    flux_error_t err;
};

void view_free(struct view *v);
/* Answer it (0: what v->val holds), and free it. */
void view_end(struct view *v, int rc);
/* Make a value of these bytes the answer. */
int view_value(struct view *v, const void *data, size_t len);
/* Get the job's output, then end it. */
void view_output_start(struct view *v);

#endif
