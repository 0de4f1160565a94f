/* Lookups: from a key to an answer. */
#ifndef FLUX_MODULE_KVS_LOOKUP_H
#define FLUX_MODULE_KVS_LOOKUP_H

#include "modules/kvs/ns.h"

/* kvs.lookup, kvs.lookup-plus */
void lookup_request(struct kvs *kvs, const flux_msg_t *msg, bool plus);
/* A namespace has a new version: some may have waited for it. */
void lookup_version(struct ns *ns);
/* A namespace is gone, and with it what they have waited for. */
void lookup_gone(struct ns *ns);
/* The sender of some has gone. */
void lookup_disconnect(struct kvs *kvs, const flux_msg_t *msg);
/* End those that are under way. */
void lookup_cancel_all(struct kvs *kvs);

#endif
