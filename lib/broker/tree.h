/* How the tree of brokers is: the services overlay.health {} -> {"rank","status",
 * "duration","children":[..]}; overlay.topology {"rank"?} -> {"rank","size","children"};
 * overlay.monitor {} (stream): {"rank","status","torpid": idset of children} now and at
 * each change; overlay.errors {} -> {"errors":{rank: why a child is not connected}};
 * overlay.disconnect-parent {}: hang up on the parent, to connect again. */
#ifndef FLUX_BROKER_TREE_H
#define FLUX_BROKER_TREE_H

struct broker;
struct tree;

int tree_new(struct broker *b, struct tree **ret);
void tree_free(struct tree *t); /* accepts NULL */
int tree_serve(struct tree *t);
/* The health of our subtree has changed. */
void tree_changed(struct tree *t);

#endif
