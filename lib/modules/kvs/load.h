/* Starting: the roots of the last checkpoint, and what the log says happened since. */
#ifndef FLUX_MODULE_KVS_LOAD_H
#define FLUX_MODULE_KVS_LOAD_H

#include "modules/kvs/kvs.h"

/* Make the namespaces. A record that is damaged is put aside, and the rest goes on; -errno
 * only when the store cannot be read at all. */
int load_all(struct kvs *kvs);

#endif
