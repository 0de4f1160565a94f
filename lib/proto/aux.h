/* Things that hang on an object by name, with their destructors: what the
 * flux_*_aux_set() calls keep. A list head is a pointer that starts as NULL.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_AUX_H
#define FLUX_PROTO_AUX_H

#include <flux/types.h>

struct aux;

/* name NULL: kept until aux_free(), free_fn needed. A name set again frees the old
 * value; val NULL removes it. -EINVAL, -ENOMEM. */
int aux_set(struct aux **head, const char *name, void *val, flux_free_f free_fn);
void *aux_get(const struct aux *head, const char *name); /* NULL when absent */
/* Remove items with this value without calling their destructors. */
void aux_forget(struct aux **head, const void *val);
/* Latest first. */
void aux_free(struct aux **head);

#endif
