/* Groups of brokers: named sets of ranks. A client joins its broker to a group; each
 * broker tells its parent the groups of its whole subtree, whenever they change, so that
 * rank 0 knows all.
 *
 * groups.join {"name"}, leave {"name"}; get {"name"} -> {"members": idset}, as a stream
 * again at each change, answered by rank 0; update {"groups": {name: idset}}, between
 * brokers.
 *
 * broker.online: those that have started; broker.torpid: those that their parent has not
 * heard of for a while.
 */
#ifndef FLUX_BROKER_GROUPS_H
#define FLUX_BROKER_GROUPS_H

#include <flux/idset.h>

struct broker;
struct groups;

int groups_new(struct broker *b, struct groups **ret);
void groups_free(struct groups *g); /* accepts NULL */
int groups_serve(struct groups *g);
/* The broker itself joins a group, or leaves it. */
int groups_set(struct groups *g, const char *name, bool member);
/* Members in our subtree; borrowed, NULL: none. */
const struct idset *groups_members(const struct groups *g, const char *name);
/* Call fn after they have changed. */
void groups_on_change(struct groups *g, void (*fn)(void *arg), void *arg);

/* ---- news of other brokers ---- */

void groups_parent_up(struct groups *g);
void groups_child_gone(struct groups *g, uint32_t rank);
/* Other children may be torpid now. */
void groups_tree_changed(struct groups *g);

#endif
