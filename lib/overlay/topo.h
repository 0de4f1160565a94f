/* The shape of the tree of brokers: who is whose parent. Pure; never changes once made.
 *
 * Specs: "kary:K" (parent of r is (r-1)/K), "binomial", and custom ones, by a list of
 * parents. Rank 0 is the root, and a parent's rank is below its children's.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_TOPO_H
#define FLUX_OVERLAY_TOPO_H

#include <stdbool.h>
#include <stdint.h>

#include <flux/types.h>

struct topo;

#define TOPO_NONE UINT32_MAX

/* -EINVAL: err names the spec and the known ones. */
int topo_new(const char *spec, uint32_t size, struct topo **ret, flux_error_t *err);
/* parents[r] for r > 0; copied. -EINVAL: err names the rank whose parent is wrong. */
int topo_new_custom(const uint32_t *parents, uint32_t size, struct topo **ret,
                    flux_error_t *err);
void topo_free(struct topo *t); /* accepts NULL */

uint32_t topo_size(const struct topo *t);
uint32_t topo_parent(const struct topo *t, uint32_t rank); /* TOPO_NONE: the root's */
/* The child of `rank` at or above `dest`; TOPO_NONE: dest is not below rank. */
uint32_t topo_toward(const struct topo *t, uint32_t rank, uint32_t dest);
/* Children in order: the first above `after` (TOPO_NONE: the first of all); TOPO_NONE:
 * no more. */
uint32_t topo_next_child(const struct topo *t, uint32_t rank, uint32_t after);
bool topo_has_children(const struct topo *t, uint32_t rank);
unsigned topo_level(const struct topo *t, uint32_t rank); /* 0: the root */
unsigned topo_maxlevel(const struct topo *t);
uint32_t topo_descendants(const struct topo *t, uint32_t rank); /* without itself */

#endif
