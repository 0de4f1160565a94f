/* Requests about namespaces. */
#ifndef FLUX_MODULE_KVS_NAMESPACE_H
#define FLUX_MODULE_KVS_NAMESPACE_H

#include "modules/kvs/ns.h"

void namespace_create_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg);
void namespace_remove_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg);
void namespace_list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg);
void namespace_getroot_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg);
void namespace_wait_version_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg);

/* Make a new namespace durable, with a root (NULL: empty); msg may be NULL. -errno. */
int namespace_make(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns,
                   struct obj *root);
void namespace_disconnect(struct kvs *kvs, const flux_msg_t *msg);
void namespace_end_waiting(struct ns *ns);

#endif
