/* Who belongs to a group of brokers (groups.get), followed as it changes. */
#ifndef FLUX_RESOURCE_GROUP_H
#define FLUX_RESOURCE_GROUP_H

#include <flux/handle.h>
#include <flux/idset.h>

struct group;
/* The members now; borrowed. */
typedef void (*group_f)(const struct idset *members, void *arg);

int group_new(flux_t *h, const char *name, group_f changed, void *arg,
              struct group **ret);
void group_free(struct group *g); /* accepts NULL */

#endif
