/* What services an endpoint has sent requests to, and where: each is told when the
 * endpoint goes. */
#ifndef FLUX_BROKER_USED_H
#define FLUX_BROKER_USED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"

/* One service. */
struct used {
    bool remote;     /* its requests left this broker, */
    bool upstream;   /* with this flag */
    uint32_t nodeid; /* and this rank */
    char name[];     /* of the service; a remote one's: the topic without its last part */
};

struct used_set { /* {0} is an empty one */
    struct map *map;
    const struct used *last; /* noted: saves most look-ups */
};

/* Note a request to name[0..len), at `where` (nodeid, upstream) if it is remote. What
 * cannot be noted for lack of memory is forgotten. */
void used_note(struct used_set *s, const char *name, size_t len, bool remote,
               uint32_t nodeid, bool upstream);
/* Call fn for each, in the order they were first used. */
void used_each(const struct used_set *s, void (*fn)(const struct used *u, void *arg),
               void *arg);
void used_clear(struct used_set *s);

#endif
