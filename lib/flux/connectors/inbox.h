/* A queue of messages with a descriptor that is readable while there are any; the
 * descriptor is made when first asked for.
 */
#ifndef FLUX_FLUX_CONNECTORS_INBOX_H
#define FLUX_FLUX_CONNECTORS_INBOX_H

#include "flux/msgq.h"

struct inbox {
    struct msgq q;
    int fd; /* -1: not asked for */
};

void inbox_init(struct inbox *box);
void inbox_fini(struct inbox *box);
int inbox_push(struct inbox *box, flux_msg_t *msg); /* takes over; -ENOMEM */
flux_msg_t *inbox_pop(struct inbox *box);           /* NULL: empty */
int inbox_fd(struct inbox *box);                    /* or -errno */
/* Make the descriptor readable although there is nothing, to be looked at. */
void inbox_ring(struct inbox *box);

#endif
