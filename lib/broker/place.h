/* A broker's place in the instance, given to it directly: for tests and simulations, which
 * make many brokers in one process and need nobody to introduce them. */
#ifndef FLUX_BROKER_PLACE_H
#define FLUX_BROKER_PLACE_H

#include "broker/boot.h"

struct broker;

struct broker_place {
    uint32_t rank, size;
    const char *topo;         /* NULL: BOOT_TOPO */
    const char *hostname;     /* of this broker; NULL: what the host says */
    const char *hostlist;     /* rank 0's; NULL: its hostname for all */
    const char *bind;         /* listen there, if it has children */
    const char *parent;       /* dial that; rank > 0 */
    const unsigned char *key; /* OVERLAY_KEY_SIZE bytes; NULL: zeros */
    bool encrypt;
};

/* Before broker_start(). Copies what it needs. -EINVAL, err. */
int broker_set_place(struct broker *b, const struct broker_place *place,
                     flux_error_t *err);

/* A place to be filled in, and freed (NULL accepted). */
int place_new(const struct broker_place *given, struct boot_info **ret,
              flux_error_t *err);
void place_free(struct boot_info *place);

#endif
