/* Requests of those who look after the store: `flux gc` and its like. At the leader. */
#ifndef FLUX_MODULE_KVS_ADMIN_H
#define FLUX_MODULE_KVS_ADMIN_H

#include "modules/kvs/kvs.h"

struct admin;

int admin_new(struct kvs *kvs, struct admin **ret);
void admin_free(struct admin *a); /* accepts NULL */

#endif
