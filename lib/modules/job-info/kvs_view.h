/* The jobs as they appear in the KVS, below "job": lookups there are sent here by the kvs
 * service, with the reader's credentials.
 */
#ifndef FLUX_JOB_INFO_KVS_VIEW_H
#define FLUX_JOB_INFO_KVS_VIEW_H

#include <flux/core.h>

#include "base/list.h"
#include "store/store.h"

struct kvs_view {
    flux_t *h;
    struct store *store;
    struct list outputs; /* lookups that wait for a job's output */
};

void kvs_view_init(struct kvs_view *v, flux_t *h, struct store *store);
void kvs_view_clear(struct kvs_view *v);

/* {"key":s,"flags":i} -> {"val":treeobj}, or {"below":true}: the job's own namespace, which
 * the kvs service has, is where to look, and the reader may. The key is in normal form,
 * without "job.". */
void kvs_view_lookup(struct kvs_view *v, const flux_msg_t *msg);
/* {"id":I} -> {"userid":I,"active":b}; for the job's owner, too. */
void kvs_view_job(struct kvs_view *v, const flux_msg_t *msg);
/* The reader has gone. */
void kvs_view_disconnect(struct kvs_view *v, const flux_msg_t *msg);

#endif
