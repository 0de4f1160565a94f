/* Reading all that there is, a piece at a time, for archives and checks. The client asks
 * for one piece after the other, so nothing heaps up here.
 *
 *   kvs.roots  {}                              -> {"roots":[{"namespace":s,"owner":I,
 *              "flags":i,"rootref":s}..],"meta":{..}}    of the last checkpoint; they are
 *              kept as those of getroot are
 *   kvs.walk   {"rootref":s,"key":s?,"offset":I?,"check":b?} -> {"items":[..],"more":b,
 *              "key":s,"offset":I}         to be asked again with that key and offset
 *       item   [key,"val",size,offset,base64] [key,"link",namespace,target] [key,"dir"]
 *              [key,"bad",reason,blobref]
 *   kvs.jobs   {"after":I}                     -> {"jobs":[row..],"more":b}
 *       row    {"id":I,"state":i,..,"rec":s,"pieces":{name:base64..}}
 *   kvs.lost   {}                              -> {"lost":[{"what":s,"why":s,"t":f}..]}
 *   kvs.jobs-put {"jobs":[row..],"meta":{..}?} -> {}
 */
#ifndef FLUX_MODULE_KVS_DUMP_H
#define FLUX_MODULE_KVS_DUMP_H

#include "modules/kvs/kvs.h"

struct dumps;

int dumps_new(struct kvs *kvs, struct dumps **ret);
void dumps_free(struct dumps *d); /* accepts NULL */

void dump_roots(struct dumps *d, const flux_msg_t *msg);
void dump_walk(struct dumps *d, const flux_msg_t *msg);
void dump_jobs(struct dumps *d, const flux_msg_t *msg);
void dump_lost(struct dumps *d, const flux_msg_t *msg);
void dump_jobs_put(struct dumps *d, const flux_msg_t *msg);

#endif
