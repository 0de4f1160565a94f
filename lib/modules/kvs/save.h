/* Putting the objects of a tree into the store, in transactions of a quarter of a MiB
 * between which others get their turn. What is stored already is passed over.
 */
#ifndef FLUX_MODULE_KVS_SAVE_H
#define FLUX_MODULE_KVS_SAVE_H

#include "modules/kvs/kvs.h"

struct save;

/* Save root and all below it that is in memory; done gets 0, -ENOSPC, -EIO, or
 * -ECANCELED when the service ends. Never before it returns. */
typedef void (*save_f)(int rc, void *arg);
int save_start(struct kvs *kvs, struct obj *root, save_f done, void *arg);
/* End those that are under way, with -ECANCELED. */
void save_cancel_all(struct kvs *kvs);

#endif
