/* Between obj.c and obj_edit.c. */
#ifndef FLUX_MODULE_KVS_OBJ_PRIVATE_H
#define FLUX_MODULE_KVS_OBJ_PRIVATE_H

#include "modules/kvs/obj.h"

/* A body with room for that many entries and bytes, with what there is. */
int obj_reserve(struct objs *os, struct obj *o, unsigned room, size_t size);
int obj_make_kids(struct objs *os, struct obj *o); /* the array, if it has none */
void obj_free_body(struct objs *os, struct obj *o);
void obj_write_head(struct obj *o);
/* It is about to change: its hash is nobody's any more. */
void obj_unhash(struct objs *os, struct obj *o);

#endif
