/* Which broker is on which host, as a task map (RFC 34): [[node,nnodes,per node,repeat],..]
 */
#ifndef FLUX_BROKER_MAPPING_H
#define FLUX_BROKER_MAPPING_H

#include "base/buf.h"

/* hostlist: of all ranks, in order. Appends to out. -errno. */
int mapping_encode(const char *hostlist, struct buf *out);

#endif
