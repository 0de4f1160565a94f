/* job-info.lookup: pieces of a job from the store. */
#ifndef FLUX_JOB_INFO_LOOKUP_H
#define FLUX_JOB_INFO_LOOKUP_H

#include <flux/core.h>

#include "base/buf.h"
#include "store/store.h"

/* {"id":I,"keys":[s],"flags":i} -> {"id":I,"<key>":...}. Keys: jobspec, R, eventlog, J. Flag 1: jobspec
 * and R as objects instead of text. */
void lookup_start(flux_t *h, struct store *store, const flux_msg_t *msg);
/* Append one of these pieces of a user's job. -ENOENT. */
int lookup_piece(struct store_reader *r, uint64_t id, uint32_t userid, const char *key,
                 struct buf *out);

#endif
